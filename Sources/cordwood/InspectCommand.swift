import ArgumentParser
import Foundation
import Segment

/// `cordwood inspect SEGMENT`: why a segment is as large as it is.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a segment consists of, to the byte.",
        discussion: """
            Segments lie in the folder `objects` of the server's data. They never change once they \
            are there, so a server may be running. Exit codes: 0, or 2 for a file that is no \
            segment, is damaged, or cannot be read.
            """)

    @Argument(help: "The segment.")
    var segment: String
    @Option(help: "Templates to print, the most common first; 0 = all.")
    var templates = 20
    @Option(help: "Columns to print, the largest first; 0 = all.")
    var columns = 40
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        try await reporting {
            for (name, count) in [("templates", templates), ("columns", columns)] where count < 0 {
                throw Failure("--\(name) \(count): 0 for all, or a number")
            }
            let report = AnatomyReport(
                try anatomy(), path: segment, columns: columns == 0 ? .max : columns,
                templates: templates == 0 ? .max : templates)
            EntryPrinter.write(Array((json ? try report.json : report.text).utf8))
        }
    }

    private func anatomy() throws -> SegmentAnatomy {
        let file = try SegmentFile(segment)
        do { return try SegmentAnatomy(size: file.size) { try file.read($0) } } catch let error
            as SegmentError
        {
            throw Failure("\(segment): \(Self.text(error))")
        }
    }

    private static func text(_ error: SegmentError) -> String {
        switch error {
        case .corrupt(let what, let offset): "\(what) (at byte \(offset))"
        case .unsupported(let what): what
        case .lineTooLong(let bytes): "a line of \(bytes) bytes"
        }
    }
}

/// A file that is read here and there.
private final class SegmentFile: Sendable {
    let size: Int
    private let path: String
    private let descriptor: Int32

    /// Errors: a `Failure` that says what is in the way.
    init(_ path: String) throws {
        self.path = path
        // Without waiting for whoever may write to a pipe.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw Failure("\(path): not a file")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    private static func failure(_ path: String) -> Failure {
        Failure("\(path): \(String(cString: strerror(errno)))")
    }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        var failed: Failure?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + count }, range.count - count,
                    off_t(range.lowerBound + count))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    let at = range.lowerBound + count
                    failed =
                        got < 0
                        ? Self.failure(path)
                        : Failure("\(path): cut short while it was read (at byte \(at))")
                    return
                }
                count += got
            }
        }
        if let failed { throw failed }
        return bytes
    }
}
