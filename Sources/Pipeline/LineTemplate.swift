import Bytes
import LogModel

/// The template of `line_format` and `label_format`: text with field references.
///
/// This version knows `{{.field}}`, `{{__line__}}` and `{{__timestamp__}}`, with Go's trim marks;
/// functions and control structures are refused by name.
struct LineTemplate {
    private enum Part {
        case text([UInt8])
        case field(String)
        case line, timestamp
    }
    private var parts: [Part] = []

    /// Every label that the template looks at.
    var fields: [String] {
        parts.compactMap { if case .field(let name) = $0 { name } else { nil } }
    }

    init(_ text: String) throws(PipelineError) {
        var rest = Substring(text)
        var trimNext = false
        while let open = rest.range(of: "{{") {
            var before = rest[..<open.lowerBound]
            rest = rest[open.upperBound...]
            guard let close = rest.range(of: "}}") else { throw PipelineError("unclosed action") }
            var action = rest[..<close.lowerBound]
            rest = rest[close.upperBound...]
            if trimNext { before = before.drop { $0.isWhitespace } }
            if action.hasPrefix("- ") {
                action = action.dropFirst(2)
                while before.last?.isWhitespace == true { before = before.dropLast() }
            }
            trimNext = action.hasSuffix(" -")
            if trimNext { action = action.dropLast(2) }
            append(text: before)
            try append(action: String(action).trimmingBlanks)
        }
        append(text: trimNext ? rest.drop { $0.isWhitespace } : rest)
    }

    private mutating func append(text: Substring) {
        if !text.isEmpty { parts.append(.text(Array(text.utf8))) }
    }

    private mutating func append(action: String) throws(PipelineError) {
        switch action {
        case "__line__": parts.append(.line)
        case "__timestamp__": parts.append(.timestamp)
        case "": throw PipelineError("missing value for command")
        case _ where action.hasPrefix("/*") && action.hasSuffix("*/"): break
        case _
        where action.first == "."
            && action.dropFirst().allSatisfy({
                $0 == "_" || $0.isLetter || $0.isNumber
            }) && action.count > 1:
            parts.append(.field(String(action.dropFirst())))
        default:
            throw PipelineError(
                "{{\(action)}}: this version knows field references such as {{.field}}, "
                    + "{{__line__}} and {{__timestamp__}}, no functions")
        }
    }

    func render(_ line: UnsafeRawBufferPointer, _ timestamp: Int64, _ labels: RowLabels) -> [UInt8]
    {
        var out: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let text): out += text
            case .field(let name): out += (labels[name] ?? "").utf8
            case .line: out += line
            case .timestamp: out += Self.goTime(timestamp).utf8
            }
        }
        return out
    }

    /// The way Go prints a time in UTC: `2026-11-01 00:00:00.5 +0000 UTC`.
    private static func goTime(_ timestamp: Int64) -> String {
        let time = CivilTime(timestamp)
        var text = "\(time.date) \(time.clock)"
        if time.nanosecond > 0 {
            var fraction = String(1_000_000_000 + time.nanosecond).dropFirst()
            while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
            text += "." + fraction
        }
        return text + " +0000 UTC"
    }
}
