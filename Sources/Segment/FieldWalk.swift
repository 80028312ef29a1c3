import LogModel

/// Walks over the rows of a chunk and looks at the values that shapes want, and at no column of which
/// none does.
final class FieldWalk {
    /// What is to be done for a template. Lists of all plans lie end to end.
    private struct Plan: BitwiseCopyable {
        static let asLines: Int32 = -1
        static let unwanted: Int32 = -2

        /// Number of the shape for the reader.
        var shape = Plan.asLines
        /// Holes whose columns are wanted in any template, in `holes`.
        var firstHole: Int32 = 0
        var holes: Int32 = 0
        /// Values that are wanted in this one.
        var wanted: Int32 = 0
        /// The deciding value among the wanted ones, -1 without one, its column, and how many holes of
        /// the template lie in that column before it.
        var decider: Int32 = -1
        var deciderColumn: Int32 = 0
        var deciderOffset: Int32 = 0
        /// The first of its codes in `dropped`.
        var firstDropped: Int32 = 0
    }

    /// A hole whose column is walked along.
    private struct Hole: BitwiseCopyable {
        var column: Int32
        var isWanted: Bool
    }

    private struct Verdicts: BitwiseCopyable {
        static let none = -1

        var number = Verdicts.none
        var first: Int32 = 0
    }

    /// Deciding values of columns with more than this are not remembered.
    private static let mostCodes = 4096

    private let reader: any FieldReader
    private let numbers: StripNumbers
    private let templates: RawList<UInt16>
    private let firstRow: Int
    private let cursors: ColumnCursors
    private let timestamps: [Int64]
    private let plans: RawList<Plan>
    @exclusivity(unchecked) private var holes = RawList<Hole>()
    /// By the code of a deciding value: whether its rows are left out.
    @exclusivity(unchecked) private var dropped = RawList<Bool>()
    /// By column: whose verdicts on its values lie where in `dropped`, of those that were asked for first.
    private var verdicts: RawList<Verdicts>
    /// Values of the row at hand.
    private let values: UnsafeMutablePointer<FieldValue>

    /// Walks from the first row of a range on, which is not empty. `shapes` are the numbers of the
    /// templates.
    init(
        _ columns: ColumnsReader, shapes: [Int], _ timestamps: [Int64], _ rows: Range<Int>,
        for reader: any FieldReader
    ) throws {
        self.reader = reader
        self.timestamps = timestamps
        let header = columns.header
        numbers = try columns.pages.numbers()
        let first = numbers.first(ofRow: rows.lowerBound)
        let end = numbers.strips(ofRow: rows.upperBound - 1).upperBound
        cursors = try columns.cursors(at: first, timestamps: timestamps)
        templates = RawList(Array(numbers.templates[first..<end]))
        firstRow = first
        plans = RawList(repeating: Plan(), count: header.templates)
        verdicts = RawList(repeating: Verdicts(), count: header.columns.count)
        values = .allocate(capacity: LineCutter.mostHoles + 1)
        plan(header, shapes)
    }

    deinit { values.deallocate() }

    func skip(_ row: Int) {
        for strip in numbers.strips(ofRow: row) { step(over: plans[template(strip)]) }
    }

    @inline(__always)
    private func template(_ strip: Int) -> Int { Int(templates[strip - firstRow]) }

    @inline(__always)
    private func step(over plan: Plan) {
        for hole in Int(plan.firstHole)..<Int(plan.firstHole) + Int(plan.holes) {
            cursors.cursors[Int(holes[hole].column)].index += 1
        }
    }

    /// False when the row is wanted as a line.
    func take(_ row: Int, metadata: Int) throws -> Bool {
        let strips = numbers.strips(ofRow: row)
        guard strips.count == 1 else {
            skip(row)
            return false
        }
        let plan = plans[template(strips.lowerBound)]
        guard plan.shape >= 0 else {
            step(over: plan)
            return plan.shape == Plan.unwanted
        }
        if plan.decider >= 0 {
            let code = cursors.code(Int(plan.deciderColumn), ahead: Int(plan.deciderOffset))
            if code >= 0, dropped[Int(plan.firstDropped) + code] {
                step(over: plan)
                return true
            }
        }
        try readValues(plan)
        switch reader.take(
            shape: Int(plan.shape), timestamp: timestamps[row], metadata: metadata,
            UnsafeBufferPointer(start: values, count: Int(plan.wanted)))
        {
        case .taken: return true
        case .asLine: return false
        case .unwanted:
            if plan.decider >= 0, values[Int(plan.decider)].code >= 0 {
                dropped[Int(plan.firstDropped) + values[Int(plan.decider)].code] = true
            }
            return true
        }
    }

    /// Reads the values that are wanted and steps over the others. A column may have several holes of
    /// a template, so each is read on the way.
    @inline(__always)
    private func readValues(_ plan: Plan) throws {
        var found = 0
        for place in Int(plan.firstHole)..<Int(plan.firstHole) + Int(plan.holes) {
            let hole = holes[place]
            let cursor = cursors.cursors + Int(hole.column)
            if hole.isWanted {
                if cursor.pointee.index >= cursor.pointee.count {
                    try cursors.loadBeside(Int(hole.column))
                }
                (values + found).initialize(to: cursors.value(cursor))
                found += 1
            }
            cursor.pointee.index += 1
        }
    }

    /// Lets go of pages that values of the rows before lay in.
    func letGo() { cursors.letGo() }
}

// Planning.
extension FieldWalk {
    /// Asks the reader what it wants of each template that occurs.
    private func plan(_ header: ColumnsHeader, _ numbers: [Int]) {
        let isUsed = RawList(repeating: false, count: header.templates)
        for strip in 0..<templates.count { isUsed[Int(templates[strip])] = true }
        let offers = ShapeOffers(header)
        let isWalked = RawList(repeating: false, count: header.columns.count)
        var wanted = [WantedFields?](repeating: nil, count: header.templates)
        // Template 0 has no shape at all.
        for template in 1..<max(header.templates, 1) where isUsed[template] {
            guard
                let fields = reader.wanted(
                    of: numbers[template], columns: offers.columns(template),
                    { offers.shape(template) })
            else { continue }
            wanted[template] = fields
            for hole in fields.holes { isWalked[Int(offers.column(template, hole))] = true }
        }
        var shapes: Int32 = 0
        for template in 0..<header.templates where isUsed[template] {
            var plan = Plan()
            plan.firstHole = Int32(truncatingIfNeeded: holes.count)
            let fields = wanted[template]
            for hole in 0..<offers.holes(template) {
                let column = offers.column(template, hole)
                guard isWalked[Int(column)] else { continue }
                let isWanted = fields?.holes.contains(hole) ?? false
                holes.append(Hole(column: column, isWanted: isWanted))
                plan.holes += 1
            }
            if let fields {
                plan.shape = shapes
                shapes += 1
                if fields.isNone { plan.shape = Plan.unwanted }
                plan.wanted = Int32(truncatingIfNeeded: fields.holes.count)
                decide(&plan, fields, template, offers, header)
            }
            plans[template] = plan
        }
    }

    private func decide(
        _ plan: inout Plan, _ fields: WantedFields, _ template: Int,
        _ offers: borrowing ShapeOffers,
        _ header: ColumnsHeader
    ) {
        guard let decider = fields.decider else { return }
        let hole = fields.holes[decider]
        let column = offers.column(template, hole)
        let distinct = header.columns[Int(column)].distinct
        guard distinct > 0, distinct <= Self.mostCodes else { return }
        plan.decider = Int32(truncatingIfNeeded: decider)
        plan.deciderColumn = column
        for before in 0..<hole where offers.column(template, before) == column {
            plan.deciderOffset += 1
        }
        let known = verdicts[Int(column)]
        if let number = fields.verdicts, number == known.number {
            plan.firstDropped = known.first
            return
        }
        plan.firstDropped = Int32(truncatingIfNeeded: dropped.count)
        for _ in 0..<distinct { dropped.append(false) }
        if let number = fields.verdicts, known.number == Verdicts.none {
            verdicts[Int(column)] = Verdicts(number: number, first: plan.firstDropped)
        }
    }
}

/// Shows the templates of a chunk as shapes.
private struct ShapeOffers: ~Copyable {
    private let header: ColumnsHeader
    private let firstStep: [Int]
    /// The columns of all holes, a template's behind those of the one before.
    private let columns: RawList<Int32>

    init(_ header: ColumnsHeader) {
        self.header = header
        firstStep = header.firstStep
        var columns = RawList<Int32>(capacity: header.steps.count)
        for step in header.steps where step.column >= 0 { columns.append(step.column) }
        self.columns = columns
    }

    /// The column of each hole. A template has one piece more than holes.
    func columns(_ template: Int) -> UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(
            start: columns.base + firstStep[template] - template, count: holes(template))
    }

    func holes(_ template: Int) -> Int { firstStep[template + 1] - firstStep[template] - 1 }

    func column(_ template: Int, _ hole: Int) -> Int32 {
        columns[firstStep[template] - template + hole]
    }

    func shape(_ template: Int) -> LineShape {
        var shape = LineShape(units: [], holes: [])
        for step in header.table.steps(of: template) {
            let entry = header.steps[step]
            shape.units += header.table.piece(entry).map { .byte($0) }
            guard entry.column >= 0 else { continue }
            let column = header.columns[Int(entry.column)]
            shape.units.append(.hole(shape.holes.count))
            shape.holes.append(
                LineShape.Hole(
                    bytes: ByteClasses.bytes(column.mask), shortest: column.shortest,
                    isReadable: !column.isTime))
        }
        return shape
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
