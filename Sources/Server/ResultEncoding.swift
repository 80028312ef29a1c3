import Bytes
import Foundation
import LogModel
import Query

/// Writes query answers as Loki does: keys in the order that Grafana's streaming parser needs
/// (`resultType`, `encodingFlags`, `result`, `stats`), streams sorted by their labels.
package struct ResultEncoding {
    /// What the client asked for in `X-Loki-Response-Encoding-Flags`; echoed.
    let flags: [String]
    private var out: [UInt8] = []
    /// The names of the label set before, by place: thousands of streams have the same ones.
    private var keys: [JSONKey] = []

    /// True: a stream has its stored labels only, and each value says which others came from where.
    private var categorizes: Bool { flags.contains("categorize-labels") }

    private init(flags: [String]) { self.flags = flags }

    package static func encode(
        _ value: QueryValue, _ stats: QueryStats, flags: [String]
    ) -> [UInt8] {
        var encoding = ResultEncoding(flags: flags)
        encoding.add("{\"status\":\"success\",\"data\":{")
        var returned = 0
        switch value {
        case .streams(let rows):
            encoding.streams(rows)
            returned = rows.count
        case .matrix(let series):
            encoding.add("\"resultType\":\"matrix\",\"result\":[")
            encoding.list(series) { $0.series($1, isVector: false) }
        case .vector(let series):
            encoding.add("\"resultType\":\"vector\",\"result\":[")
            encoding.list(series) { $0.series($1, isVector: true) }
        case .scalar(let point):
            encoding.add("\"resultType\":\"scalar\",\"result\":")
            encoding.point(point)
        }
        encoding.stats(stats, returned: returned)
        if let explanation = stats.explanation { encoding.explain(explanation) }
        encoding.add("}}")
        return encoding.out
    }

    private mutating func add(_ text: StaticString) {
        text.withUTF8Buffer { out.append(contentsOf: $0) }
    }

    /// The items and the closing bracket.
    private mutating func list<T>(
        _ items: some Sequence<T>, _ write: (inout ResultEncoding, T) -> Void
    ) {
        var isFirst = true
        for item in items {
            if !isFirst { add(",") }
            isFirst = false
            write(&self, item)
        }
        add("]")
    }

    mutating func labels(_ labels: Labels) {
        add("{")
        for (i, label) in labels.pairs.enumerated() {
            if i > 0 { add(",") }
            if i >= keys.count {
                keys.append(JSONKey(label.name))
            } else if keys[i].name != label.name {
                keys[i] = JSONKey(label.name)
            }
            appendJSONKey(keys[i], to: &out)
            appendJSONString(label.value, to: &out)
        }
        add("}")
    }

    private mutating func series(_ series: Series, isVector: Bool) {
        add("{\"metric\":")
        labels(series.labels)
        if isVector {
            add(",\"value\":")
            point(series.points.first ?? Point(milliseconds: 0, value: .nan))
        } else {
            add(",\"values\":[")
            list(series.points) { $0.point($1) }
        }
        add("}")
    }

    private mutating func point(_ point: Point) {
        add("[")
        FloatText.appendSeconds(milliseconds: point.milliseconds, to: &out)
        add(",\"")
        FloatText.append(point.value, to: &out)
        add("\"]")
    }

    // Streams.

    private mutating func streams(_ rows: [LogRow]) {
        let groups = ResultStreams(rows, categorizes: categorizes)
        add("\"resultType\":\"streams\",")
        if !flags.isEmpty {
            add("\"encodingFlags\":[")
            list(flags) { appendJSONString($1, to: &$0.out) }
            add(",")
        }
        add("\"result\":[")
        list(groups.labels.indices) { encoding, stream in
            encoding.add("{\"stream\":")
            encoding.labels(groups.labels[stream])
            encoding.add(",\"values\":[")
            encoding.list(groups.rows(of: stream)) { $0.row(rows[$1]) }
            encoding.add("}")
        }
    }

    private mutating func row(_ row: LogRow) {
        add("[\"")
        out.append(contentsOf: String(row.timestamp).utf8)
        add("\",")
        appendJSONString(row.line, to: &out)
        if categorizes {
            add(",{")
            if !row.labels.metadata.isEmpty {
                add("\"structuredMetadata\":")
                labels(row.labels.metadata)
            }
            if !row.labels.parsed.isEmpty {
                if !row.labels.metadata.isEmpty { add(",") }
                add("\"parsed\":")
                labels(row.labels.parsed)
            }
            add("}")
        }
        add("]")
    }

    /// An addition to Loki's answers, for requests that ask for it.
    private mutating func explain(_ explanation: QueryExplanation) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let document = try? encoder.encode(explanation) else { return }
        add(",\"explain\":")
        out.append(contentsOf: document)
    }

    private static func nanoseconds(_ seconds: Double) -> Int { Int(min(seconds, 1e9) * 1e9) }

    /// Loki's shape of statistics; figures that have no meaning here are 0. Times of phases are in
    /// nanoseconds, those of reading and stages (`pipelineTime`, which Loki has not) summed over
    /// threads.
    private mutating func stats(_ stats: QueryStats, returned: Int) {
        let seconds = max(stats.seconds, 1e-9)
        let bytesPerSecond = Int(min(Double(stats.bytes) / seconds, 1e18))
        let linesPerSecond = Int(min(Double(stats.lines) / seconds, 1e18))
        out.append(
            contentsOf: """
                ,"stats":{"summary":{"bytesProcessedPerSecond":\(bytesPerSecond),\
                "linesProcessedPerSecond":\(linesPerSecond),\
                "totalBytesProcessed":\(stats.bytes),"totalLinesProcessed":\(stats.lines),\
                "execTime":\(FloatText.text(stats.seconds)),"queueTime":0,"subqueries":0,\
                "totalEntriesReturned":\(returned),"splits":0,"shards":0,\
                "totalPostFilterLines":\(stats.linesKept),\
                "totalStructuredMetadataBytesProcessed":0},\
                "querier":{"store":{"totalChunksRef":\(stats.units),\
                "totalChunksDownloaded":\(stats.units),\
                "chunkRefsFetchTime":\(Self.nanoseconds(stats.planSeconds)),\
                "chunksDownloadTime":\(Self.nanoseconds(stats.loadSeconds)),\
                "pipelineTime":\(Self.nanoseconds(stats.pipelineSeconds)),\
                "queryReferencedStructuredMetadata":false,"chunk":{"headChunkBytes":0,\
                "headChunkLines":0,"decompressedBytes":\(stats.bytes),\
                "decompressedLines":\(stats.lines),"compressedBytes":0,"totalDuplicates":0,\
                "postFilterLines":\(stats.linesKept)}}},\
                "ingester":{"totalReached":0,"totalChunksMatched":0,"totalBatches":0,\
                "totalLinesSent":0,"store":{"totalChunksRef":0,"totalChunksDownloaded":0,\
                "chunksDownloadTime":0,"chunk":{"headChunkBytes":0,"headChunkLines":0,\
                "decompressedBytes":0,"decompressedLines":0,"compressedBytes":0,\
                "totalDuplicates":0,"postFilterLines":0}}}}
                """.utf8)
    }
}
