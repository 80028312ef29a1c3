import Bytes

/// Timestamps whose count the reader knows.
/// ```
/// u8 0, IntBlock: nanoseconds
/// u8 1, IntBlock: milliseconds, IntBlock: nanoseconds behind them
/// ```
/// `IntBlock` finds the unit of numbers and writes differences where that is smaller. Clocks of logs
/// mostly tick in milliseconds, and senders number the entries of one tick behind them.
enum TimeBlock {
    private static let tick = 1_000_000 as Int64

    static func encode(_ times: UnsafePointer<Int64>, count: Int, into out: inout [UInt8]) {
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
        out += split.count < whole.count ? split : whole
    }

    /// Fills `count` times; `count` is bounded by the caller.
    static func decode(
        _ reader: inout ByteReader, count: Int, into out: UnsafeMutablePointer<Int64>
    ) throws(BytesError) {
        let isSplit = try reader.readUInt8() == 1
        try IntBlock.decode(&reader, count: count, into: out)
        guard isSplit else { return }
        let rests = RawCodes(count: count)
        try IntBlock.decode(&reader, count: count, into: rests.numbers)
        for index in 0..<count { out[index] = out[index] &* tick &+ rests.numbers[index] }
    }
}
