import Bytes
import Glibc
import Segment

/// Measures the codec of segments on lines of many shapes, or on the lines of files: how small it
/// makes them and how fast it is, beside zstd.
@main
enum BenchColumns {
    private static let seed: UInt64 = 11
    private static let bytesPerShape = 12 << 20
    private static let mostOfFile = 64 << 20

    static func main() {
        print("sizes beside zstd -3 of the same lines in blocks of 4 MiB; MB/s of one core")
        print(Measurement.head)
        let files = CommandLine.arguments.dropFirst()
        for path in files {
            guard let chunks = lines(of: path) else {
                print("\(path): cannot be read")
                exit(1)
            }
            print(Measurement(chunks).row(String(path.split(separator: "/").last ?? "")))
        }
        guard files.isEmpty else { return }
        for shape in LogShape.allCases {
            print(Measurement(shape.chunks(bytes: bytesPerShape, seed: seed)).row(shape.rawValue))
        }
        print("seed \(seed)")
    }

    /// Lines of a file, a time apart; those that begin with a blank belong to the one before.
    private static func lines(of path: String) -> [ShapedLines]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: mostOfFile) { out, count in
            count = fread(out.baseAddress, 1, mostOfFile, file)
        }
        var chunks: [ShapedLines] = []
        var chunk = ShapedLines()
        var start = 0
        while let end = bytes[start...].firstIndex(of: 10) {
            var end = end
            while end + 1 < bytes.count, bytes[end + 1] == 9 || bytes[end + 1] == 32,
                let next = bytes[(end + 1)...].firstIndex(of: 10)
            {
                end = next
            }
            chunk.append(bytes[start..<end], at: Int64(start) * 1_000_000)
            start = end + 1
            if chunk.isFull {
                chunks.append(chunk)
                chunk = ShapedLines()
            }
        }
        return chunks + (chunk.bytes.isEmpty ? [] : [chunk])
    }
}
