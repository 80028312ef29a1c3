import Bytes
import Glibc
import Segment

/// Measures the codec of segments on lines of many shapes, or on the lines of files: how small it
/// makes them and how fast it is, beside zstd. `--write FOLDER` writes the shapes' lines instead.
@main
enum BenchColumns {
    private static let seed: UInt64 = 11
    private static let bytesPerShape = 12 << 20
    private static let bytesWritten = 50_000_000
    private static let rowsWritten = 1_000_000
    private static let mostOfFile = 64 << 20

    static func main() {
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--write" {
            return write(to: CommandLine.arguments[2])
        }
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

    /// A file for each shape: of each line its nanoseconds, a blank and its bytes, ended by a NUL.
    private static func write(to folder: String) {
        for shape in LogShape.allCases where shape != .binary {
            guard let file = fopen("\(folder)/\(shape.rawValue)", "w") else {
                print("\(folder)/\(shape.rawValue): cannot be written")
                exit(1)
            }
            var rows = 0
            for chunk in shape.chunks(bytes: bytesWritten, seed: seed) where rows < rowsWritten {
                rows += chunk.rows
                for row in 0..<chunk.rows {
                    let line = Array("\(chunk.timestamps[row]) ".utf8) + chunk.line(row) + [0]
                    fwrite(line, 1, line.count, file)
                }
            }
            fclose(file)
        }
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
