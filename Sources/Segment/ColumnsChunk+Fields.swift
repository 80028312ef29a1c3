import LogModel

/// Reading values of holes without putting lines together.
extension ColumnsChunk {
    /// Gives a reader the rows of a range whose lines fulfil a condition, in their order; those that
    /// it wants as lines come last.
    func readFields(
        _ rows: Range<Int>, _ question: LineQuestion, into reader: any FieldReader
    ) throws {
        guard !rows.isEmpty else { return }
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
        }
        guard !asLines.isEmpty else { return }
        var entries = Entries()
        try load(asLines, within: rows, into: &entries)
        reader.take(entries)
    }
}

/// Walks over the rows of a chunk and looks at the values that shapes want.
private final class FieldWalk {
    private struct Plan {
        /// Number of the shape for the reader; -1 wants lines.
        var shape = -1
        /// Of each wanted hole its column, and its place among the holes of the template.
        var wanted: [(column: Int, hole: Int)] = []
    }

    private let header: ColumnsHeader
    private let steps: RawList<TemplateTable.Step>
    private let firstStep: [Int]
    private let numbers: StripNumbers
    private let cursors: ColumnCursors
    private let timestamps: [Int64]
    private let bytes: [ByteSet]
    private var plans: [Plan?]
    private var shapes = 0
    /// Values of the row at hand.
    private let values: UnsafeMutablePointer<FieldValue>

    init(_ columns: ColumnsReader, _ timestamps: [Int64], from row: Int) throws {
        header = columns.header
        steps = RawList(header.steps)
        firstStep = header.firstStep
        numbers = try columns.pages.numbers()
        cursors = try columns.cursors(at: numbers.first(ofRow: row), timestamps: timestamps)
        self.timestamps = timestamps
        bytes = header.columns.map { ByteClasses.bytes($0.mask) }
        plans = Array(repeating: nil, count: header.templates)
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
        if plans[template] == nil { plans[template] = plan(template, reader) }
        guard let plan = plans[template], plan.shape >= 0 else {
            step(over: template)
            return false
        }
        // A column may have several holes of a template: values are read on the way.
        var found = 0
        let first = firstStep[template]
        for step in first..<firstStep[template + 1] - 1 {
            let cursor = cursors.cursors + Int(steps[step].column)
            if found < plan.wanted.count, plan.wanted[found].hole == step - first {
                let column = plan.wanted[found].column
                if cursor.pointee.index >= cursor.pointee.count {
                    try cursors.loadBeside(column)
                }
                (values + found).initialize(to: cursors.value(cursor))
                found += 1
            }
            cursor.pointee.index += 1
        }
        reader.take(
            shape: plan.shape, timestamp: timestamps[row], metadata: metadata,
            UnsafeBufferPointer(start: values, count: found))
        cursors.letGo()
        return true
    }

    private func plan(_ template: Int, _ reader: any FieldReader) -> Plan {
        var shape = LineShape(units: [], holes: [])
        var columns: [Int] = []
        let range = header.table.steps(of: template)
        shape.units.reserveCapacity(range.reduce(0) { $0 + 1 + Int(steps[$1].size) })
        for step in range {
            let entry = steps[step]
            shape.units.append(contentsOf: header.table.piece(entry).lazy.map { .byte($0) })
            guard entry.column >= 0 else { continue }
            let column = header.columns[Int(entry.column)]
            shape.units.append(.hole(columns.count))
            shape.holes.append(
                LineShape.Hole(
                    bytes: bytes[Int(entry.column)], shortest: column.shortest,
                    isReadable: !column.isTime, column: Int(entry.column)))
            columns.append(Int(entry.column))
        }
        // Template 0 has no shape at all.
        guard template > 0, let wanted = reader.holes(of: shape) else { return Plan() }
        defer { shapes += 1 }
        return Plan(shape: shapes, wanted: wanted.sorted().map { (columns[$0], $0) })
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
