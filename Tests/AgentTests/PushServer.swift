import Bytes
import Foundation
import Synchronization

/// A server as the agent sees one: keeps positions, refuses what does not follow, and every entry it
/// has ever taken, so that a repeated one is seen. It can be made to stall, or to refuse a line.
final class PushServer: Sendable {
    struct Entry: Hashable {
        var timestamp: Int64
        var line: String
        var labels: [String: String]
        var metadata: [String: String]
    }
    private struct State {
        var entries: [Entry] = []
        var positions: [String: (offset: Int64, events: Int64)] = [:]
        var isStalled = false
        var refused: String?
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        (descriptor, port) = try Self.listen()
        Thread.detachNewThread { [weak self, descriptor] in
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0, let self else { return }
                Thread.detachNewThread { self.serve(client) }
            }
        }
    }

    private static func listen() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && Foundation.listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isOpen else { throw POSIXError(.EADDRNOTAVAIL) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var entries: [Entry] { state.withLock(\.entries) }
    /// In order of their times; equal times as they came.
    var lines: [String] {
        let entries = entries
        return entries.indices.sorted {
            (entries[$0].timestamp, $0) < (entries[$1].timestamp, $1)
        }.map { entries[$0].line }
    }
    func stall(_ isStalled: Bool) { state.withLock { $0.isStalled = isStalled } }
    func refuse(_ text: String?) { state.withLock { $0.refused = text } }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var input: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        func more() -> Bool {
            let count = recv(client, &block, block.count, 0)
            if count > 0 { input += block[..<count] }
            return count > 0
        }
        let end = Array("\r\n\r\n".utf8)
        while input.firstRange(of: end) == nil { guard more() else { return } }
        guard let gap = input.firstRange(of: end) else { return }
        let head = String(decoding: input[..<gap.lowerBound], as: UTF8.self)
        let length =
            head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        while input.count < gap.upperBound + length { guard more() else { return } }
        var body = Array(input[gap.upperBound...])
        if body.starts(with: [0x1f, 0x8b]) {
            var unpacker = GzipStream()
            var out: [UInt8] = []
            body.withUnsafeBytes { try? unpacker.inflate($0, into: &out) }
            body = out
        }
        let (status, text) = answer(head, body)
        let reply = Array(
            ("HTTP/1.1 \(status) X\r\nContent-Length: \(text.utf8.count)\r\n"
                + "Connection: close\r\n\r\n\(text)").utf8)
        _ = send(client, reply, reply.count, Int32(MSG_NOSIGNAL))
    }

    private func answer(_ head: String, _ body: [UInt8]) -> (Int, String) {
        guard let json = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        else {
            return (400, "no JSON")
        }
        return state.withLock { state in
            if state.isStalled { return (503, "busy") }
            if head.contains("/positions") {
                return (200, Self.positions(json["sources"] as? [String] ?? [], state))
            }
            return Self.take(json, &state)
        }
    }

    private static func positions(_ sources: [String], _ state: State) -> String {
        let found = sources.compactMap { source in
            state.positions[source].map {
                "{\"source\":\"\(source)\",\"offset\":\($0.offset),\"events\":\($0.events)}"
            }
        }
        return "{\"positions\":[\(found.joined(separator: ","))]}"
    }

    private static func take(_ json: [String: Any], _ state: inout State) -> (Int, String) {
        var fresh: [Entry] = []
        for stream in json["streams"] as? [[String: Any]] ?? [] {
            for value in stream["values"] as? [[Any]] ?? [] {
                fresh.append(
                    Entry(
                        timestamp: Int64(value[0] as? String ?? "") ?? 0,
                        line: value[1] as? String ?? "",
                        labels: stream["stream"] as? [String: String] ?? [:],
                        metadata: value.count > 2 ? value[2] as? [String: String] ?? [:] : [:]))
            }
        }
        if let refused = state.refused, fresh.contains(where: { $0.line.contains(refused) }) {
            return (400, "refused")
        }
        let ranges = json["sources"] as? [[String: Any]] ?? []
        func number(_ range: [String: Any], _ key: String) -> Int64 {
            (range[key] as? NSNumber)?.int64Value ?? 0
        }
        let fits = ranges.allSatisfy { range in
            let known = state.positions[range["source"] as? String ?? ""]
            return (known?.offset ?? 0) == number(range, "from")
        }
        guard fits else {
            return (409, positions(ranges.compactMap { $0["source"] as? String }, state))
        }
        for range in ranges {
            state.positions[range["source"] as? String ?? ""] = (
                number(range, "to"), number(range, "events")
            )
        }
        state.entries += fresh
        return (204, "")
    }
}
