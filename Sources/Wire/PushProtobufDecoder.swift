import Bytes
import LogModel

/// Loki's protobuf push (`logproto.PushRequest`), from bytes straight into columns. Four message
/// types are read by hand, because a generated decoder would make a String of every line.
///
/// ```
/// PushRequest  streams=1 {StreamAdapter}
/// StreamAdapter labels=1 string   entries=2 {EntryAdapter}   hash=3 (ignored)
/// EntryAdapter timestamp=1 {seconds=1 nanos=2}   line=2   structuredMetadata=3 {name=1 value=2}
/// ```
struct PushProtobufDecoder {
    private let body: [UInt8]
    private var request = PushRequest()
    private var budget: DecodingBudget
    private var entries = Entries()
    private var knownMetadata: [[Label]: UInt32] = [:]

    static func decode(_ body: [UInt8], memory: Int) throws(WireError) -> PushRequest {
        var decoder = PushProtobufDecoder(body: body, budget: DecodingBudget(limit: memory))
        var fields = ProtobufFields(body, 0..<body.count)
        while let field = try fields.next() {
            if case .bytes(1, let range) = field { try decoder.stream(range) }
        }
        return decoder.request
    }

    private init(body: [UInt8], budget: DecodingBudget) {
        self.body = body
        self.budget = budget
    }

    private mutating func stream(_ range: Range<Int>) throws(WireError) {
        knownMetadata.removeAll(keepingCapacity: true)
        var text = ""
        var fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            switch field {
            case .bytes(1, let range): text = String(decoding: body[range], as: UTF8.self)
            case .bytes(2, let range): try entry(range)
            default: break
            }
        }
        let labels = try LabelText.parse(text)
        request.streamCount += 1
        guard !entries.isEmpty else { return }
        try budget.stream(labels: labels.count)
        request.streams.append(.init(labels: labels, entries: entries.handOver()))
    }

    private mutating func entry(_ range: Range<Int>) throws(WireError) {
        var timestamp: Int64 = 0
        var line = 0..<0
        var metadata: [Label] = []
        var fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            switch field {
            case .bytes(1, let range): timestamp = try time(range)
            case .bytes(2, let range): line = range
            case .bytes(3, let range): metadata.append(try pair(range))
            default: break
            }
        }
        let id = try metadataID(metadata)
        body.withUnsafeBytes {
            entries.append(
                timestamp: timestamp, line: UnsafeRawBufferPointer(rebasing: $0[line]),
                metadataID: id)
        }
    }

    /// Errors: 400 for a time that Int64 nanoseconds cannot hold.
    private func time(_ range: Range<Int>) throws(WireError) -> Int64 {
        var seconds: Int64 = 0
        var nanos: Int64 = 0
        var fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            switch field {
            case .varint(1, let value): seconds = Int64(bitPattern: value)
            case .varint(2, let value): nanos = Int64(Int32(truncatingIfNeeded: value))
            default: break
            }
        }
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: Nanoseconds.second)
        let (sum, beyond) = scaled.addingReportingOverflow(nanos)
        guard !overflow, !beyond, (0..<Nanoseconds.second).contains(nanos) else {
            throw .badRequest("timestamp out of range: \(seconds) seconds, \(nanos) nanoseconds")
        }
        return sum
    }

    private func pair(_ range: Range<Int>) throws(WireError) -> Label {
        var label = Label("", "")
        var fields = ProtobufFields(body, range)
        while let field = try fields.next() {
            switch field {
            case .bytes(1, let range): label.name = String(decoding: body[range], as: UTF8.self)
            case .bytes(2, let range): label.value = String(decoding: body[range], as: UTF8.self)
            default: break
            }
        }
        return label
    }

    private mutating func metadataID(_ pairs: [Label]) throws(WireError) -> UInt32 {
        guard !pairs.isEmpty else { return 0 }
        if let known = knownMetadata[pairs] { return known }
        let set = Labels(pairs)
        guard !set.isEmpty else { return 0 }
        try budget.metadata(labels: set.count)
        let id = UInt32(entries.metadataSets.count)
        entries.metadataSets.append(set)
        if knownMetadata.count < 256 { knownMetadata[pairs] = id }
        return id
    }
}

/// The fields of one protobuf message, in the order of its bytes.
struct ProtobufFields {
    enum Field {
        case varint(UInt64, UInt64)
        /// Field number and where the bytes stand.
        case bytes(UInt64, Range<Int>)
        /// Fixed-size numbers, which no message here uses.
        case other
    }

    private var reader: ByteReader

    init(_ bytes: [UInt8], _ range: Range<Int>) { reader = ByteReader(bytes, range: range) }

    /// nil at the end. Errors: 400 for a broken message.
    mutating func next() throws(WireError) -> Field? {
        guard !reader.isAtEnd else { return nil }
        do throws(BytesError) {
            let tag = try reader.readVarint()
            let number = tag >> 3
            guard number > 0 else { throw .invalid("illegal tag 0", offset: reader.offset) }
            switch tag & 7 {
            case 0: return .varint(number, try reader.readVarint())
            case 1:
                _ = try reader.readRange(8)
                return .other
            case 2:
                return .bytes(number, try reader.readRange(reader.readCount(limit: .max >> 1)))
            case 5:
                _ = try reader.readRange(4)
                return .other
            default: throw .invalid("illegal wireType \(tag & 7)", offset: reader.offset)
            }
        } catch {
            switch error {
            case .truncated, .tooLarge: throw .badRequest("proto: unexpected EOF")
            case .invalid(let what, _): throw .badRequest("proto: \(what)")
            }
        }
    }
}
