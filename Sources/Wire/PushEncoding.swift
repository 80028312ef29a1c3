import Bytes
import LogModel

extension PushRequest {
    /// A protobuf push body in a snappy block, as other agents send it.
    package static func encodeProtobuf(batches: [Batch]) -> [UInt8] {
        var out: [UInt8] = []
        for batch in batches {
            var stream: [UInt8] = []
            appendField(1, Array(batch.labels.description.utf8), to: &stream)
            for row in 0..<batch.entries.count {
                appendField(2, entry(batch.entries, row), to: &stream)
            }
            appendField(1, stream, to: &out)
        }
        return Snappy.compress(out)
    }

    private static func entry(_ entries: Entries, _ row: Int) -> [UInt8] {
        let nanoseconds = entries.timestamps[row]
        // Protobuf counts nanoseconds forward from the second, before 1970 too.
        var seconds = nanoseconds / Nanoseconds.second
        var rest = nanoseconds % Nanoseconds.second
        if rest < 0 {
            rest += Nanoseconds.second
            seconds -= 1
        }
        var time: [UInt8] = []
        time.append(1 << 3)
        time.appendVarint(UInt64(bitPattern: seconds))
        time.append(2 << 3)
        time.appendVarint(UInt64(rest))
        var out: [UInt8] = []
        appendField(1, time, to: &out)
        appendField(2, Array(entries.line(row)), to: &out)
        for label in entries.metadata(row).pairs {
            var pair: [UInt8] = []
            appendField(1, Array(label.name.utf8), to: &pair)
            appendField(2, Array(label.value.utf8), to: &pair)
            appendField(3, pair, to: &out)
        }
        return out
    }

    private static func appendField(_ number: UInt8, _ bytes: [UInt8], to out: inout [UInt8]) {
        out.append(number << 3 | 2)
        out.appendVarint(UInt64(bytes.count))
        out.append(contentsOf: bytes)
    }
}
