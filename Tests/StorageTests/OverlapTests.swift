import LogModel
import Storage
import Testing

/// What segments hold of the same seconds is read together for many streams.
@Suite struct OverlapTests {
    private static let seed: UInt64 = 20_261_123
    private static let second = Nanoseconds.second
    private static let span: Int64 = 1800

    /// Pushes that reach a store in no order, of which some entries come twice: equal in all, or but for
    /// their line or their metadata.
    private func fill(_ store: Store, _ random: inout Generator) async throws {
        let parts = Int64(Int.random(in: 2...7, using: &random))
        let late = Int64([0, 40, 400].randomElement(using: &random) ?? 0)
        for part in 0..<parts {
            var batches: [Batch] = []
            for number in 0..<90 where Int.random(in: 0..<5, using: &random) > 0 {
                var entries = Entries()
                let begin = Self.span / parts * part - Int64.random(in: 0...late, using: &random)
                for row in 0..<Int64.random(in: 1...40, using: &random) {
                    let at = max(0, begin + row * Self.span / parts / 40)
                    entries.append(
                        timestamp: at * Self.second + 1,
                        line: "line \(at % 7) \(Int.random(in: 0..<3, using: &random) / 2)".utf8,
                        metadata: at % 5 == 0 ? Labels(["trace": "t\(row % 2)"]) : .empty)
                }
                let labels = Labels([
                    "app": number % 9 == 0 ? "other" : "shop", "pod": "p\(number)",
                ])
                batches.append(Batch(labels: labels, entries: entries))
            }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            if Bool.random(using: &random) { store.keepHouse(retire: false) }
        }
    }

    /// Of each stream what it has, in the order in which it is given; units of minutes may lie within each
    /// other, where each counts others.
    private func entries(
        _ store: Store, _ selection: Selection, _ projection: Selection.Projection
    ) throws -> [Labels: [String]] {
        var found: [Labels: [[(time: Int64, text: String)]]] = [:]
        for unit in try store.plan(selection) {
            let entries = try unit.load(projection)
            var ofUnit: [Labels: [(time: Int64, text: String)]] = [:]
            for row in 0..<entries.count {
                let at = entries.timestamps[row]
                #expect(unit.first <= at && at <= unit.last)
                let line =
                    projection == .lines ? String(decoding: entries.line(row), as: UTF8.self) : ""
                let length =
                    projection == .timestampsAndLengths ? entries.lineRange(row).count : 0
                ofUnit[unit.streams[entries.stream(row)], default: []].append(
                    (at, "\(at) \(line) \(length) \(entries.metadata(row))"))
            }
            for (labels, rows) in ofUnit { found[labels, default: []].append(rows) }
        }
        return found.mapValues { units in
            guard projection != .minuteCounts else { return units.joined().map(\.text).sorted() }
            let units = units.sorted { $0[0].time < $1[0].time }
            for (one, next) in zip(units, units.dropFirst()) {
                #expect(one[one.count - 1].time < next[0].time, "units of a stream share no time")
            }
            return units.joined().map(\.text)
        }
    }

    @Test(arguments: 0..<12) func manyStreamsHaveWhatEachHas(round: Int) async throws {
        var random = Generator(state: Self.seed + UInt64(round))
        let folder = StoreFolder()
        let store = try folder.open()
        try await fill(store, &random)
        for _ in 0..<25 {
            let low = Int64.random(in: -10...Self.span, using: &random)
            var selection = Selection(
                tenant: "t",
                matchers: [try Matcher("app", .match, Bool.random(using: &random) ? ".+" : "shop")],
                start: Timestamp(nanoseconds: low / 60 * 60 * Self.second + 1),
                end: Timestamp(
                    nanoseconds: Int64.random(in: low...Self.span + 10, using: &random)
                        * Self.second))
            guard selection.start < selection.end else { continue }
            selection.direction = Bool.random(using: &random) ? .forward : .backward
            if Bool.random(using: &random) { selection.condition = .contains(Array("3 1".utf8)) }
            let projections: [Selection.Projection] = [
                .lines, .timestamps, .timestampsAndLengths, .minuteCounts,
            ]
            let projection = projections.randomElement(using: &random) ?? .lines
            selection.projection = projection
            // Lines that do not fulfil the condition may come with those that do.
            if projection == .lines { selection.condition = .anything }
            // Minutes are only asked for without a condition.
            if projection == .minuteCounts { selection.condition = .anything }
            let each = try entries(store, selection, projection)
            selection.joinsStreams = true
            let joined = try entries(store, selection, projection)
            #expect(joined == each, "seed \(random.state), \(projection), \(selection.condition)")
        }
        await store.close()
    }

    /// Lines of the first and the last times that there are, and many at one time that differ in their
    /// metadata alone, all of it sent twice.
    @Test func farTimesAndManyAtOne() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        let far: Int64 = 9_100_000_000 * Self.second
        for push in 0..<3 {
            var batches: [Batch] = []
            for number in 0..<80 {
                var entries = Entries()
                for at in [-far, Int64(push % 2), far] {
                    let line = Array(repeating: UInt8(65 + push % 2), count: 40_000)
                    entries.append(timestamp: at, line: line)
                    guard number == 0, at == 0 || at == 1 else { continue }
                    for trace in 0..<3000 {
                        entries.append(
                            timestamp: at, line: "x".utf8, metadata: Labels(["trace": "\(trace)"]))
                    }
                }
                batches.append(
                    Batch(labels: Labels(["app": "shop", "pod": "p\(number)"]), entries: entries))
            }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
        }
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: .min), end: Timestamp(nanoseconds: .max))
        for projection in [Selection.Projection.lines, .timestamps] {
            selection.projection = projection
            selection.joinsStreams = false
            let each = try entries(store, selection, projection)
            selection.joinsStreams = true
            #expect(try entries(store, selection, projection) == each)
            #expect(each[Labels(["app": "shop", "pod": "p0"])]?.count == 6 + 6000)
            #expect(each[Labels(["app": "shop", "pod": "p1"])]?.count == 6)
        }
        await store.close()
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func stretchesCoverTheTime(seed: UInt64) {
        var random = Generator(state: Self.seed + seed)
        let times =
            Int64.random(
                in: 0..<100, using: &random)...Int64.random(in: 5000..<9000, using: &random)
        let whole = times.lowerBound * Self.second...times.upperBound * Self.second
        let spans = (0..<Int(seed * seed * 10)).map { _ in
            let first = Int64.random(in: 0..<10_000, using: &random)
            return first * Self.second...(first + Int64.random(in: 0..<200, using: &random))
                * Self.second
        }
        let stretches = OverlapCut.stretches(of: spans, within: whole)
        #expect(stretches.first?.lowerBound == whole.lowerBound)
        #expect(stretches.last?.upperBound == whole.upperBound)
        #expect(stretches.count <= 64)
        for (one, next) in zip(stretches, stretches.dropFirst()) {
            #expect(next.lowerBound == one.upperBound + 1)
            #expect(one.upperBound % Nanoseconds.minute == 0)
            // Of two neighbours one has what overlaps, and the other what does not.
            #expect([one, next].contains { Self.depth(of: spans, in: $0) < 2 })
        }
    }

    /// As many spans as share a time.
    private static func depth(of spans: [ClosedRange<Int64>], in times: ClosedRange<Int64>) -> Int {
        let parts = spans.filter { $0.overlaps(times) }.map { $0.clamped(to: times) }
        return parts.map { part in parts.count { $0.contains(part.lowerBound) } }.max() ?? 0
    }

    @Test func whatOverlapsNothingIsOneStretch() {
        #expect(OverlapCut.stretches(of: [], within: 5...9) == [5...9])
        #expect(OverlapCut.stretches(of: [.min ... .max], within: .min ... .max) == [.min ... .max])
        #expect(OverlapCut.stretches(of: [0...1, 2...3], within: .min ... .max) == [.min ... .max])
        let all = OverlapCut.stretches(of: [.min ... .max, .min ... .max], within: .min ... .max)
        #expect(all == [.min ... .max])
        let minute = Nanoseconds.minute
        #expect(
            OverlapCut.stretches(
                of: [0...90 * Self.second, 80 * Self.second...3 * minute], within: 0...4 * minute)
                == [0...minute, minute + 1...2 * minute, 2 * minute + 1...4 * minute])
    }
}
