import LogModel
import Pipeline

/// Entries around matches, as `grep -C` gives them: raw neighbours in the same stream, overlapping
/// contexts merged into one group. Rows carry the number of their group, and matches say so.
struct LogContext {
    /// Neighbours are looked for this far before a stream's first match and behind its last, in
    /// nanoseconds: what lies a day apart explains nothing, and a stream may have years.
    private static let reach = 24 * Nanoseconds.hour

    private let scan: Scan

    private typealias Candidate = LogCandidates.Candidate

    /// Rows of one stream, ascending.
    private struct Group {
        var rows: [LogRow]
        /// Where its first match stood in the answer.
        var place: Int
    }

    init(_ scan: Scan) { self.scan = scan }

    /// `matches` in the order of the answer.
    func around(_ matches: [LogCandidates.Candidate]) throws(QueryError) -> [LogRow] {
        var byStream: [Labels: [Int]] = [:]
        for (place, match) in matches.enumerated() {
            byStream[match.stream, default: []].append(place)
        }
        var groups: [Group] = []
        for (stream, places) in byStream {
            let ascending = scan.request.direction == .backward ? places.reversed() : places
            groups += try grouped(ascending.map { ($0, matches[$0]) }, of: stream)
        }
        groups.sort { $0.place < $1.place }
        let isBackward = scan.request.direction == .backward
        var out: [LogRow] = []
        for (number, group) in groups.enumerated() {
            for row in isBackward ? group.rows.reversed() : group.rows {
                var row = row
                row.labels.parsed = row.labels.parsed.setting(
                    QueryRequest.Context.groupLabel, "\(number + 1)")
                out.append(row)
            }
        }
        return out
    }

    /// A row that the answer will hold.
    private func counted(_ row: LogRow) throws(QueryError) -> LogRow {
        try scan.budget.take(200 + row.line.count, for: "entries around matches")
        return row
    }

    /// The groups of one stream; `matches` ascend and know their place in the answer.
    private func grouped(
        _ matches: [(place: Int, match: LogCandidates.Candidate)], of stream: Labels
    ) throws(QueryError) -> [Group] {
        guard let first = matches.first?.match, let last = matches.last?.match else { return [] }
        var lines = try StreamReading(
            scan, stream,
            from: Timestamp(nanoseconds: first.row.timestamp).advanced(byNanoseconds: -Self.reach),
            to: Timestamp(nanoseconds: last.row.timestamp).advanced(byNanoseconds: Self.reach))
        var groups: [Group] = []
        /// The last row that a group has taken.
        var taken: StreamReading.Position?
        /// How many more rows the last match wants behind it.
        var wanted = 0
        for (place, match) in matches {
            guard let at = try lines.find(match) else { continue }
            var group: [LogRow] = []
            // Behind the match before, as far as that wants rows or until this match.
            while wanted > 0, let position = taken, let next = try lines.next(position), next < at {
                groups[groups.count - 1].rows.append(try counted(lines.row(next)))
                taken = next
                wanted -= 1
            }
            var position = at
            var touches = false
            for _ in 0..<scan.request.context.before + 1 {
                guard let before = try lines.previous(position) else { break }
                if before == taken {
                    touches = true
                    break
                }
                if group.count == scan.request.context.before { break }
                group.append(try counted(lines.row(before)))
                position = before
            }
            var own = match.row
            own.labels.parsed = own.labels.parsed.setting(QueryRequest.Context.matchLabel, "true")
            group.reverse()
            group.append(own)
            if touches {
                groups[groups.count - 1].rows += group
                groups[groups.count - 1].place = min(groups[groups.count - 1].place, place)
            } else {
                groups.append(Group(rows: group, place: place))
            }
            taken = at
            wanted = scan.request.context.after
        }
        while wanted > 0, let position = taken, let next = try lines.next(position) {
            groups[groups.count - 1].rows.append(try counted(lines.row(next)))
            taken = next
            wanted -= 1
        }
        return groups
    }
}
