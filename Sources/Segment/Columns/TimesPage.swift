import Bytes

/// Page T of a COLUMNS chunk: the timestamps of its rows, `ColumnsFormat.pageRows` to a `TimeBlock`.
enum TimesPage {
    static func encode(_ timestamps: [Int64]) -> [UInt8] {
        var body: [UInt8] = []
        timestamps.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return }
            for start in stride(from: 0, to: all.count, by: ColumnsFormat.pageRows) {
                let count = min(ColumnsFormat.pageRows, all.count - start)
                TimeBlock.encode(base + start, count: count, into: &body)
            }
        }
        return Page.seal(body)
    }

    /// Decodes the page that fills `bytes`.
    static func decode(_ bytes: [UInt8], rows: Int) throws(SegmentError) -> [Int64] {
        guard rows <= ColumnsFormat.mostRows else { throw .corrupt("rows of times", offset: 0) }
        let body = try Page.decode(bytes, 0..<bytes.count, limit: SegmentFormat.maxPageBytes)
        let times = RawCodes(count: rows)
        do throws(BytesError) {
            var reader = ByteReader(body)
            for start in stride(from: 0, to: rows, by: ColumnsFormat.pageRows) {
                try TimeBlock.decode(
                    &reader, count: min(ColumnsFormat.pageRows, rows - start),
                    into: times.numbers + start)
            }
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
        } catch { throw .of(error, in: "times of a chunk") }
        return Array(UnsafeBufferPointer(start: times.numbers, count: rows))
    }
}
