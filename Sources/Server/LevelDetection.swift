import Bytes
import LogModel

/// The levels that a line can have. `unknown` is what a line without a level gets.
package enum DetectedLevel: Int, CaseIterable, Sendable {
    case trace, debug, info, warn, error, critical, fatal, unknown

    /// Named here: the name that the language gives a case costs a reflection each time.
    private static let names = [
        "trace", "debug", "info", "warn", "error", "critical", "fatal", "unknown",
    ]

    package var text: String { Self.names[rawValue] }

    /// The level that a word means, whatever its case.
    package init?(word: some Collection<UInt8>) {
        guard (3...11).contains(word.count) else { return nil }
        let found: DetectedLevel? =
            switch String(decoding: word.map { $0 | 0x20 }, as: UTF8.self) {
            case "trace", "trc": .trace
            case "debug", "dbg": .debug
            case "info", "inf", "information": .info
            case "warn", "wrn", "warning": .warn
            case "error", "err": .error
            case "critical": .critical
            case "fatal": .fatal
            default: nil
            }
        guard let found else { return nil }
        self = found
    }
}

/// Finds the level of an entry the way Loki does (`discover_log_levels`): a label, structured
/// metadata, a field of JSON or logfmt, a word. Runs on every line of a push, on bytes.
package struct LevelDetection {
    static let name = detectedLevelName
    /// Names of labels, of structured metadata and of fields that carry a level; first come first.
    static let fields = [
        "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText",
        "lvl", "LVL", "Lvl", "severity_text", "Severity_Text", "SEVERITY_TEXT",
    ]
    private static let fieldBytes = fields.map { Array($0.utf8) }

    let jsonDepth: Int

    /// Objects inside objects that are looked into; 0 for all.
    package init(jsonDepth: Int) { self.jsonDepth = jsonDepth }

    /// The level that a set of labels or metadata names; a word that is no level passes as it is.
    static func named(_ labels: some Sequence<Label>) -> String? {
        for field in fields {
            for label in labels where label.name == field { return normalised(label.value) }
        }
        return nil
    }

    static func normalised(_ value: String) -> String {
        DetectedLevel(word: value.utf8)?.text ?? value
    }

    /// OpenTelemetry's severity numbers, which come in steps of four.
    static func severity(_ number: String) -> DetectedLevel? {
        guard let number = Int(number) else { return nil }
        switch number {
        case 1...4: return .trace
        case 5...8: return .debug
        case 9...12: return .info
        case 13...16: return .warn
        case 17...20: return .error
        case 21...24: return .fatal
        default: return .unknown
        }
    }

    package func level(ofLine line: UnsafeRawBufferPointer) -> DetectedLevel {
        if Self.looksLikeJSON(line) {
            if let found = jsonLevel(line) { return found }
        } else if let found = Self.logfmtLevel(line) {
            return found
        }
        return Self.firstWord(line)
    }

    private static func looksLikeJSON(_ line: UnsafeRawBufferPointer) -> Bool {
        guard let first = line.firstIndex(where: { $0 > 0x20 }),
            line[first] == UInt8(ascii: "{"),
            let last = line.lastIndex(where: { $0 > 0x20 })
        else { return false }
        return line[last] == UInt8(ascii: "}")
    }

    /// The first field of a known name that is a string, objects inside included.
    private func jsonLevel(_ line: UnsafeRawBufferPointer) -> DetectedLevel? {
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var depth = 0
        var isLevel = false
        // Broken JSON has the level found before it broke, or none.
        while let token = try? reader.next() {
            switch token {
            case .key(let range, _):
                let key = line[range]
                isLevel = Self.fieldBytes.contains {
                    $0.count == key.count && key.elementsEqual($0)
                }
            case .string(let range, _):
                if isLevel { return DetectedLevel(word: line[range]) }
            case .objectStart:
                isLevel = false
                guard jsonDepth <= 0 || depth < jsonDepth else {
                    guard Self.skip(&reader, from: .objectStart) else { return nil }
                    continue
                }
                depth += 1
            case .objectEnd: depth -= 1
            case .arrayStart:
                isLevel = false
                guard Self.skip(&reader, from: .arrayStart) else { return nil }
            case .end: return nil
            default: isLevel = false
            }
        }
        return nil
    }

    /// Takes the tokens up to the end of a value that has just begun.
    private static func skip(_ reader: inout JSONReader, from start: JSONToken) -> Bool {
        var depth = 1
        while depth > 0 {
            guard let token = try? reader.next() else { return false }
            switch token {
            case .objectStart, .arrayStart: depth += 1
            case .objectEnd, .arrayEnd: depth -= 1
            case .end: return false
            default: break
            }
        }
        return true
    }
}
