import Foundation
import Logback
import Logging

/// Standard input as files: what comes is kept in the state folder until the server has it, so that it is
/// shipped once, whatever happens to the server or the agent meanwhile.
///
///     STATE/stdin/START-000001.log    followed as any other file; deleted when shipped
///
/// Owned by a thread of its own, which reads no further while too much waits.
final class StandardInput: @unchecked Sendable {
    private let folder: String
    private let logger: Logger
    private let started = Int64(Date().timeIntervalSince1970)
    private var number = 0
    private var descriptor: Int32 = -1
    private var written: Int64 = 0
    /// The last bytes that came, and as many of the first as whoever reads the file decides by.
    private var last: [UInt8] = []
    private var first: [UInt8] = []
    private let configured: TextEncoding?

    /// A file is closed behind the first line end after so many bytes.
    private static let fileBytes: Int64 = 16 << 20
    /// Unshipped bytes that are kept; then whoever writes to the pipe has to wait.
    private static let mostBytes: Int64 = 1 << 30
    private static let blockBytes = 64 * 1024

    /// As many bytes as a character takes at least, in any encoding.
    private static let widest = 4

    /// `encoding`: the configured one; a mark of byte order in front tells another.
    init(state: String, encoding: TextEncoding?, logger: Logger) throws(AgentError) {
        folder = Self.folder(state)
        configured = encoding
        self.logger = logger
        if mkdir(folder, 0o750) != 0, errno != EEXIST { throw .system("creating", folder) }
    }

    static func folder(_ state: String) -> String { state + "/stdin" }
    static func pattern(_ state: String) -> String { folder(state) + "/*.log" }

    /// Copies until standard input ends, or it is told to stop.
    func run(until stop: StopFlag) throws(AgentError) {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        defer { if descriptor >= 0 { close(descriptor) } }
        while !stop.isSet {
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&input, 1, 200) > 0 else { continue }
            while !stop.isSet, keptBytes > Self.mostBytes { Thread.sleep(forTimeInterval: 0.1) }
            let count = read(STDIN_FILENO, &block, block.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { break }
            try write(block[..<count])
        }
        try endLine()
    }

    private var encoding: TextEncoding { .of(head: first, configured: configured) }

    /// A last line without an end is a line; half a character before it is none.
    private func endLine() throws(AgentError) {
        let end = encoding.lineEnd
        let half = Int(written) % end.count
        guard half > 0 || !last.suffix(end.count).elementsEqual(end), !last.isEmpty else { return }
        let rest = [UInt8](repeating: 0, count: half > 0 ? end.count - half : 0)
        try append((rest + end)[...])
    }

    private func write(_ bytes: ArraySlice<UInt8>) throws(AgentError) {
        var rest = bytes
        if first.count < Fingerprint.length {
            first += bytes.prefix(Fingerprint.length - first.count)
        }
        if descriptor >= 0, written > Self.fileBytes, let count = upToLineEnd(rest) {
            if count > 0 { try append(rest.prefix(count)) }
            rest = rest.dropFirst(count)
            closeFile()
        }
        if !rest.isEmpty { try append(rest) }
        last = (last + bytes.suffix(Self.widest)).suffix(Self.widest)
    }

    /// How many of the bytes belong to a line that is begun: none behind a line's end, nil when the line
    /// goes on behind them. A line end is a whole character: of UTF-16 it may stand across two of them.
    private func upToLineEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        let end = encoding.lineEnd
        let misplaced = Int(written) % end.count
        if misplaced == 0, last.suffix(end.count).elementsEqual(end) { return 0 }
        guard end.count > 1 else {
            return bytes.firstIndex(of: end[0]).map { $0 - bytes.startIndex + 1 }
        }
        let first = (end.count - misplaced) % end.count
        for at in stride(from: first, through: bytes.count - end.count, by: end.count)
        where bytes.dropFirst(at).starts(with: end) { return at + end.count }
        return nil
    }

    private func closeFile() {
        close(descriptor)
        descriptor = -1
    }

    private func append(_ bytes: ArraySlice<UInt8>) throws(AgentError) {
        if descriptor < 0 {
            number += 1
            let digits = String(number)
            let padding = String(repeating: "0", count: max(0, 6 - digits.count))
            let path = "\(folder)/\(started)-\(padding)\(digits).log"
            descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
            guard descriptor >= 0 else { throw .system("creating", path) }
            written = 0
            // What the first file's beginning told, the next ones would not.
            if number > 1, configured?.isOpen ?? true { try append(encoding.mark[...]) }
        }
        try StateFile.write(bytes, to: descriptor, folder)
        written += Int64(bytes.count)
    }

    private var names: [String] {
        (Glob.names(folder) ?? []).filter { $0.hasSuffix(".log") }.sorted()
    }

    private var keptBytes: Int64 {
        names.reduce(0) { $0 + (FileIdentity.status(of: folder + "/" + $1)?.size ?? 0) }
    }

    /// Deletes files that are shipped to their end, all but the last; true when nothing waits.
    func clear(_ discovery: Discovery) -> Bool {
        let names = names
        var isDone = true
        for (index, name) in names.enumerated() {
            let path = folder + "/" + name
            guard let status = FileIdentity.status(of: path) else { continue }
            let offset = discovery.shared.withLock {
                $0.registry.source(of: status.identity)?.offset
            }
            guard let offset, offset >= status.size else {
                isDone = isDone && status.size == 0
                continue
            }
            if index < names.count - 1 { unlink(path) }
        }
        return isDone
    }
}
