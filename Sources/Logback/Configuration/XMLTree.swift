import Foundation
import FoundationXML

/// An element of a configuration file, and the line it stands in.
struct XMLTree {
    var name: String
    var attributes: [String: String] = [:]
    var children: [XMLTree] = []
    /// All text between its tags, trimmed.
    var text = ""
    /// `logback.xml:12`.
    var place: String

    /// The first child of that name, whatever its case: Logback takes `<Pattern>` for `<pattern>`.
    func child(_ name: String) -> XMLTree? {
        children.first { $0.name.lowercased() == name.lowercased() }
    }

    /// Reads a document. Document types are refused: configurations have none, and entities are how
    /// a small file becomes a large one, or another file.
    static func parse(_ bytes: [UInt8], file: String) throws(LogbackError) -> XMLTree {
        guard bytes.count <= ConfigurationLimits.fileBytes else {
            throw .unreadable(
                path: file, reason: "more than \(ConfigurationLimits.fileBytes >> 20) MiB of XML")
        }
        // Looked for in the bytes without zeros, so that UTF-16 does not hide it.
        let declaration = Array("<!DOCTYPE".utf8)
        let plain = bytes.contains(0) ? bytes.filter { $0 != 0 } : bytes
        if let at = plain.firstRange(of: declaration) {
            let line = plain[..<at.lowerBound].count { $0 == 0x0a } + 1
            throw .invalid(
                place: "\(file):\(line)",
                reason: "a document type is refused: remove <!DOCTYPE …> and its entities")
        }
        let builder = Builder(file: file)
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        parser.delegate = builder
        let isWell = parser.parse()
        if let refusal = builder.refusal { throw refusal }
        guard isWell, let root = builder.root else {
            throw .invalid(
                place: "\(file):\(max(1, parser.lineNumber))",
                reason: "this is no well-formed XML")
        }
        return root
    }

    /// Owned by one call of `parse`.
    private final class Builder: NSObject, XMLParserDelegate {
        private let file: String
        private var open: [XMLTree] = []
        private var count = 0
        private(set) var root: XMLTree?
        private(set) var refusal: LogbackError?

        init(file: String) { self.file = file }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String] = [:]
        ) {
            let place = "\(file):\(parser.lineNumber)"
            count += 1
            guard count <= ConfigurationLimits.elements, open.count < ConfigurationLimits.depth
            else {
                refusal = .invalid(
                    place: place,
                    reason: "more than \(ConfigurationLimits.elements) elements, or more than "
                        + "\(ConfigurationLimits.depth) of them within each other")
                parser.abortParsing()
                return
            }
            let local = name.split(separator: ":").last.map(String.init) ?? name
            open.append(XMLTree(name: local, attributes: attributes, place: place))
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) {
            guard !open.isEmpty else { return }
            open[open.count - 1].text += string
        }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            guard !open.isEmpty else { return }
            open[open.count - 1].text += String(decoding: block, as: UTF8.self)
        }

        func parser(
            _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
            qualifiedName: String?
        ) {
            guard var done = open.popLast() else { return }
            done.text = done.text.trimmed
            if open.isEmpty { root = done } else { open[open.count - 1].children.append(done) }
        }
    }
}
