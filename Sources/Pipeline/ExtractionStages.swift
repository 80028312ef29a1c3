import Bytes
import LogModel
import LogQL
import Regexp

/// `| pattern "<ip> - <_> <user>"`.
struct PatternStage {
    private let parts: [PatternText.Part]

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

/// `| regexp "(?P<name>…)"`: unanchored; no match, no labels.
struct RegexpStage {
    private let regexp: Regexp
    private let required: ByteSearch?
    private let groups: [(Int, String)]

    init(_ pattern: String) throws(PipelineError) {
        do { regexp = try Regexp(pattern) } catch {
            throw PipelineError(
                "invalid regexp parser: error parsing regexp: \(error.reason): `\(pattern)`")
        }
        groups = regexp.groupNames.enumerated().compactMap { index, name in
            name.map { (index, sanitized($0)) }
        }
        if groups.isEmpty {
            throw PipelineError(
                "invalid regexp parser: at least one named capture must be supplied")
        }
        var seen: Set<String> = []
        for (_, name) in groups where !seen.insert(name).inserted {
            throw PipelineError("invalid regexp parser: duplicate extracted label name '\(name)'")
        }
        required = regexp.requiredLiteral.map { ByteSearch($0) }
    }

    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels, _ demand: ParserDemand) {
        if let required, !required.occurs(in: line) { return }
        guard let captures = regexp.captures(in: line) else { return }
        for (group, name) in groups where group < captures.count && demand.wants(name) {
            let value = captures[group].map { String(decoding: line[$0], as: UTF8.self) } ?? ""
            labels.extract(name, value)
        }
    }
}

/// `| unpack`: an object of strings, whose `_entry` becomes the line.
struct UnpackStage {
    /// The new line, or nil when the line stays.
    func run(_ line: UnsafeRawBufferPointer, _ labels: inout RowLabels) -> [UInt8]? {
        guard let first = line.first else { return nil }
        guard first == UInt8(ascii: "{") else {
            labels.fail(JSONStage.errorCode, "expecting json object(6), but it is not")
            return nil
        }
        var reader = JSONReader(line, maxNesting: Limits.maxNesting)
        var found: [(String, String)] = []
        var entry: [UInt8]?
        do throws(BytesError) {
            _ = try reader.next()
            while case .key(let key, _) = try reader.next() {
                let name = JSONText.string(reader, key)
                let before = reader
                guard case .string(let value, _) = try reader.next() else {
                    reader = before
                    _ = try reader.skipValue()
                    continue
                }
                if name == "_entry" {
                    var text: [UInt8] = []
                    try reader.unescape(value, into: &text)
                    entry = text
                } else {
                    found.append((sanitized(name), JSONText.string(reader, value)))
                }
            }
        } catch {
            labels.fail(JSONStage.errorCode, "\(error)")
            return nil
        }
        guard let entry else { return nil }
        for (name, value) in found { labels.extract(name, value) }
        return entry
    }
}
