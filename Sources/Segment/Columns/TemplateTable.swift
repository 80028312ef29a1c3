import Bytes

/// What lines look like: static pieces with holes between them.
package struct TemplateTable: Sendable {
    /// A piece, and the column of the hole behind it; -1 behind a template's last piece.
    struct Step: Sendable, BitwiseCopyable {
        var start: UInt32
        var size: UInt32
        var column: Int32
    }

    /// All pieces end to end, with room for copies that overshoot.
    private(set) var pieces: [UInt8] = []
    private(set) var steps: [Step] = []
    /// Template t consists of the steps from `firstStep[t]` up to `firstStep[t + 1]`.
    private(set) var firstStep: [Int] = [0]

    var count: Int { firstStep.count - 1 }

    func steps(of template: Int) -> Range<Int> { firstStep[template]..<firstStep[template + 1] }

    /// Whether it is one hole without text around it.
    func isBareHole(_ template: Int) -> Bool {
        let steps = steps[steps(of: template)]
        return steps.count == 2 && steps.allSatisfy { $0.size == 0 }
    }

    /// Where all of it lies, for loops over the rows of a chunk: no reference count, no check. Numbers of
    /// templates are checked where they are read.
    struct Places: BitwiseCopyable {
        fileprivate let steps: UnsafePointer<Step>
        fileprivate let firstStep: UnsafePointer<Int>
        let pieces: UnsafePointer<UInt8>

        @inline(__always)
        func steps(of template: Int) -> UnsafeBufferPointer<Step> {
            let first = firstStep[template]
            return UnsafeBufferPointer(start: steps + first, count: firstStep[template + 1] - first)
        }
    }

    /// The places are good for as long as `body` runs. Without a template there are none, and nothing runs.
    func withPlaces(_ body: (Places) throws -> Void) rethrows {
        try steps.withUnsafeBufferPointer { steps in
            try firstStep.withUnsafeBufferPointer { firstStep in
                try pieces.withUnsafeBufferPointer { pieces in
                    guard let steps = steps.baseAddress, let first = firstStep.baseAddress,
                        let pieces = pieces.baseAddress
                    else { return }
                    try body(Places(steps: steps, firstStep: first, pieces: pieces))
                }
            }
        }
    }

    func piece(_ step: Step) -> ArraySlice<UInt8> {
        pieces[Int(step.start)..<Int(step.start) + Int(step.size)]
    }

    /// Bytes of memory, about.
    var memory: Int {
        pieces.count + steps.count * MemoryLayout<Step>.stride + firstStep.count * 8
    }

    init() {}

    /// `varint templates { TEMPLATE }` with `varint holes, per hole: varint column, per piece (one
    /// more than holes): varint size, bytes`.
    init(
        _ reader: inout ByteReader, limit: Int,
        _ each: (inout ByteReader) throws(BytesError) -> Void
    ) throws(BytesError) {
        let count = try reader.readCount(limit: limit)
        firstStep.reserveCapacity(min(count, reader.remaining) + 1)
        for _ in 0..<count {
            let holes = try reader.readCount(limit: min(LineCutter.mostHoles, reader.remaining))
            let first = steps.count
            for _ in 0..<holes {
                let column = try reader.readCount(limit: ColumnsFormat.mostColumns - 1)
                steps.append(Step(start: 0, size: 0, column: Int32(truncatingIfNeeded: column)))
            }
            steps.append(Step(start: 0, size: 0, column: -1))
            for step in first..<steps.count {
                let size = try reader.readCount(limit: reader.remaining)
                steps[step].start = UInt32(truncatingIfNeeded: pieces.count)
                steps[step].size = UInt32(truncatingIfNeeded: size)
                try reader.appendBytes(size, to: &pieces)
            }
            firstStep.append(steps.count)
            try each(&reader)
        }
        pieces += [UInt8](repeating: 0, count: ByteColumn.slack)
    }

    /// Writes what `init` reads, but for the count and what `each` reads.
    static func write(
        _ pieces: some Collection<some Collection<UInt8>>, columns: some Collection<Int>,
        into out: inout [UInt8]
    ) {
        out.appendVarint(UInt64(columns.count))
        for column in columns { out.appendVarint(UInt64(column)) }
        for piece in pieces {
            out.appendVarint(UInt64(piece.count))
            out += piece
        }
    }
}
