import LogModel

/// Reading values of holes without putting lines together.
extension ColumnsChunk {
    /// Gives a reader the rows of a range whose lines fulfil a condition, in their order; those that
    /// it wants as lines come last.
    func readFields(
        _ rows: Range<Int>, _ question: LineQuestion, into reader: any FieldReader
    ) throws {
        guard !rows.isEmpty else { return }
        if question.isEmpty { trace?.note(.unsearched) }
        let wanted = question.isEmpty ? nil : try self.rows(question)
        if let wanted, wanted.rows(in: rows).isEmpty { return }
        let (sets, ids) = try sets()
        reader.begin(metadata: sets)
        let walk = try FieldWalk(columns, try timestamps(), from: rows.lowerBound)
        var asLines: [UInt32] = []
        for row in rows {
            if let wanted, !wanted.contains(row) {
                walk.skip(row)
            } else if try !walk.take(row, metadata: ids.isEmpty ? 0 : Int(ids[row]), reader) {
                asLines.append(UInt32(truncatingIfNeeded: row))
            }
            walk.letGo()
        }
        guard !asLines.isEmpty else { return }
        var entries = Entries()
        try load(asLines, within: rows, into: &entries)
        reader.take(entries)
    }
}

/// Walks over the rows of a chunk and looks at the values that shapes want.
private final class FieldWalk {
    /// What is to be done for a template. Lists of all plans lie end to end in `wanted` and `dropped`.
    private struct Plan: BitwiseCopyable {
        static let unknown: Int32 = -2
        static let asLines: Int32 = -1

        /// Number of the shape for the reader.
        var shape = Plan.unknown
        var firstWanted: Int32 = 0
        var wanted: Int32 = 0
        /// The deciding value among the wanted ones; -1 without one.
        var decider: Int32 = -1
        var firstDropped: Int32 = 0
    }

    /// A hole among those of its template, and its column.
    private struct Wanted: BitwiseCopyable {
        var hole: Int32
        var column: Int32
    }

    /// Deciding values of columns with more than this are not remembered.
    private static let mostCodes = 4096

    private let header: ColumnsHeader
    private let steps: RawList<TemplateTable.Step>
    private let firstStep: RawList<Int>
    private let numbers: StripNumbers
    private let cursors: ColumnCursors
    private let timestamps: [Int64]
    private let bytes: [ByteSet]
    private let plans: RawList<Plan>
    @exclusivity(unchecked) private var wanted = RawList<Wanted>()
    /// By the code of a deciding value: whether its rows are left out.
    @exclusivity(unchecked) private var dropped = RawList<Bool>()
    private var shapes: Int32 = 0
    /// Values of the row at hand.
    private let values: UnsafeMutablePointer<FieldValue>

    init(_ columns: ColumnsReader, _ timestamps: [Int64], from row: Int) throws {
        header = columns.header
        steps = RawList(header.steps)
        firstStep = RawList(header.firstStep)
        numbers = try columns.pages.numbers()
        cursors = try columns.cursors(at: numbers.first(ofRow: row), timestamps: timestamps)
        self.timestamps = timestamps
        bytes = header.columns.map { ByteClasses.bytes($0.mask) }
        plans = RawList(repeating: Plan(), count: header.templates)
        values = .allocate(capacity: LineCutter.mostHoles + 1)
    }

    deinit { values.deallocate() }

    func skip(_ row: Int) {
        for strip in numbers.strips(ofRow: row) { step(over: Int(numbers.templates[strip])) }
    }

    @inline(__always)
    private func step(over template: Int) {
        for step in firstStep[template]..<firstStep[template + 1] - 1 {
            cursors.cursors[Int(steps[step].column)].index += 1
        }
    }

    /// False when the row is wanted as a line.
    func take(_ row: Int, metadata: Int, _ reader: any FieldReader) throws -> Bool {
        let strips = numbers.strips(ofRow: row)
        guard strips.count == 1 else {
            skip(row)
            return false
        }
        let template = Int(numbers.templates[strips.lowerBound])
        if plans[template].shape == Plan.unknown { plans[template] = plan(template, reader) }
        let plan = plans[template]
        guard plan.shape >= 0 else {
            step(over: template)
            return false
        }
        let found = try readValues(plan, template)
        var code = -1
        if plan.decider >= 0 {
            code = values[Int(plan.decider)].code
            if code >= 0, dropped[Int(plan.firstDropped) + code] { return true }
        }
        let isWanted = reader.take(
            shape: Int(plan.shape), timestamp: timestamps[row], metadata: metadata,
            UnsafeBufferPointer(start: values, count: found))
        if !isWanted, code >= 0 { dropped[Int(plan.firstDropped) + code] = true }
        return true
    }

    /// Reads the values that are wanted and steps over the others. A column may have several holes of
    /// a template, so each is read on the way.
    @inline(__always)
    private func readValues(_ plan: Plan, _ template: Int) throws -> Int {
        var found = 0
        let first = firstStep[template]
        var next = plan.wanted > 0 ? Int(wanted[Int(plan.firstWanted)].hole) : -1
        for step in first..<firstStep[template + 1] - 1 {
            let cursor = cursors.cursors + Int(steps[step].column)
            if step - first == next {
                if cursor.pointee.index >= cursor.pointee.count {
                    try cursors.loadBeside(Int(steps[step].column))
                }
                (values + found).initialize(to: cursors.value(cursor))
                found += 1
                next =
                    found < Int(plan.wanted)
                    ? Int(wanted[Int(plan.firstWanted) + found].hole) : -1
            }
            cursor.pointee.index += 1
        }
        return found
    }

    /// Lets go of pages that values of the rows before lay in.
    func letGo() { cursors.letGo() }

    private func plan(_ template: Int, _ reader: any FieldReader) -> Plan {
        var plan = Plan()
        plan.shape = Plan.asLines
        let (shape, columns) = shape(template)
        // Template 0 has no shape at all.
        guard template > 0, let fields = reader.wanted(of: shape) else { return plan }
        plan.shape = shapes
        shapes += 1
        plan.firstWanted = Int32(truncatingIfNeeded: wanted.count)
        plan.wanted = Int32(truncatingIfNeeded: fields.holes.count)
        for hole in fields.holes {
            wanted.append(
                Wanted(hole: Int32(truncatingIfNeeded: hole), column: columns[hole]))
        }
        if let decider = fields.decider {
            let distinct = header.columns[Int(columns[fields.holes[decider]])].distinct
            guard distinct > 0, distinct <= Self.mostCodes else { return plan }
            plan.decider = Int32(truncatingIfNeeded: decider)
            plan.firstDropped = Int32(truncatingIfNeeded: dropped.count)
            for _ in 0..<distinct { dropped.append(false) }
        }
        return plan
    }

    private func shape(_ template: Int) -> (LineShape, columns: [Int32]) {
        var shape = LineShape(units: [], holes: [])
        var columns: [Int32] = []
        let range = header.table.steps(of: template)
        shape.units.reserveCapacity(range.reduce(0) { $0 + 1 + Int(steps[$1].size) })
        header.table.pieces.withUnsafeBufferPointer { pieces in
            for step in range {
                let entry = steps[step]
                for place in Int(entry.start)..<Int(entry.start) + Int(entry.size) {
                    shape.units.append(.byte(pieces[place]))
                }
                guard entry.column >= 0 else { continue }
                let column = header.columns[Int(entry.column)]
                shape.units.append(.hole(columns.count))
                shape.holes.append(
                    LineShape.Hole(
                        bytes: bytes[Int(entry.column)], shortest: column.shortest,
                        isReadable: !column.isTime, column: Int(entry.column)))
                columns.append(entry.column)
            }
        }
        return (shape, columns)
    }
}

extension ByteClasses {
    private static let sets: [ByteSet] = {
        var sets = [ByteSet](repeating: ByteSet(), count: 64)
        for byte in 0..<256 { sets[Int(table[byte])].insert(UInt8(byte)) }
        return sets
    }()

    /// The bytes of some classes.
    static func bytes(_ classes: UInt64) -> ByteSet {
        var out = ByteSet()
        var rest = classes
        while rest != 0 {
            out.formUnion(sets[rest.trailingZeroBitCount])
            rest &= rest - 1
        }
        return out
    }
}
