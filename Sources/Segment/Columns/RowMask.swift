/// A set of rows of a chunk, or of frames of a segment.
struct RowMask: Equatable {
    private(set) var words: [UInt64]
    let rows: Int

    init(rows: Int, all: Bool) {
        self.rows = rows
        words = Array(repeating: all ? ~0 : 0, count: (rows + 63) / 64)
        clearTail()
    }

    init(rows: Int, _ list: [UInt32]) {
        self.init(rows: rows, all: false)
        for row in list { words[Int(row) / 64] |= 1 << UInt64(row % 64) }
    }

    private mutating func clearTail() {
        if rows % 64 != 0 { words[words.count - 1] &= 1 << UInt64(rows % 64) - 1 }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    mutating func insert(_ row: Int) { words[row / 64] |= 1 << UInt64(row % 64) }

    mutating func remove(_ row: Int) { words[row / 64] &= ~(1 << UInt64(row % 64)) }

    func contains(_ row: Int) -> Bool { words[row / 64] >> UInt64(row % 64) & 1 == 1 }

    mutating func formIntersection(_ other: RowMask) {
        for index in words.indices { words[index] &= other.words[index] }
    }

    mutating func formUnion(_ other: RowMask) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    mutating func invert() {
        for index in words.indices { words[index] = ~words[index] }
        clearTail()
    }

    /// All rows that are in the set, ascending.
    private func list<Row: FixedWidthInteger>() -> [Row] {
        let total = count
        return [Row](unsafeUninitializedCapacity: total) { out, count in
            for (index, bits) in words.enumerated() {
                var word = bits
                while word != 0 {
                    let row = index * 64 + word.trailingZeroBitCount
                    out.initializeElement(at: count, to: Row(truncatingIfNeeded: row))
                    count += 1
                    word &= word - 1
                }
            }
        }
    }

    /// Appends the rows of a range that are in the set, ascending.
    func append<Row: FixedWidthInteger>(in range: Range<Int>, to out: inout [Row]) {
        guard !range.isEmpty else { return }
        // Of all rows it is known how many come.
        if out.isEmpty, range == 0..<rows {
            out = list()
            return
        }
        for index in range.lowerBound / 64...(range.upperBound - 1) / 64 {
            var word = words[index]
            if index == range.lowerBound / 64 { word &= ~0 << UInt64(range.lowerBound % 64) }
            while word != 0 {
                let row = index * 64 + word.trailingZeroBitCount
                guard row < range.upperBound else { return }
                out.append(Row(truncatingIfNeeded: row))
                word &= word - 1
            }
        }
    }
}
