import Bytes

/// Page T of a COLUMNS chunk: the timestamps of its rows, `ColumnsFormat.pageRows` to a block.
/// ```
/// block: u8 0, IntBlock: nanoseconds
///        u8 1, IntBlock: milliseconds, IntBlock: nanoseconds behind them
/// ```
/// `IntBlock` finds the unit of numbers and writes differences where that is smaller. Clocks of logs
/// mostly tick in milliseconds, and senders number the entries of one tick behind them.
enum TimesPage {
    private static let tick = 1_000_000 as Int64

    static func encode(_ timestamps: [Int64]) -> [UInt8] {
        var body: [UInt8] = []
        timestamps.withUnsafeBufferPointer { all in
            guard let base = all.baseAddress else { return }
            for start in stride(from: 0, to: all.count, by: ColumnsFormat.pageRows) {
                let count = min(ColumnsFormat.pageRows, all.count - start)
                append(base + start, count, to: &body)
            }
        }
        return Page.seal(body)
    }

    private static func append(
        _ times: UnsafePointer<Int64>, _ count: Int, to body: inout [UInt8]
    ) {
        var whole: [UInt8] = [0]
        IntBlock.encode(times, count: count, into: &whole)
        let ticks = RawList<Int64>(repeating: 0, count: count)
        let rests = RawList<Int64>(repeating: 0, count: count)
        for index in 0..<count {
            ticks[index] = times[index] / tick
            rests[index] = times[index] % tick
        }
        var split: [UInt8] = [1]
        IntBlock.encode(ticks.base, count: count, into: &split)
        IntBlock.encode(rests.base, count: count, into: &split)
        body += split.count < whole.count ? split : whole
    }

    /// Decodes the page that fills `bytes`.
    static func decode(_ bytes: [UInt8], rows: Int) throws(SegmentError) -> [Int64] {
        guard rows <= ColumnsFormat.mostRows else { throw .corrupt("rows of times", offset: 0) }
        let body = try Page.decode(bytes, 0..<bytes.count, limit: SegmentFormat.maxPageBytes)
        let times = RawCodes(count: rows)
        do throws(BytesError) {
            var reader = ByteReader(body)
            for start in stride(from: 0, to: rows, by: ColumnsFormat.pageRows) {
                let count = min(ColumnsFormat.pageRows, rows - start)
                let isSplit = try reader.readUInt8() == 1
                try IntBlock.decode(&reader, count: count, into: times.numbers + start)
                guard isSplit else { continue }
                let rests = RawCodes(count: count)
                try IntBlock.decode(&reader, count: count, into: rests.numbers)
                for index in 0..<count {
                    let ticks = times.numbers[start + index]
                    times.numbers[start + index] = ticks &* tick &+ rests.numbers[index]
                }
            }
            guard reader.isAtEnd else { throw .invalid("size", offset: reader.offset) }
        } catch { throw .of(error, in: "times of a chunk") }
        return Array(UnsafeBufferPointer(start: times.numbers, count: rows))
    }
}
