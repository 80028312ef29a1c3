import Bytes
import Foundation
import Testing

/// Compressed files that are cut off or damaged: read as far as they go, told once, and then left alone.
@Suite(.serialized) struct DamagedPackTests {
    private static let unpacking = "unpacking a file to judge it"
    private static let damage = "a packed file is read up to its damage only"

    private func pack(_ numbers: Range<Int>) -> [UInt8] {
        Gzip.compress(Array(AgentScene.lines(numbers).utf8), level: 4)
    }

    /// Unpacked bytes before the damage.
    private func readable(_ packed: [UInt8]) -> String {
        var unpacker = GzipStream()
        var out: [UInt8] = []
        packed.withUnsafeBytes { try? unpacker.inflate($0, into: &out) }
        return String(decoding: out, as: UTF8.self)
    }

    private func write(_ packed: [UInt8], _ path: String, age: Double) throws {
        try Data(packed).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }

    @Test func whatStandsBeforeTheDamageIsReadOnce() async throws {
        let scene = try AgentScene()
        let whole = pack(0..<20_000)
        let files = [
            "cut.gz": Array(whole[..<(whole.count / 2)]),
            // A second member whose beginning is none.
            "damaged.gz": pack(20_000..<20_100) + Array("no gzip at all".utf8),
            "none.gz": Array("nor this, though it is named so".utf8),
        ]
        for (name, packed) in files { try write(packed, scene.path(name), age: 100) }
        // The torn line at the cut belongs to the event before it, unless it shows a stamp.
        let expected = ["cut.gz", "damaged.gz"].map { name in
            readable(files[name] ?? []).split(separator: "\n").joined(separator: "\n")
        }.joined(separator: "\n")
        #expect(expected.utf8.count > 300_000)
        for run in 1...2 {
            try scene.start("*.gz")
            try await scene.until("all that is readable") {
                scene.server.entries.reduce(-1) { $0 + $1.line.utf8.count + 1 }
                    >= expected.utf8.count
            }
            try await scene.until("all files to be judged") {
                files.keys.allSatisfy {
                    scene.told.count(Self.unpacking, of: scene.path($0)) >= 2 * run
                }
            }
            // Time for more looks, if there were any.
            try await Task.sleep(for: .seconds(1.5))
            try await scene.stop()
            for name in files.keys {
                #expect(scene.told.count(Self.unpacking, of: scene.path(name)) == 2 * run)
            }
            #expect(scene.told.count(Self.damage, of: scene.path("cut.gz")) == 1)
            #expect(scene.told.count(Self.damage, of: scene.path("damaged.gz")) == 1)
        }
        let isAll = scene.server.lines.joined(separator: "\n") == expected
        #expect(isAll)
    }

    /// A look unpacks all that is there: while nothing is added there is no other.
    @Test func aPackThatIsStillBeingWrittenIsWaitedFor() async throws {
        let scene = try AgentScene()
        let whole = pack(0..<5000)
        let path = scene.path("app.log.1.gz")
        try write(Array(whole[..<(whole.count / 2)]), path, age: 5)
        try scene.start("*.gz")
        try await scene.until("the first look") { scene.told.count(Self.unpacking, of: path) > 0 }
        try await Task.sleep(for: .seconds(2.5))
        #expect(scene.told.count(Self.unpacking, of: path) == 1)
        #expect(scene.server.entries.isEmpty)
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(whole[(whole.count / 2)...]))
        try file.close()
        try await scene.untilArrived(5000)
        #expect(scene.told.count(Self.unpacking, of: path) == 2)
        #expect(scene.told.count(Self.damage, of: path) == 0)
        try await scene.stop()
        scene.expectOnce(0..<5000)
    }
}
