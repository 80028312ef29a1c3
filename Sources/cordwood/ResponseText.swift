import Foundation
import LogModel
import Query

/// Answers of a server, from JSON.
enum ResponseText {
    private static let unreadable = Failure("the server's answer is not what Loki's API promises")

    /// Entries of all streams, in the order of the query.
    static func entries(_ data: Any?, forward: Bool) throws -> [PrintedEntry] {
        guard let data = data as? [String: Any], let result = data["result"] as? [[String: Any]]
        else {
            throw unreadable
        }
        var entries: [PrintedEntry] = []
        for stream in result {
            guard let labels = stream["stream"] as? [String: String],
                let values = stream["values"] as? [[Any]]
            else { throw unreadable }
            let set = Labels(labels)
            for value in values {
                guard value.count >= 2, let time = (value[0] as? String).flatMap({ Int64($0) }),
                    let line = value[1] as? String
                else { throw unreadable }
                entries.append(PrintedEntry(timestamp: time, labels: set, line: Array(line.utf8)))
            }
        }
        // Stable, so that equal times keep the order of their stream.
        let order = entries.indices.sorted { a, b in
            let x = entries[a].timestamp
            let y = entries[b].timestamp
            return x == y ? a < b : forward ? x < y : x > y
        }
        return order.map { entries[$0] }
    }

    static func explanation(_ data: Any?) throws -> QueryExplanation {
        guard let found = (data as? [String: Any])?["explain"] else {
            throw Failure("the server does not explain its answers: --explain is not Loki's")
        }
        do {
            let document = try JSONSerialization.data(withJSONObject: found)
            return try JSONDecoder().decode(QueryExplanation.self, from: document)
        } catch { throw unreadable }
    }

    static func series(_ data: Any?) throws -> [Series] {
        guard let data = data as? [String: Any] else { throw unreadable }
        func point(_ pair: Any?) throws -> Point {
            guard let pair = pair as? [Any], pair.count == 2, let time = pair[0] as? Double,
                let text = pair[1] as? String,
                let value = Double(text.replacing("Inf", with: "inf"))
            else { throw unreadable }
            return Point(milliseconds: Int64((time * 1000).rounded()), value: value)
        }
        if data["resultType"] as? String == "scalar" {
            return [Series(labels: .empty, points: [try point(data["result"])])]
        }
        guard let result = data["result"] as? [[String: Any]] else { throw unreadable }
        return try result.map { item in
            guard let metric = item["metric"] as? [String: String] else { throw unreadable }
            let points = try (item["values"] as? [Any])?.map(point) ?? [point(item["value"])]
            return Series(labels: Labels(metric), points: points)
        }
    }
}

/// Writes series to standard output: a line a point.
struct SeriesPrinter {
    private let format: OutputFormat
    init(_ format: OutputFormat) { self.format = format }

    /// True when there was anything.
    func print(_ series: [Series]) -> Bool {
        for one in series {
            for point in one.points {
                let time = CivilTime(point.milliseconds * Nanoseconds.millisecond).rfc3339
                let labels = TerminalText.safe(one.labels.description)
                var value = "\(point.value)"
                if value.hasSuffix(".0") { value.removeLast(2) }
                let text: String
                switch format {
                case .default: text = "\(time) \(labels) \(value)"
                case .raw: text = value
                case .jsonl:
                    let metric = Dictionary(one.labels.pairs.map { ($0.name, $0.value) }) { $1 }
                    let document: [String: Any] = [
                        "metric": metric, "timestamp": time, "value": value,
                    ]
                    let data = try? JSONSerialization.data(
                        withJSONObject: document, options: [.sortedKeys])
                    text =
                        data.map { TerminalText.safe(json: String(decoding: $0, as: UTF8.self)) }
                        ?? ""
                }
                EntryPrinter.write(Array((text + "\n").utf8))
            }
        }
        return series.contains { !$0.points.isEmpty }
    }
}
