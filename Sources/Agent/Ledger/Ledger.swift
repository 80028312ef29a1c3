import Foundation
import LogModel
import Synchronization

/// What became of byte ranges of files, in a file of the state folder: an object a line, the oldest first.
/// What is not in it was not read yet, or is on its way (`SourceRegistry` tells up to where).
///
///     {"totals":{"shipped":{"ranges":9,"bytes":810},"lost":…},"since":1795224030}
///     {"at":1795224031,"file":"/logs/app.log","source":"…","what":"shipped","from":0,"to":90}
///     {"at":1795224032,"file":"/logs/app.3.log","what":"lost","from":0,"why":"deleted unread"}
///
/// The first line sums up what stood in lines that are gone: the file keeps a bounded size.
///
/// A lost range without `to` reaches to the end of its file, which nobody saw: the file grew while no
/// agent was there, and was deleted. Where rolled names bear numbers, each that is missing is named;
/// where they bear times only, or count back from the newest, nobody can know how many there were: the
/// range of the last file that was seen stands for all that came and went behind it, and names the
/// oldest one that is left.
package final class Ledger: Sendable {
    package enum Fate: String, Codable, Sendable, CaseIterable {
        case shipped
        case setAside = "set aside"
        case lost
    }

    package struct Range: Codable, Sendable {
        /// Seconds since the epoch.
        package var at: Int64
        package var file: String
        package var source: String?
        package var what: Fate
        /// Offsets in bytes; no end: up to the end of the file, which nobody saw.
        package var from: Int64
        package var to: Int64?
        package var why: String?
        /// Of entries that a rule has dropped: how many.
        package var entries: Int64?
        /// Where they are less than the range: those of entries that a rule has dropped, and what is left of a
        /// shipped range of which something was set aside.
        package var bytes: Int64?

        package init(
            at: Int64, file: String, source: String?, what: Fate, from: Int64, to: Int64?,
            why: String?, entries: Int64? = nil, bytes: Int64? = nil
        ) {
            self.at = at
            self.file = file
            self.source = source
            self.what = what
            self.from = from
            self.to = to
            self.why = why
            self.entries = entries
            self.bytes = bytes
        }

        var knownBytes: Int64 { bytes ?? max(0, (to ?? from) - from) }
    }

    package struct Sum: Codable, Sendable, Equatable {
        package var ranges: Int64 = 0
        /// Of ranges whose end is known.
        package var bytes: Int64 = 0

        package init(ranges: Int64 = 0, bytes: Int64 = 0) {
            self.ranges = ranges
            self.bytes = bytes
        }

        mutating func add(_ range: Range) {
            ranges += 1
            bytes += range.knownBytes
        }
    }

    private struct Head: Codable {
        var totals: [String: Sum]
        var since: Int64
    }

    /// All that is known of the past: sums of everything, and the latest ranges.
    package struct Content: Sendable {
        package var totals: [Fate: Sum] = [:]
        package var ranges: [Range] = []
    }

    private struct State {
        var bytes = 0
        /// Sums of all ranges, those that are gone included.
        var totals: [Fate: Sum] = [:]
        /// Lost and set aside ranges that are noted: a crash may lead to the same again.
        var noted: Set<String> = []
        /// Up to where sources are noted as shipped, for the same reason.
        var shipped: [String: Int64] = [:]
        /// Bytes of each source that are set aside and that no shipped range speaks of yet.
        var aside: [String: Int64] = [:]
        /// Ranges that are not on disk, as it is full or away.
        var pending: [Range] = []

        init(_ content: Content, bytes: Int) {
            self.bytes = bytes
            totals = content.totals
            remember(content.ranges)
        }

        mutating func remember(_ ranges: [Range]) {
            (noted, shipped, aside) = ([], [:], [:])
            for range in ranges { remember(range) }
        }

        mutating func remember(_ range: Range) {
            if range.what != .shipped { noted.insert(Ledger.key(range)) }
            guard let source = range.source else { return }
            switch range.what {
            case .lost: break
            case .setAside: aside[source, default: 0] += range.knownBytes
            case .shipped:
                aside[source] = nil
                if let end = range.to { shipped[source] = max(end, shipped[source] ?? 0) }
            }
        }

        /// What of a range is not noted yet.
        func news(in range: Range) -> Range? {
            guard range.what == .shipped else {
                return noted.contains(Ledger.key(range)) ? nil : range
            }
            var news = range
            news.from = max(range.from, range.source.flatMap { shipped[$0] } ?? 0)
            guard news.from < news.to ?? .max else { return nil }
            if let aside = range.source.flatMap({ aside[$0] }) {
                news.bytes = max(0, news.knownBytes - aside)
            }
            return news
        }
    }

    private let path: String
    private let state: Mutex<State>
    /// The file may grow to this; then the older half of its lines goes: some 20,000 ranges.
    static let mostBytes = 4_000_000
    /// As many wait for a disk that takes nothing, at most; the oldest go first.
    static let mostPending = 20_000

    package init(folder: String) {
        path = Self.path(folder)
        state = Mutex(
            State(
                Self.read(folder: folder),
                bytes: FileManager.default.contents(atPath: path)?.count ?? 0))
    }

    private static func path(_ folder: String) -> String { folder + "/ledger.jsonl" }

    private static func key(_ range: Range) -> String {
        "\(range.what.rawValue) \(range.source ?? range.file) \(range.from)"
    }

    /// What a state folder tells; lines that cannot be read, as the last one after a crash, are left
    /// out.
    package static func read(folder: String) -> Content {
        var content = Content()
        let data = FileManager.default.contents(atPath: path(folder)) ?? Data()
        let decoder = JSONDecoder()
        for line in data.split(separator: 0x0a) {
            if let range = try? decoder.decode(Range.self, from: line) {
                content.ranges.append(range)
                content.totals[range.what, default: Sum()].add(range)
            } else if let head = try? decoder.decode(Head.self, from: line) {
                for (name, sum) in head.totals {
                    if let fate = Fate(rawValue: name) { content.totals[fate] = sum }
                }
            }
        }
        return content
    }

    package var totals: [Fate: Sum] { state.withLock(\.totals) }

    /// Appends one; true when it is news. Lost and set aside ranges are on disk when it returns. What cannot be
    /// written, and is told as an error, is kept for `writePending` and for the next one.
    @discardableResult
    package func note(_ range: Range) throws(AgentError) -> Bool {
        let result = state.withLock { state -> Result<Bool, AgentError> in
            guard let range = state.news(in: range) else { return .success(false) }
            state.totals[range.what, default: Sum()].add(range)
            state.remember(range)
            state.pending.append(range)
            if state.pending.count > Self.mostPending { state.pending.removeFirst() }
            do throws(AgentError) {
                try write(&state)
                return .success(true)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Writes what could not be written before.
    package func writePending() throws(AgentError) {
        let result = state.withLock { state -> Result<Void, AgentError> in
            do throws(AgentError) { return .success(try write(&state)) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func write(_ state: inout State) throws(AgentError) {
        guard !state.pending.isEmpty else { return }
        var lines = Data()
        for range in state.pending { lines += try encoded(range) }
        if state.bytes + lines.count > Self.mostBytes { try shorten(&state) }
        let isSynced = state.pending.contains { $0.what != .shipped }
        try StateFile.append(lines: Array(lines), to: path, isSynced: isSynced)
        state.bytes += lines.count
        state.pending = []
    }

    private func encoded(_ range: Range) throws(AgentError) -> Data {
        do { return try JSONEncoder().encode(range) + [0x0a] } catch {
            throw .state("writing \(path): \(error.localizedDescription)")
        }
    }

    /// Sums up the older half. What is lost or set aside outlives what is shipped: of it the newer
    /// quarter of the file is kept at most.
    private func shorten(_ state: inout State) throws(AgentError) {
        let folder = FollowedFile.split(path).folder
        let content = Self.read(folder: folder)
        let kept = Self.newest(content.ranges.filter { $0.what != .shipped }, Self.mostBytes / 4)
        let recent = Self.newest(content.ranges.filter { $0.what == .shipped }, Self.mostBytes / 4)
        var totals = content.totals
        for range in kept + recent {
            totals[range.what]?.ranges -= 1
            totals[range.what]?.bytes -= range.knownBytes
        }
        let head = Head(
            totals: Dictionary(uniqueKeysWithValues: totals.map { ($0.key.rawValue, $0.value) }),
            since: (kept + recent).map(\.at).min() ?? 0)
        let encoder = JSONEncoder()
        var text = Data()
        do {
            text += try encoder.encode(head) + [0x0a]
            for range in (kept + recent).sorted(by: { $0.at < $1.at }) {
                text += try encoder.encode(range) + [0x0a]
            }
        } catch { throw .state("writing \(path): \(error.localizedDescription)") }
        try StateFile.replace(path, with: Array(text))
        state.bytes = text.count
        // What is set aside in files that are still read is known better than by what is left of it.
        let aside = state.aside
        state.remember(kept + recent + state.pending)
        state.aside = aside
    }

    private static func newest(_ ranges: [Range], _ bytes: Int) -> [Range] {
        // A line takes some 200 bytes, and its names.
        var left = bytes
        return ranges.reversed().prefix { range in
            left -=
                120 + range.file.utf8.count + (range.source?.utf8.count ?? 0)
                + (range.why?.utf8.count ?? 0)
            return left > 0
        }.reversed()
    }
}
