import LogModel

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// One row, for comparing.
struct Row: Equatable, CustomStringConvertible {
    var timestamp: Int64
    var line: [UInt8]
    var metadata: Labels

    var description: String { "(\(timestamp), \(line.count) bytes, \(metadata))" }
}

extension Entries {
    var rows: [Row] {
        (0..<count).map {
            Row(timestamp: timestamps[$0], line: Array(line($0)), metadata: metadata($0))
        }
    }

    init(_ rows: [Row]) {
        self.init()
        for row in rows { append(timestamp: row.timestamp, line: row.line, metadata: row.metadata) }
    }
}

/// Entries as unpleasant as they may come.
enum SampleEntries {
    static func line(_ random: inout SeededGenerator) -> [UInt8] {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return []
        case 1: return [0, 13, 10, 0xff, 0xc3, 0x28, 0]
        case 2:
            let size = Int.random(in: 0..<300, using: &random)
            return (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        default:
            let number = Int.random(in: 0..<100_000, using: &random)
            return Array("12:00:00 INFO [main] order \(number) 완료 took=\(number % 97)ms".utf8)
        }
    }

    static func metadata(_ random: inout SeededGenerator) -> Labels {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .empty
        case 1:
            let trace = String(random.next(), radix: 16)
            return Labels(["trace_id": trace, "detected_level": "warn"])
        default:
            let level = ["info", "warn", "error"].randomElement(using: &random) ?? "info"
            return Labels(["detected_level": level])
        }
    }

    /// Rows ascending by time, from any part of the range of Int64.
    static func make(
        _ rows: Int, _ random: inout SeededGenerator, withMetadata: Bool = true
    ) -> Entries {
        var times = (0..<rows).map { _ -> Int64 in
            switch Int.random(in: 0..<10, using: &random) {
            case 0: return Int64.random(in: .min ... .max, using: &random)
            case 1:
                let edges = [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max]
                return edges.randomElement(using: &random) ?? 0
            default:
                let milliseconds = Int64.random(in: 0..<500, using: &random)
                return 1_790_000_000_000_000_000 + milliseconds * 1_000_000
            }
        }
        times.sort()
        var entries = Entries()
        for time in times {
            entries.append(
                timestamp: time, line: line(&random),
                metadata: withMetadata ? metadata(&random) : .empty)
        }
        return entries
    }
}
