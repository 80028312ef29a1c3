import Foundation
import LogModel
import Logback
import Testing

/// Files that real Logback wrote: Debian's 1.2.11, Spring Boot's pattern and a custom one with
/// traces whose messages have blank lines and a line like a header, and the Logstash encoder's JSON.
@Suite struct LogbackOutputTests {
    private static let now: Int64 = 1_795_000_000 * Nanoseconds.second
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures")

    private func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: Self.folder.appending(path: name)))
    }

    private func assemble(
        _ bytes: [UInt8], from: Int64 = 0, events: Int64 = 0,
        blocks: ClosedRange<Int> = 65_536...65_536,
        _ random: inout SeededGenerator
    ) -> [FileEvent] {
        var assembler = EventAssembler(
            layout: .automatic, zone: .utc, offset: from, events: events)
        var out: [FileEvent] = []
        var at = Int(from)
        while at < bytes.count {
            let end = min(bytes.count, at + Int.random(in: blocks, using: &random))
            out += assembler.add(bytes[at..<end], now: Self.now)
            at = end
        }
        return out + assembler.finish(now: Self.now)
    }

    private func numbers(_ event: FileEvent) -> Int {
        String(decoding: event.text, as: UTF8.self).components(separatedBy: "seq=r").count - 1
    }

    @Test(arguments: ["boot.log", "logback.log", "logstash.json"])
    func everyEventIsFoundOnce(_ name: String) throws {
        var random = SeededGenerator(seed: 71)
        let bytes = try read(name)
        let found = assemble(bytes, &random)
        let written =
            String(decoding: bytes, as: UTF8.self).components(separatedBy: "seq=r").count - 1
        // Logback may write its pattern as the first line: no event of the program.
        let body = found.filter { !$0.text.starts(with: "#logback".utf8) }
        #expect(body.count == written)
        for event in body {
            #expect(numbers(event) == 1)
            #expect(event.level != nil)
            // 21 November 2026.
            #expect(event.timestamp / Nanoseconds.day == 20_778)
        }
        #expect(found.first?.from == 0)
        #expect(found.last?.to == Int64(bytes.count))
        for (a, b) in zip(found, found.dropFirst()) { #expect(a.to == b.from) }
    }

    @Test(arguments: ["boot.log", "logback.log", "logstash.json"])
    func blocksOfAnySizeGiveTheSame(_ name: String) throws {
        let seed: UInt64 = 72
        var random = SeededGenerator(seed: seed)
        let bytes = try read(name)
        let whole = assemble(bytes, &random)
        for _ in 0..<20 {
            let parts = assemble(bytes, blocks: 1...900, &random)
            #expect(parts.map(\.from) == whole.map(\.from), "seed \(seed)")
            #expect(parts.map(\.timestamp) == whole.map(\.timestamp))
            #expect(parts.map(\.text) == whole.map(\.text))
        }
    }

    /// An agent that starts again in the middle makes the same events with the same times.
    @Test(arguments: ["boot.log", "logback.log", "logstash.json"])
    func readingOnFromAnyEventGivesTheSame(_ name: String) throws {
        var random = SeededGenerator(seed: 73)
        let bytes = try read(name)
        let whole = assemble(bytes, &random)
        for cut in 1..<whole.count {
            let rest = assemble(
                bytes, from: whole[cut - 1].to, events: whole[cut - 1].events, &random)
            #expect(rest.map(\.from) == whole[cut...].map(\.from))
            #expect(rest.map(\.timestamp) == whole[cut...].map(\.timestamp))
            #expect(rest.map(\.events) == whole[cut...].map(\.events))
        }
    }

    @Test func damagedTextNeverTraps() throws {
        let seed: UInt64 = 74
        var random = SeededGenerator(seed: seed)
        let base = Array(try read("logback.log").prefix(3000))
        for _ in 0..<1500 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            let found = assemble(bytes, blocks: 1...3000, &random)
            #expect(found.first?.from == 0)
            #expect(found.last?.to == Int64(bytes.count), "seed \(seed)")
        }
    }

    /// Logback's traces, with messages of several lines, suppressed ones and causes of causes.
    @Test(arguments: ["boot.log", "logback.log"])
    func everyTraceTellsWhatFailed(_ name: String) throws {
        var random = SeededGenerator(seed: 73)
        var hashes: [String: Int] = [:]
        for event in assemble(try read(name), &random) {
            let text = String(decoding: event.text, as: UTF8.self)
            let trace = event.text.withUnsafeBytes { StackTrace(of: $0, own: OwnPackages()) }
            guard text.contains("\n\tat ") else {
                #expect(trace == nil, "\(text)")
                continue
            }
            let found = try #require(trace, "\(text)")
            #expect(found.exception.hasSuffix("Exception"))
            let causes = text.components(separatedBy: "\nCaused by: ").dropFirst()
            let last = causes.last.map { String($0.prefix { $0 != ":" && $0 != "\n" }) }
            #expect(found.rootCause == last ?? found.exception)
            hashes[found.hash, default: 0] += 1
        }
        // The same places fail again and again.
        #expect(hashes.values.reduce(0, +) > hashes.count)
    }
}
