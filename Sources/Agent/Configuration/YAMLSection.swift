import Logback
import Yams

/// A node of agent.yaml that knows where it stands, so that errors can say so.
struct YAMLSection {
    let path: String
    let node: Node

    func wrong(_ what: String) -> AgentError {
        .configuration("\(path):\(node.mark.map { "\($0.line)" } ?? "?"): \(what)")
    }

    func unknown(_ key: String) -> AgentError { wrong("unknown key \"\(key)\"") }

    subscript(key: String) -> YAMLSection? {
        node.mapping?[Node(key)].map { YAMLSection(path: path, node: $0) }
    }

    func each(_ body: (String, YAMLSection) throws(AgentError) -> Void) throws(AgentError) {
        guard let mapping = node.mapping else { throw wrong("expected keys with values") }
        for (key, value) in mapping {
            guard let name = key.string else { throw wrong("expected a key") }
            try body(name, YAMLSection(path: path, node: value))
        }
    }

    func items() throws(AgentError) -> [YAMLSection] {
        guard let sequence = node.sequence else { throw wrong("expected a list") }
        return sequence.map { YAMLSection(path: path, node: $0) }
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

    func texts() throws(AgentError) -> [String: String] {
        var out: [String: String] = [:]
        try each { (key, value) throws(AgentError) in out[key] = try value.text() }
        return out
    }

    func number(_ range: ClosedRange<Double>) throws(AgentError) -> Double {
        guard let value = Double(try text()), range.contains(value) else {
            throw wrong("expected a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
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
