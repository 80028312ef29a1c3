import Bytes
import Foundation
import LogModel
import Testing
import cordwood

@Suite struct LogFiles {
    private let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("cordwood-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    /// Lines, stack traces, events too long for one, and times that go back, as threads write them.
    private func text(seed: UInt64, events: Int) -> [UInt8] {
        var state = seed
        func random(_ below: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % below)
        }
        var out: [UInt8] = []
        for number in 0..<events {
            let second = max(0, number / 40 - random(3))
            let stamp = [second / 3600, second / 60 % 60, second % 60].map {
                $0 < 10 ? "0\($0)" : "\($0)"
            }.joined(separator: ":")
            out += "2026-11-20 \(stamp).000 [main] ERROR a.B - \(number)\n".utf8
            for line in 0..<(random(5) == 0 ? random(40) : 0) {
                out += "\tat a.b.C.method\(random(1000))(C.java:\(line))\n".utf8
            }
            if random(2000) == 0 {
                for _ in 0..<random(40_000) { out += "rest of a very long event\n".utf8 }
            }
        }
        return out
    }

    private func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let url = folder.appendingPathComponent(name)
        try Data(bytes).write(to: url)
        return url.path
    }

    private func lines(_ file: LogFile) -> [String] {
        var warnings: [String] = []
        let found = file.units.flatMap { unit -> [String] in
            let entries = file.entries(unit, in: .min ... .max) { warnings.append($0) }
            #expect(entries.timestamps.allSatisfy { $0 >= unit.first && $0 <= unit.last })
            return (0..<entries.count).map {
                "\(entries.timestamps[$0]) \(String(decoding: entries.line($0), as: UTF8.self))"
            }
        }
        #expect(warnings.isEmpty)
        for (unit, next) in zip(file.units, file.units.dropFirst()) {
            #expect(unit.last < next.first)
        }
        return found
    }

    /// Units that are read one by one hold what reading everything at once has found.
    @Test func unitsHoldWhatTheFileHolds() throws {
        let bytes = text(seed: 3, events: 200_000)
        let path = try write(bytes, "a.log")
        var everything = Int.max
        let kept = try LogFile(path, keeping: &everything) { _ in }
        let expected = lines(kept)
        var nothing = 0
        let plain = try LogFile(path, keeping: &nothing) { _ in }
        #expect(plain.units.count > 3)
        #expect(lines(plain) == expected)
        // Two members, as appending makes them.
        let half = bytes.count / 2
        try Data(Gzip.compress(Array(bytes[..<half])) + Gzip.compress(Array(bytes[half...])))
            .write(to: URL(fileURLWithPath: path))
        let packed = try LogFile(path, keeping: &nothing) { _ in }
        #expect(packed.units.count == plain.units.count && packed.damage == nil)
        #expect(lines(packed) == expected)
        try FileManager.default.removeItem(at: folder)
    }

    /// A service whose threads write late, whose clock is set back, and which says things that have no
    /// time: what was read once must come again in the same order, each event once.
    private func disorder(events: Int) -> [UInt8] {
        var out: [UInt8] = []
        let filler = String(repeating: "x", count: 60)
        for number in 0..<events {
            // Every third up to 20 ms late; from the middle on everything 500 s earlier.
            let late = number % 3 == 0 ? number * 7 % 20 : 0
            let time = 3_600_000 + number - late - (number > events / 2 ? 500_000 : 0)
            let parts = [time / 3_600_000, time / 60_000 % 60, time / 1000 % 60].map {
                $0 < 10 ? "0\($0)" : "\($0)"
            }.joined(separator: ":")
            let stamp = "2026-11-20T\(parts).\(String(time % 1000 + 1000).dropFirst())Z"
            out +=
                number % 7 == 0
                ? Array("{\"message\":\"\(number)\",\"level\":\"INFO\"}\n".utf8)
                : Array("\(stamp) [main] INFO  a.B - \(number) \(filler)\n".utf8)
        }
        return out
    }

    @Test(arguments: [true, false])
    func whatIsReadAgainIsTheSame(_ hasTimes: Bool) throws {
        let bytes =
            hasTimes
            ? disorder(events: 200_000)
            // More than the nanoseconds of a millisecond.
            : (0..<1_200_000).flatMap { Array("line \($0)\n".utf8) }
        let path = try write(bytes, "a.log")
        var everything = Int.max
        let expected = lines(try LogFile(path, keeping: &everything) { _ in })
        var nothing = 0
        let file = try LogFile(path, keeping: &nothing) { _ in }
        #expect(lines(file) == expected)
        #expect(expected.count == (hasTimes ? 200_000 : 1_200_000))
        if !hasTimes {
            let isInOrder = expected.enumerated().allSatisfy { $1.hasSuffix(" line \($0)") }
            #expect(isInOrder)
        }
        try FileManager.default.removeItem(at: folder)
    }

    @Test func aFileThatChangesIsTold() throws {
        let path = try write(text(seed: 4, events: 100), "a.log")
        var nothing = 0
        let file = try LogFile(path, keeping: &nothing) { _ in }
        let unit = try #require(file.units.first)
        var warnings: [String] = []
        // Another file under its name; a shorter one; none.
        let other = try write(text(seed: 4, events: 100), "b.log")
        #expect(rename(other, path) == 0)
        #expect(file.entries(unit, in: .min ... .max) { warnings.append($0) }.count == 0)
        let again = try LogFile(path, keeping: &nothing) { _ in }
        #expect(truncate(path, 200) == 0)
        #expect(again.entries(unit, in: .min ... .max) { warnings.append($0) }.count > 0)
        try FileManager.default.removeItem(at: folder)
        #expect(again.entries(unit, in: .min ... .max) { warnings.append($0) }.count == 0)
        let changed = "\(path): changed while it was read, and some of it is missing: ask again"
        #expect(warnings == [changed, changed, "\(path): no such file or directory"])
    }
}
