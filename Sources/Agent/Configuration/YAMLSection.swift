import Logback
import Yams

/// What is wrong in a file, each with its line: all of it is told at once.
final class FaultList {
    private var found: [(line: Int, text: String)] = []
    /// A file of another kind altogether is wrong on every line.
    private static let most = 50

    func add(_ error: AgentError, line: Int) {
        guard found.count < Self.most else { return }
        found.append((line, "\(error)"))
    }

    /// A line each, in the order of the file; nil when there is none.
    var error: AgentError? {
        guard !found.isEmpty else { return nil }
        let lines = found.enumerated().sorted { ($0.1.line, $0.0) < ($1.1.line, $1.0) }
        return .configuration(lines.map(\.1.text).joined(separator: "\n"))
    }
}

/// A node of agent.yaml that knows where it stands, so that errors can say so.
struct YAMLSection {
    let path: String
    let node: Node
    let faults: FaultList

    /// 0 where the parser has not told.
    var line: Int { node.mark?.line ?? 0 }

    func wrong(_ what: String) -> AgentError {
        .configuration("\(path):\(node.mark.map { "\($0.line)" } ?? "?"): \(what)")
    }

    func unknown(_ key: String) -> AgentError { wrong("unknown key \"\(key)\"") }

    subscript(key: String) -> YAMLSection? {
        node.mapping?[Node(key)].map { YAMLSection(path: path, node: $0, faults: faults) }
    }

    /// What the body throws is noted, and the next key is read.
    func each(_ body: (String, YAMLSection) throws(AgentError) -> Void) throws(AgentError) {
        guard let mapping = node.mapping else { throw wrong("expected keys with values") }
        for (key, value) in mapping {
            let section = YAMLSection(path: path, node: value, faults: faults)
            section.noting { () throws(AgentError) in
                guard let name = key.string else { throw wrong("expected a key") }
                try body(name, section)
            }
        }
    }

    /// What is thrown belongs to this place, and does not stop the reading of others.
    func noting(_ body: () throws(AgentError) -> Void) {
        do throws(AgentError) { try body() } catch { faults.add(error, line: line) }
    }

    func items() throws(AgentError) -> [YAMLSection] {
        guard let sequence = node.sequence else { throw wrong("expected a list") }
        return sequence.map { YAMLSection(path: path, node: $0, faults: faults) }
    }

    /// A list of texts, or one alone.
    func list() throws(AgentError) -> [YAMLSection] {
        node.scalar == nil ? try items() : [self]
    }

    func truth() throws(AgentError) -> Bool {
        switch try text() {
        case "true": return true
        case "false": return false
        default: throw wrong("expected true or false")
        }
    }

    /// One of a few words.
    func choice<T: RawRepresentable & CaseIterable>(
        of type: T.Type
    ) throws(AgentError) -> T where T.RawValue == String {
        guard let choice = T(rawValue: try text()) else {
            let words = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong("expected one of \(words)")
        }
        return choice
    }

    func text() throws(AgentError) -> String {
        guard let text = node.scalar?.string else { throw wrong("expected a text") }
        return text
    }

    /// A text that is not empty.
    func name() throws(AgentError) -> String {
        let text = try text()
        guard !text.isEmpty else { throw wrong("expected a name") }
        return text
    }

    var isMapping: Bool { node.mapping != nil }

    /// Names of labels, and their values.
    func labels() throws(AgentError) -> [String: String] {
        var out: [String: String] = [:]
        try each { (key, value) throws(AgentError) in
            out[key] = try value.text()
            try value.checkLabel(key)
        }
        return out
    }

    func checkLabel(_ name: String) throws(AgentError) {
        if let fault = AgentConfiguration.fault(ofLabel: name) { throw wrong(fault) }
    }

    func number(_ range: ClosedRange<Double>) throws(AgentError) -> Double {
        guard let value = Double(try text()), range.contains(value) else {
            throw wrong("expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// `HOST:PORT`.
    func address() throws(AgentError) -> String {
        let text = try text()
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            UInt16(text[text.index(after: colon)...]) != nil
        else { throw wrong("expected HOST:PORT") }
        return text
    }

    func zone() throws(AgentError) -> ZoneRule {
        let name = try text()
        guard let zone = ZoneRule(name) else { throw wrong("unknown time zone \"\(name)\"") }
        return zone
    }

    func encoding() throws(AgentError) -> TextEncoding {
        let name = try text()
        guard let encoding = TextEncoding(name) else {
            throw wrong(
                "encoding \"\(name)\" is unknown, or its lines do not end as those of ASCII; "
                    + "known are names of Java's and IANA's: UTF-8, MS949, EUC-KR, UTF-16, "
                    + "ISO-8859-1, windows-1252, Shift_JIS …")
        }
        return encoding
    }

    func format() throws(AgentError) -> SourceFormat {
        let name = try text()
        guard let format = SourceFormat(rawValue: name) else {
            throw wrong("format \"\(name)\" is unknown; known are \(SourceFormat.names)")
        }
        return format
    }
}
