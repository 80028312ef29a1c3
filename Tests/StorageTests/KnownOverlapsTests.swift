import LogModel
import Storage
import Testing

/// Counts of minutes in which several segments have a part.
@Suite struct KnownOverlapsTests {
    private static let seed: UInt64 = 20_261_124
    private static let minute = Nanoseconds.minute

    private struct Told: Hashable {
        let time: Int64
        let line: String
        let trace: Int

        var order: (Int64, String, Int) { (time, line, trace) }
    }

    /// Entries that are there already, and new ones: some of equal time, told by line or metadata alone.
    private func entries(
        _ known: [Told], repeats: Bool, _ random: inout Generator
    ) -> [Told] {
        let begin = Int64.random(in: 0...40, using: &random) * Self.minute
        var new = (0..<Int.random(in: 1...60, using: &random)).map { _ in
            Told(
                time: begin + Int64.random(in: 1...40, using: &random) * Self.minute / 4,
                line: "line \(Int.random(in: 0..<50, using: &random))",
                trace: Int.random(in: 0..<9, using: &random))
        }
        if repeats, let again = known.randomElement(using: &random) { new.append(again) }
        return Set(new).sorted { $0.order < $1.order }
    }

    /// Entries that were pushed twice are counted once, all others as often as they are, whatever was
    /// compared before and whatever came or was merged since.
    @Test(arguments: 0..<16) func countsAreThoseOfDistinctEntries(round: Int) async throws {
        var random = Generator(state: Self.seed + UInt64(round))
        let folder = StoreFolder()
        let store = try folder.open()
        let apps = ["a", "b", "c"]
        var all: [String: Set<Told>] = [:]
        for push in 0..<14 {
            var batches: [Batch] = []
            for app in apps where Int.random(in: 0..<4, using: &random) > 0 {
                let known = all[app, default: []].sorted { $0.order < $1.order }
                var rows = Entries()
                for new in entries(known, repeats: round % 3 > 0 && push % 4 == 1, &random) {
                    rows.append(
                        timestamp: new.time, line: new.line.utf8,
                        metadata: new.trace == 0 ? .empty : Labels(["trace": "\(new.trace)"]))
                    all[app, default: []].insert(new)
                }
                batches.append(Batch(labels: Labels(["app": app]), entries: rows))
            }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            if push == 9 { store.keepHouse(retire: false) }
            for _ in 0..<3 {
                let low = Int64.random(in: 0...45, using: &random)
                let high = Int64.random(in: low...52, using: &random)
                let app = apps.randomElement(using: &random) ?? ""
                var selection = Selection(
                    tenant: "t", matchers: [try Matcher("app", .equal, app)],
                    start: Timestamp(nanoseconds: low * Self.minute + 1),
                    end: Timestamp(nanoseconds: (high + 1) * Self.minute + 1))
                selection.projection = .minuteCounts
                selection.joinsStreams = Bool.random(using: &random)
                var wanted: [Int64: Int] = [:]
                for told in all[app, default: []] {
                    let minute = (told.time - 1) / Self.minute
                    if (low...high).contains(minute) { wanted[minute, default: 0] += 1 }
                }
                for turn in 0..<2 {
                    let counted = try store.counted(selection)
                    #expect(counted == wanted, "seed \(random.state), push \(push), turn \(turn)")
                }
            }
        }
        await store.close()
    }

    /// What shares minutes and no entry is not read but to find that out.
    @Test func minutesOfSegmentsThatAreApartAddUp() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        for push in 0..<4 {
            var rows = Entries()
            for row in 0..<100 {
                let time = Int64(row) * Self.minute / 10 + 1
                rows.append(timestamp: time, line: "push \(push)".utf8)
            }
            let batch = Batch(labels: Labels(["app": "a"]), entries: rows)
            try await store.commit(Push(tenant: "t", batches: [batch], sources: []))
        }
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "a")],
            start: Timestamp(nanoseconds: 1), end: Timestamp(nanoseconds: 20 * Self.minute + 1))
        selection.projection = .minuteCounts
        for _ in 0..<2 {
            var areFromMinutes: [Bool] = []
            let counted = try store.counted(selection) { areFromMinutes.append($0) }
            #expect(counted == Dictionary(uniqueKeysWithValues: (0..<10).map { ($0, 40) }))
            #expect(areFromMinutes == [true])
        }
        await store.close()
    }
}
