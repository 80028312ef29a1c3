import LogModel
import Segment
import Synchronization

/// Streams that a selection asks for, where segments have them, and what of them is to be counted.
final class StreamList: Sendable {
    /// Numbers of streams that are kept for segments: 2 MB, and 6 MB of what is to be counted.
    private static let mostNumbers = 500_000
    /// Sets of segments that counts are kept for.
    private static let mostCounts = 128

    let streams: [Labels]
    private let numbers: StreamNumbers
    private struct Known {
        var bySegment: [String: [Int32]] = [:]
        var count = 0
    }
    private let known = Mutex(Known())
    private struct KnownCounts: Sendable {
        /// Of segments, in the order of their arrival.
        let objects: [String]
        /// Nil where something overlaps.
        let counted: [CountedRuns]?
        /// Of streams.
        let numbers: Int
    }
    /// The last used at the end: a query asks for as many as there are stretches of its time.
    private let counts = Mutex<[KnownCounts]>([])

    init(_ streams: [Labels]) {
        self.streams = streams
        numbers = StreamNumbers(streams)
    }

    /// Of each stream of a segment its number in the list, or -1.
    func numbers(in segment: OpenSegment) -> [Int32] {
        if let found = known.withLock({ $0.bySegment[segment.record.object] }) { return found }
        let found = segment.reader.summary.streams.map { Int32(numbers.number(of: $0) ?? -1) }
        known.withLock { known in
            if known.count > Self.mostNumbers { known = Known() }
            known.bySegment[segment.record.object] = found
            known.count += found.count
        }
        return found
    }

    /// What `make` finds to be counted in some segments, or found before: nothing of it changes with the
    /// times that are asked for.
    func counted(
        in segments: [OpenSegment], _ make: () -> [CountedRuns]?
    ) -> [CountedRuns]? {
        let objects = segments.map(\.record.object)
        let known = counts.withLock { counts -> KnownCounts? in
            guard let at = counts.firstIndex(where: { $0.objects == objects }) else { return nil }
            counts.append(counts.remove(at: at))
            return counts.last
        }
        if let known { return known.counted }
        let made = make()
        let new = KnownCounts(
            objects: objects, counted: made,
            numbers: made == nil ? 1 : max(1, segments.count * streams.count))
        counts.withLock { counts in
            counts.append(new)
            var numbers = counts.reduce(0) { $0 + $1.numbers }
            while numbers > Self.mostNumbers || counts.count > Self.mostCounts {
                numbers -= counts.removeFirst().numbers
            }
        }
        return made
    }
}

/// Lists that were asked for lately: matching thousands of streams, and finding them in each segment, costs
/// more than most queries do with them.
final class StreamLists: Sendable {
    /// The panels of a dashboard ask for a few of them at a time.
    private static let mostLists = 8
    /// Tenants with more streams are asked anew each time, for those of the time at hand alone.
    private static let mostStreams = 25_000

    private struct State {
        /// Of each tenant how often its streams have changed.
        var versions: [String: Int] = [:]
        /// The last used at the end.
        var lists: [(key: [UInt8], tenant: String, list: StreamList)] = []
    }
    private let state = Mutex(State())

    /// A tenant has a new stream, or lost one.
    func change(tenant: String) {
        state.withLock { state in
            state.versions[tenant, default: 0] += 1
            state.lists.removeAll { $0.tenant == tenant }
        }
    }

    /// The list of a tenant's streams that matchers accept. `count`: how many it has; `find`: those of all
    /// time, or of the time at hand.
    func list(
        tenant: String, _ matchers: [Matcher], count: () throws -> Int,
        find: (_ always: Bool) throws -> [Labels]
    ) throws -> StreamList {
        // Bytes: to `String` texts are equal that are not. No tenant's name has a zero byte in it.
        let text = tenant + "\0" + matchers.map(\.description).joined(separator: ",")
        let key = Array(text.utf8)
        let (version, known) = state.withLock { state -> (Int, StreamList?) in
            let version = state.versions[tenant] ?? 0
            guard let at = state.lists.firstIndex(where: { $0.key == key }) else {
                return (version, nil)
            }
            let found = state.lists.remove(at: at)
            state.lists.append(found)
            return (version, found.list)
        }
        if let known { return known }
        guard try count() <= Self.mostStreams else { return StreamList(try find(false)) }
        let list = StreamList(try find(true))
        state.withLock { state in
            guard state.versions[tenant] ?? 0 == version else { return }
            state.lists.append((key, tenant, list))
            if state.lists.count > Self.mostLists { state.lists.removeFirst() }
        }
        return list
    }
}
