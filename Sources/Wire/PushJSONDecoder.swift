import Bytes
import LogModel

/// Loki's JSON push, from bytes straight into columns: a line becomes no String and is copied once.
/// Understands `{"streams":[{"stream":{…},"values":[["ns","line",{…}]]}]}`, the legacy
/// `{"streams":[{"labels":"{…}","entries":[{"ts":"…","line":"…"}]}]}`, and the key `sources`
/// beside `streams`. Unknown keys are skipped.
struct PushJSONDecoder {
    private var request = PushRequest()
    private var budget: DecodingBudget
    /// The stream at hand; empty between two.
    private var entries = Entries()
    private var labels: [Label] = []
    /// Metadata sets of the stream at hand, by their JSON text.
    private var knownMetadata: [[UInt8]: UInt32] = [:]
    private var lastMetadata: (range: Range<Int>, id: UInt32) = (0..<0, 0)

    /// `memory` bounds what the parts of the body take beyond their own bytes.
    static func decode(_ body: [UInt8], memory: Int) throws(WireError) -> PushRequest {
        var decoder = PushJSONDecoder(budget: DecodingBudget(limit: memory))
        try JSONCursor.read(body) { cursor throws(WireError) in
            try cursor.object { (key, cursor) throws(WireError) in
                switch key {
                case "streams":
                    try cursor.array { cursor throws(WireError) in try decoder.stream(&cursor) }
                case "sources":
                    try cursor.array { cursor throws(WireError) in try decoder.source(&cursor) }
                default: try cursor.skip()
                }
            }
        }
        return decoder.request
    }

    private init(budget: DecodingBudget) { self.budget = budget }

    private mutating func source(_ cursor: inout JSONCursor) throws(WireError) {
        guard request.sources.count < PositionExchange.maxSources else {
            throw .badRequest("more than \(PositionExchange.maxSources) sources")
        }
        var range = SourceRange(source: "", from: 0, to: 0, events: 0)
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "source":
                range.source = try cursor.string(
                    "a source", limit: PositionExchange.maxSourceBytes)
            case "from": range.from = try cursor.integer("'from' of a source")
            case "to": range.to = try cursor.integer("'to' of a source")
            case "events": range.events = try cursor.signed("'events' of a source")
            default: try cursor.skip()
            }
        }
        guard !range.source.isEmpty, range.from <= range.to else {
            throw .badRequest("a source needs a name, and 'from' no larger than 'to'")
        }
        request.sources.append(range)
    }

    private mutating func stream(_ cursor: inout JSONCursor) throws(WireError) {
        labels = []
        knownMetadata.removeAll(keepingCapacity: true)
        lastMetadata = (0..<0, 0)
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "stream": labels = try labelObject(&cursor)
            case "values":
                try cursor.array { cursor throws(WireError) in try value(&cursor) }
            case "labels":
                labels = try LabelText.parse(
                    cursor.string("the labels of a stream", limit: 1 << 20))
            case "entries":
                try cursor.array { cursor throws(WireError) in try legacyEntry(&cursor) }
            default: try cursor.skip()
            }
        }
        request.streamCount += 1
        guard !entries.isEmpty else { return }
        try budget.stream(labels: labels.count)
        request.streams.append(.init(labels: labels, entries: entries.handOver()))
    }

    /// A label set as an object. Values that are numbers count as their text, as in Loki.
    private mutating func labelObject(_ cursor: inout JSONCursor) throws(WireError) -> [Label] {
        var latest: [String: String] = [:]
        try cursor.object { (key, cursor) throws(WireError) in
            switch try cursor.next() {
            case .string(let range, let escaped):
                latest[key] = try cursor.text(range, escaped: escaped)
            case .number(let range):
                latest[key] = try cursor.text(range, escaped: false)
            default: throw cursor.wrong("the label \(quoted(key)) must be a string")
            }
        }
        let set = LabelText.sorted(latest.map { Label($0.key, $0.value) })
        if !set.allSatisfy({ LabelText.isName($0.name.utf8) }) {
            // Loki prints the set and parses it: its error speaks of that text.
            return try LabelText.parse(LabelText.print(set))
        }
        return set
    }

    /// `["ns", "line"]` or `["ns", "line", {"name": "value"}]`.
    private mutating func value(_ cursor: inout JSONCursor) throws(WireError) {
        guard case .arrayStart = try cursor.next() else {
            throw cursor.wrong("an entry must be an array")
        }
        let timestamp = try timestampAndLine(&cursor)
        var metadata: UInt32 = 0
        switch try cursor.next() {
        case .arrayEnd:
            entries.closeRow(timestamp: timestamp, metadataID: 0)
            return
        case .objectStart: metadata = try metadataObject(&cursor)
        case .null: break
        default: throw cursor.wrong("structured metadata must be an object")
        }
        guard case .arrayEnd = try cursor.next() else {
            throw cursor.wrong("an entry has three items at most")
        }
        entries.closeRow(timestamp: timestamp, metadataID: metadata)
    }

    /// Takes both, appends the line and gives the timestamp.
    private mutating func timestampAndLine(_ cursor: inout JSONCursor) throws(WireError) -> Int64 {
        // A timestamp that is none is refused below, with the place of it.
        let before = cursor
        if let (digits, line, escaped) = cursor.takeStringPair() {
            if let timestamp = Self.nanoseconds(cursor.bytes, digits) {
                try appendLine(line, escaped: escaped, &cursor)
                return timestamp
            }
            cursor = before
        }
        guard case .string(let digits, escaped: false) = try cursor.next(),
            let timestamp = Self.nanoseconds(cursor.bytes, digits)
        else { throw cursor.wrong("a timestamp must be a string of nanoseconds") }
        guard case .string(let line, let escaped) = try cursor.next() else {
            throw cursor.wrong("a line must be a string")
        }
        try appendLine(line, escaped: escaped, &cursor)
        return timestamp
    }

    private mutating func appendLine(
        _ range: Range<Int>, escaped: Bool, _ cursor: inout JSONCursor
    ) throws(WireError) {
        if escaped {
            try cursor.unescape(range, into: &entries.lineBytes)
        } else {
            entries.lineBytes.append(
                contentsOf: UnsafeRawBufferPointer(rebasing: cursor.bytes[range]))
        }
    }

    private mutating func legacyEntry(_ cursor: inout JSONCursor) throws(WireError) {
        var timestamp: Int64?
        var hasLine = false
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "ts":
                let text = try cursor.string("ts", limit: 64)
                guard let time = RFC3339.parse(text) else {
                    throw cursor.wrong("ts must be a time as in RFC 3339")
                }
                timestamp = time
            case "line" where !hasLine:
                guard case .string(let line, let escaped) = try cursor.next() else {
                    throw cursor.wrong("a line must be a string")
                }
                try appendLine(line, escaped: escaped, &cursor)
                hasLine = true
            default: try cursor.skip()
            }
        }
        guard let timestamp else { throw cursor.wrong("an entry needs a ts") }
        entries.closeRow(timestamp: timestamp, metadataID: 0)
    }

    /// The rest of an object whose opening brace is taken; the id of its set. Equal texts are
    /// decoded once, which is what makes one level and one logger per line cheap.
    private mutating func metadataObject(_ cursor: inout JSONCursor) throws(WireError) -> UInt32 {
        let start = cursor.offset
        var pairs: [Label] = []
        let known = lastMetadata.range
        // Same text as the row before: no need to look at tokens.
        if !known.isEmpty, start + known.count <= cursor.bytes.count,
            Self.equal(cursor.bytes, known, start..<start + known.count)
        {
            try cursor.finishObject()
            return lastMetadata.id
        }
        while true {
            switch try cursor.next() {
            case .objectEnd:
                return try metadataID(pairs, text: start..<cursor.offset, cursor)
            case .key(let range, let escaped):
                guard case .string(let value, let valueEscaped) = try cursor.next() else {
                    throw cursor.wrong("the value of structured metadata must be a string")
                }
                pairs.append(
                    Label(
                        try cursor.text(range, escaped: escaped),
                        try cursor.text(value, escaped: valueEscaped)))
            default: throw cursor.wrong("structured metadata must be an object of strings")
            }
        }
    }

    private static func equal(
        _ bytes: UnsafeRawBufferPointer, _ a: Range<Int>, _ b: Range<Int>
    ) -> Bool {
        bytes[a].elementsEqual(bytes[b])
    }

    private mutating func metadataID(
        _ pairs: [Label], text: Range<Int>, _ cursor: JSONCursor
    ) throws(WireError) -> UInt32 {
        let set = Labels(pairs)
        guard !set.isEmpty else { return 0 }
        let key = Array(cursor.bytes[text])
        let id: UInt32
        if let known = knownMetadata[key] {
            id = known
        } else {
            try budget.metadata(labels: set.count)
            id = UInt32(entries.metadataSets.count)
            entries.metadataSets.append(set)
            if knownMetadata.count < 256 { knownMetadata[key] = id }
        }
        lastMetadata = (text, id)
        return id
    }

    /// A decimal Int64, as Go's ParseInt reads it.
    static func nanoseconds(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int64? {
        var at = range.lowerBound
        guard at < range.upperBound else { return nil }
        let negative = bytes[at] == UInt8(ascii: "-")
        if negative || bytes[at] == UInt8(ascii: "+") { at += 1 }
        guard at < range.upperBound else { return nil }
        var value: Int64 = 0
        // Eighteen digits cannot overflow.
        let safe = min(range.upperBound, at + 18)
        while at < safe {
            let digit = bytes[at] &- 48
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
            at += 1
        }
        if negative { value = -value }
        while at < range.upperBound {
            let digit = Int64(bytes[at]) - 48
            guard (0...9).contains(digit) else { return nil }
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (next, beyond) =
                negative
                ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            guard !over, !beyond else { return nil }
            value = next
            at += 1
        }
        return value
    }
}
