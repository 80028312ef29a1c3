/// Lines with their timestamps, as a chunk of a segment has them.
package struct ShapedLines: Sendable {
    /// A chunk is full with so much.
    package static let chunkBytes = 4 * 1024 * 1024
    package static let chunkRows = 65_536

    package private(set) var bytes: [UInt8] = []
    package private(set) var ends: [UInt32] = []
    package private(set) var timestamps: [Int64] = []

    package init() {}

    package mutating func append(_ line: some Collection<UInt8>, at timestamp: Int64) {
        bytes += line
        ends.append(UInt32(bytes.count))
        timestamps.append(timestamp)
    }

    package func line(_ row: Int) -> ArraySlice<UInt8> {
        bytes[(row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row])]
    }

    package var rows: Int { ends.count }

    package var isFull: Bool { bytes.count >= Self.chunkBytes || rows >= Self.chunkRows }
}

extension LogShape {
    /// Chunks of about so many bytes in all.
    package func chunks(bytes: Int, seed: UInt64) -> [ShapedLines] {
        var maker = LineMaker(seed: seed)
        var now: Int64 = 1_795_219_200_000_000_000
        var chunks: [ShapedLines] = []
        var left = bytes
        while left > 0 {
            var chunk = ShapedLines()
            while left > 0, !chunk.isFull {
                now += Int64(maker.draw(0...40)) * 1_000_000
                maker.begin()
                write(now, to: &maker)
                chunk.append(maker.bytes, at: now)
                left -= maker.bytes.count + 1
            }
            chunks.append(chunk)
        }
        return chunks
    }
}
