import LogModel
import Storage
import Testing

/// A plan that is made for so many rows has all of those that come first.
@Suite struct EnoughTests {
    private static let seed: UInt64 = 20_261_122
    private static let second = Nanoseconds.second
    /// Seconds that the entries lie in, ten days before the clock of the store.
    private static let span: Int64 = 600
    private static let start: Int64 = 1000 * 86_400
    private static let now = start + 10 * 86_400

    private func labels(_ app: Int, _ level: String) -> Labels {
        Labels([Label("app", "a\(app)"), Label("level", level)])
    }

    /// Segments that overlap or not, with entries that come twice, and many of one time.
    private func fill(_ store: Store, apps: Int, _ random: inout Generator) async throws {
        for part in 0..<Int.random(in: 1...8, using: &random) {
            var batches: [Batch] = []
            for app in 0..<apps {
                for level in ["info", "debug"] where Int.random(in: 0..<4, using: &random) > 0 {
                    var entries = Entries()
                    let from = Int64.random(in: 0..<Self.span, using: &random)
                    let step = Int64.random(in: 0...3, using: &random)
                    for row in 0..<Int64.random(in: 1...80, using: &random) {
                        let at = Self.start + min(from + row * step / 2, Self.span)
                        // The same in several segments, where they share a time.
                        entries.append(
                            timestamp: at * Self.second, line: "line \(at % 7) \(row % 2)".utf8)
                    }
                    batches.append(Batch(labels: labels(app, level), entries: entries))
                }
            }
            guard !batches.isEmpty else { continue }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            if part % 3 == 1 { store.keepHouse(retire: false) }
        }
    }

    private func entries(
        _ store: Store, _ selection: Selection
    ) throws -> [(time: Int64, text: String)] {
        var found: [(time: Int64, text: String)] = []
        for unit in try store.plan(selection) {
            let entries = try unit.load(.lines)
            for row in 0..<entries.count {
                let line = String(
                    decoding: entries.lineBytes[entries.lineRange(row)], as: UTF8.self)
                let stream = unit.streams[entries.stream(row)]
                found.append((entries.timestamps[row], "\(stream) \(line)"))
            }
        }
        return found.sorted { $0 < $1 }
    }

    @Test(arguments: [2, 40]) func theFirstRowsAreAllThere(apps: Int) async throws {
        var random = Generator(state: Self.seed)
        var narrowed = 0
        for round in 0..<12 {
            let folder = StoreFolder()
            let debug = try Matcher("level", .equal, "debug")
            let store = try folder.open {
                $0.now = { Self.now }
                // Of some streams the beginning is too old.
                $0.retention = [
                    (
                        matchers: [debug], priority: 1,
                        periodSeconds: Int(Self.now - Self.start - Self.span / 2)
                    )
                ]
            }
            try await fill(store, apps: apps, &random)
            for _ in 0..<20 {
                let low = Int64.random(in: -10...Self.span, using: &random)
                let high = Int64.random(in: low...Self.span + 10, using: &random)
                var selection = Selection(
                    tenant: "t", matchers: [try Matcher("app", .match, ".+")],
                    start: Timestamp(nanoseconds: (Self.start + low) * Self.second),
                    end: Timestamp(nanoseconds: (Self.start + high) * Self.second),
                    direction: Bool.random(using: &random) ? .forward : .backward)
                selection.joinsStreams = Bool.random(using: &random)
                let all = try entries(store, selection)
                let enough = [1, 7, 60, 500, .max].randomElement(using: &random) ?? 1
                selection.enough = enough
                let some = try entries(store, selection)
                let note = "seed \(Self.seed), round \(round), \(selection.direction), \(enough)"
                narrowed += some.count < all.count ? 1 : 0
                guard enough < all.count else {
                    #expect(some.elementsEqual(all, by: ==), "\(note)")
                    continue
                }
                // With all that have the time of the last one.
                if selection.direction == .backward {
                    let edge = all[all.count - enough].time
                    #expect(
                        some.filter { $0.time >= edge }.elementsEqual(
                            all.filter { $0.time >= edge }, by: ==), "\(note)")
                } else {
                    let edge = all[enough - 1].time
                    #expect(
                        some.filter { $0.time <= edge }.elementsEqual(
                            all.filter { $0.time <= edge }, by: ==), "\(note)")
                }
            }
            await store.close()
        }
        #expect(narrowed > 20)
    }
}
