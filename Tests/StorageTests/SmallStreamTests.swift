import Foundation
import LogModel
import Segment
import Storage
import Synchronization
import Testing

/// Small streams are merged by stretches of time.
@Suite struct SmallStreamTests {
    private struct Stored {
        var time: Int64
        var line: String
    }

    /// Eighty streams of three kinds and one large one, pushed in parts that overlap: some entries twice, many
    /// of one time.
    private func pushes(seed: UInt64) -> (pushes: [[Batch]], wanted: [Labels: [Stored]]) {
        var random = Generator(state: seed)
        var wanted: [Labels: [Stored]] = [:]
        var pushes: [[Batch]] = []
        var before: [Labels: [Stored]] = [:]
        for part in 0..<6 {
            var batches: [Batch] = []
            for number in 0..<81 {
                let labels = Labels(
                    number == 80
                        ? ["app": "large"] : ["app": "app-\(number % 3)", "pod": "p-\(number)"])
                var rows = (0..<(number == 80 ? 6000 : 40)).map { row in
                    let at = Int64(part * 1000 + Int.random(in: 0..<1000, using: &random))
                    return Stored(
                        time: at * Nanoseconds.second,
                        line:
                            "INFO payment of customer \(Int.random(in: 0..<10_000, using: &random)) "
                            + "was accepted by the gateway of the bank, entry \(part * 10_000 + row)"
                    )
                }
                rows.sort { $0.time < $1.time }
                wanted[labels, default: []] += rows
                // The end of the part before comes once more.
                let again = before[labels] ?? []
                before[labels] = Array(rows.suffix(5))
                var entries = Entries()
                for row in again + rows { entries.append(timestamp: row.time, line: row.line.utf8) }
                batches.append(Batch(labels: labels, entries: entries))
            }
            pushes.append(batches)
        }
        return (pushes, wanted)
    }

    private func objects(_ folder: StoreFolder) throws -> [[UInt8]] {
        let objects = folder.path + "/objects/"
        return try FileManager.default.contentsOfDirectory(atPath: objects).sorted().map {
            try [UInt8](Data(contentsOf: URL(fileURLWithPath: objects + $0)))
        }
    }

    private func entries(_ store: Store, _ labels: Labels) throws -> [String] {
        let units = try store.plan(
            Selection(
                tenant: "t",
                matchers: try labels.pairs.map { try Matcher($0.name, .equal, $0.value) },
                start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: .max)))
        for (one, next) in zip(units, units.dropFirst()) { #expect(one.last < next.first) }
        return try units.flatMap { unit in
            let entries = try unit.load(.lines)
            return (0..<entries.count).map {
                "\(entries.timestamps[$0]) \(String(decoding: entries.line($0), as: UTF8.self))"
            }
        }
    }

    @Test(arguments: [UInt64(11), 12, 13], [1, 2])
    func whatWasPushedComesBackAndLiesByTime(seed: UInt64, merges: Int) async throws {
        let folder = StoreFolder()
        let store = try folder.open {
            $0.stretchBytes = 16_000
            $0.stretchRows = 10
            $0.level1Segments = merges == 1 ? 100 : 3
        }
        let (pushes, wanted) = pushes(seed: seed)
        for (number, batches) in pushes.enumerated() {
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            if merges == 2, number % 2 == 1 { store.keepHouse(retire: false) }
        }
        store.keepHouse(retire: false)
        #expect(store.metrics.segmentsByLevel[0] ?? 0 == 0 && store.metrics.failedCompactions == 0)
        var several = 0
        for bytes in try objects(folder) {
            let anatomy = try SegmentAnatomy(size: bytes.count) { Array(bytes[$0]) }
            #expect(anatomy.columns.chunks > 5 && anatomy.raw.chunks == 0)
            let reader = try SegmentReader(size: bytes.count) { Array(bytes[$0]) }
            try reader.verify()
            for stream in reader.summary.streams.indices {
                #expect(reader.rises(stream: stream))
                let slices = reader.slices(ofStream: stream)
                if Set(slices.map(\.frame)).count > 1 { several += 1 }
            }
            // A frame has a part of the time, and each stream in one place.
            for frame in 0..<reader.frameCount {
                let slices = reader.wideSlices(ofFrame: frame)
                #expect(Set(slices.map(\.stream)).count == slices.count)
            }
        }
        #expect(several >= 80)
        for (labels, rows) in wanted {
            // Equal times stand in the order in which they came.
            let sorted = rows.enumerated().sorted {
                ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
            }.map(\.element)
            #expect(
                try entries(store, labels) == sorted.map { "\($0.time) \($0.line)" }, "\(labels)")
        }
        await store.close()
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func stretchesCoverAllTimeInEqualParts(seed: UInt64) {
        var random = Generator(state: seed)
        let slices = (0..<400).map { stream in
            let first = Int64.random(in: 0..<1_000_000, using: &random)
            return Slice(
                stream: stream, frame: 0, firstRow: stream, rows: 1, first: first,
                last: first + Int64.random(in: 1000..<20_000, using: &random),
                bytes: Int.random(in: 500..<1500, using: &random))
        }
        let ranges = MergeStretches.of(slices, most: 8, bytes: 20_000)
        #expect(ranges.count == 8)
        #expect(ranges.first?.lowerBound == .min && ranges.last?.upperBound == .max)
        for (one, next) in zip(ranges, ranges.dropFirst()) {
            #expect(next.lowerBound == one.upperBound + 1)
        }
        let total = Double(slices.reduce(0) { $0 + $1.bytes })
        for range in ranges {
            let bytes = slices.reduce(0.0) { sum, slice in
                let low = max(slice.first, range.lowerBound)
                let high = min(slice.last, range.upperBound)
                return low > high
                    ? sum
                    : sum + Double(slice.bytes) * Double(high - low + 1)
                        / Double(slice.last - slice.first + 1)
            }
            #expect(abs(bytes - total / 8) < total / 80)
        }
    }

    /// Times as they are today, of every resolution, many lines at one of them.
    @Test(arguments: [1, 1000, 1_000_000, 1_000_000_000] as [Int64], [0, 3, 9])
    func stretchesOfSlicesWithOneTimeAreEqual(resolution: Int64, withTwo: Int) {
        var random = Generator(state: UInt64(resolution) + UInt64(withTwo))
        let base: Int64 = 1_700_000_000_000_000_128
        let slices = (0..<20_000).map { number in
            let first = Int64.random(in: 0..<600_000_000_000, using: &random) / resolution
            let span =
                number % 10 < withTwo ? Int64.random(in: 0..<3_000_000_000, using: &random) : 0
            return Slice(
                stream: number, frame: 0, firstRow: number, rows: 1,
                first: base / resolution * resolution + first * resolution,
                last: base / resolution * resolution + (first + span / resolution) * resolution,
                bytes: Int.random(in: 100..<1500, using: &random))
        }
        let ranges = MergeStretches.of(slices, most: 8, bytes: 100_000)
        #expect(ranges.count == 8)
        let total = slices.reduce(0) { $0 + $1.bytes }
        for range in ranges {
            let bytes = slices.reduce(0) { $0 + (range.contains($1.first) ? $1.bytes : 0) }
            #expect(abs(bytes - total / 8) < total / 80)
        }
    }

    /// What is left of rates that have ended must not be taken for one.
    @Test func whatIsLeftOfARateIsNothing() {
        let base: Int64 = 1_700_000_000_000_000_128
        let slices = [
            (0, 0, 12_500), (1_000_000, 4_000_000, 882), (2_000_000, 2_000_000, 2167),
            (5_000_000, 6_000_000, 2_000_000), (9_000_000, 9_500_000, 3_000_000),
        ].map { first, last, bytes in
            Slice(
                stream: 0, frame: 0, firstRow: 0, rows: 1, first: base + Int64(first),
                last: base + Int64(last), bytes: bytes)
        }
        let ranges = MergeStretches.of(slices, most: 2, bytes: 3_600_000)
        #expect(ranges.count == 2)
        #expect(ranges[0].upperBound > base + 6_000_000 && ranges[0].upperBound < base + 9_300_000)
    }

    /// A stream that was too old to be answered, or was forgotten, is found when it comes again.
    @Test func aStreamThatComesAgainIsFound() async throws {
        let folder = StoreFolder()
        let clock = Mutex<Int64>(1_700_000_000)
        let store = try folder.open {
            $0.limits.retentionPeriodSeconds = 3600
            $0.now = { clock.withLock { $0 } }
        }
        func push(_ text: String) async throws {
            let now = clock.withLock { $0 } * Nanoseconds.second
            var entries = Entries()
            entries.append(timestamp: now, line: text.utf8)
            try await store.commit(
                Push(
                    tenant: "t",
                    batches: [Batch(labels: Labels(["app": "batch"]), entries: entries)],
                    sources: []))
        }
        let labels = Labels(["app": "batch"])
        try await push("one")
        #expect(try entries(store, labels).count == 1)
        for isForgotten in [false, true] {
            clock.withLock { $0 += 7200 }
            #expect(try entries(store, labels).isEmpty)
            if isForgotten { store.keepHouse(retire: true) }
            #expect(try entries(store, labels).isEmpty)
            try await push("again")
            #expect(try entries(store, labels).count == 1)
        }
        await store.close()
    }

    /// Entries per minute of many streams, open on the left, as the store counts them.
    private func counts(_ store: Store, minutes: ClosedRange<Int64>) throws -> [Int64: Int] {
        var selection = Selection(
            tenant: "t", matchers: [try Matcher("app", .equal, "shop")],
            start: Timestamp(nanoseconds: minutes.lowerBound * Nanoseconds.minute + 1),
            end: Timestamp(nanoseconds: (minutes.upperBound + 1) * Nanoseconds.minute + 1))
        selection.projection = .minuteCounts
        selection.joinsStreams = true
        return try store.counted(selection)
    }

    /// What is to be counted of a list of streams is kept, and found anew when there are other segments.
    @Test func countsOfManyStreamsFollowTheSegments() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        var wanted: [Int64: Int] = [:]
        // Side by side, within what is there, and with streams that are new.
        for (round, first) in [(0, 0), (1, 10), (2, 20), (3, 5), (4, 30)] as [(Int, Int64)] {
            var batches: [Batch] = []
            for number in 0..<(round < 4 ? 80 : 90) {
                var entries = Entries()
                for row in 0..<20 {
                    let at = (first * 60 + Int64(row * 29 + number % 7) + 1) * Nanoseconds.second
                    entries.append(timestamp: at, line: "round \(round) row \(row)".utf8)
                    wanted[(at - 1) / Nanoseconds.minute, default: 0] += 1
                }
                let labels = Labels(["app": "shop", "pod": "p-\(number)"])
                batches.append(Batch(labels: labels, entries: entries))
            }
            try await store.commit(Push(tenant: "t", batches: batches, sources: []))
            for merges in [false, true] {
                if merges { store.keepHouse(retire: false) }
                for minutes in [0...60, 0...60, 3...12, 11...11, 25...60] as [ClosedRange<Int64>] {
                    let inside = wanted.filter { minutes.contains($0.key) }
                    #expect(try counts(store, minutes: minutes) == inside, "\(round) \(minutes)")
                }
            }
        }
        await store.close()
    }

    @Test func stretchesOfOddSlicesAreStillAllOfTime() {
        func slice(_ first: Int64, _ last: Int64, _ bytes: Int) -> Slice {
            Slice(stream: 0, frame: 0, firstRow: 0, rows: 1, first: first, last: last, bytes: bytes)
        }
        for slices in [
            [], [slice(5, 5, 1_000_000)], [slice(.min, .max, 1_000_000)],
            [slice(.max, .max, 500_000), slice(.min, .min, 500_000)],
            [slice(0, 1, 500_000), slice(1, 2, 500_000)],
        ] {
            let ranges = MergeStretches.of(slices, most: 16, bytes: 10_000)
            #expect(ranges.first?.lowerBound == .min && ranges.last?.upperBound == .max)
            for (one, next) in zip(ranges, ranges.dropFirst()) {
                #expect(next.lowerBound == one.upperBound + 1 && one.lowerBound <= one.upperBound)
            }
        }
    }
}
