import Bytes
import LogModel

/// Writes the JSON body of a push, stream after stream and row after row, not compressed:
///
///     {"streams":[{"stream":{"app":"shop"},"values":[["1793491200000000000","line",{"trace":"7f"}]]}],
///      "sources":[{"source":"ab12","from":0,"to":99,"events":1793491200000000000}]}
package struct PushWriter {
    private var out: [UInt8] = []
    private var streams = 0
    private var rows = 0
    /// Of the object that is being written.
    private var pairs = 0

    /// Of a row besides its line and its metadata: a time, quotes, brackets and commas.
    package static let rowBytes = 32
    /// Of a stream besides its rows, and of a range of a source, about.
    package static let streamBytes = 256

    /// `bytes`: what the body will take, about. A body is large, and to grow is to copy it to memory that
    /// is new each time.
    ///
    /// `memory`: of a body before, which nobody needs any more. It is taken over.
    package init(bytes: Int, in memory: inout [UInt8]) {
        swap(&out, &memory)
        out.removeAll(keepingCapacity: true)
        out.reserveCapacity(bytes)
        out.append(contentsOf: "{\"streams\":[".utf8)
    }

    /// Rows that follow are of this stream.
    package mutating func begin(_ labels: Labels) {
        if streams > 0 { out.append(contentsOf: "]},".utf8) }
        streams += 1
        rows = 0
        out.append(contentsOf: "{\"stream\":{".utf8)
        pairs = 0
        for label in labels.pairs {
            if pairs > 0 { out.append(UInt8(ascii: ",")) }
            pairs += 1
            add(label)
        }
        out.append(contentsOf: "},\"values\":[".utf8)
    }

    /// A row: the pairs of its metadata follow, and `endRow`.
    package mutating func beginRow(_ time: Int64, _ line: [UInt8]) {
        // Byte by byte, which is faster than short texts are.
        if rows > 0 { out.append(UInt8(ascii: ",")) }
        rows += 1
        out.append(UInt8(ascii: "["))
        out.append(UInt8(ascii: "\""))
        add(time)
        out.append(UInt8(ascii: "\""))
        out.append(UInt8(ascii: ","))
        appendJSONString(line, to: &out)
        pairs = 0
    }

    package mutating func endRow() {
        if pairs > 0 { out.append(UInt8(ascii: "}")) }
        out.append(UInt8(ascii: "]"))
    }

    /// A pair of the metadata of a row; a name comes once.
    package mutating func add(_ name: JSONKey, _ value: UnsafeRawBufferPointer) {
        beginMetadata()
        appendJSONKey(name, to: &out)
        appendJSONString(value, to: &out)
    }

    package mutating func add(_ name: String, _ value: String) {
        beginMetadata()
        add(Label(name, value))
    }

    private mutating func add(_ label: Label) {
        appendJSONString(label.name, to: &out)
        out.append(UInt8(ascii: ":"))
        appendJSONString(label.value, to: &out)
    }

    private mutating func beginMetadata() {
        out.append(UInt8(ascii: ","))
        if pairs == 0 { out.append(UInt8(ascii: "{")) }
        pairs += 1
    }

    /// Hands out the whole body; `sources` is left out when it is empty.
    package mutating func finish(sources: [SourceRange] = [], into body: inout [UInt8]) {
        if streams > 0 { out.append(contentsOf: "]}".utf8) }
        out.append(UInt8(ascii: "]"))
        if !sources.isEmpty { add(sources) }
        out.append(UInt8(ascii: "}"))
        body = []
        swap(&body, &out)
    }

    /// Digits of a time; faster than a `String` of it for each row.
    private mutating func add(_ time: Int64) {
        guard time >= 0 else { return out.append(contentsOf: String(time).utf8) }
        let start = out.count
        var rest = time
        repeat {
            out.append(48 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        out[start...].reverse()
    }

    private mutating func add(_ sources: [SourceRange]) {
        out.append(contentsOf: ",\"sources\":[".utf8)
        for (i, range) in sources.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(contentsOf: "{\"source\":".utf8)
            appendJSONString(range.source, to: &out)
            out.append(
                contentsOf: ",\"from\":\(range.from),\"to\":\(range.to),\"events\":\(range.events)}"
                    .utf8)
        }
        out.append(UInt8(ascii: "]"))
    }
}
