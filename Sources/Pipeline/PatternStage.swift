import Bytes
import LogModel
import LogQL

/// `| pattern "<ip> - <_> <user>"`.
struct PatternStage {
    let parts: [PatternText.Part]

    init(_ text: String) throws(PipelineError) {
        parts = try PatternText.parts(text)
        var names: Set<String> = []
        var previous: String?
        for part in parts {
            guard case .capture(let name) = part else {
                previous = nil
                continue
            }
            if let previous {
                throw PipelineError(
                    "invalid pattern parser: found consecutive capture '<\(previous)><\(name)>': "
                        + "invalid expression")
            }
            previous = name
            if name != "_", !names.insert(name).inserted {
                throw PipelineError(
                    "invalid pattern parser: duplicate capture name (\(name)): invalid expression")
            }
        }
        if names.isEmpty {
            throw PipelineError("invalid pattern parser: at least one capture is required")
        }
        searches = parts.map { part in
            if case .literal(let bytes) = part { ByteSearch(bytes) } else { nil }
        }
    }

    private let searches: [ByteSearch?]

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, _ demand: ParserDemand) {
        guard !line.isEmpty else { return }
        var at = 0
        var index = 0
        if let first = searches[0] {
            guard first.find(in: line) == 0 else { return }
            at = first.needle.count
            index = 1
        }
        while index < parts.count {
            guard case .capture(let name) = parts[index] else { return }
            let literal = index + 1 < parts.count ? searches[index + 1] : nil
            let end = literal.map { $0.find(in: line, from: at) ?? -1 } ?? line.count
            // A literal that is not found leaves the rest of the line to the capture.
            let value = line[at..<(end < 0 ? line.count : end)]
            if name != "_", demand.wants(name) {
                labels.extract(name, String(decoding: value, as: UTF8.self))
                if demand.isMet(by: labels) { return }
            }
            guard end >= 0, let literal else { return }
            at = end + literal.needle.count
            index += 2
        }
    }
}
