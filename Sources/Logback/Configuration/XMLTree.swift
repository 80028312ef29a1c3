import Bytes

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

    /// Reads a document. `file`: for the places of its elements.
    static func parse(_ bytes: [UInt8], file: String) throws(LogbackError) -> XMLTree {
        guard bytes.count <= ConfigurationLimits.fileBytes else {
            throw .unreadable(
                path: file, reason: "more than \(ConfigurationLimits.fileBytes >> 20) MiB of XML")
        }
        var open: [XMLTree] = []
        var root: XMLTree?
        var count = 0
        do {
            try XMLReader.read(bytes, utf8: { TextEncoding($0)?.utf8(bytes) }) { event, line in
                switch event {
                case .start(let name, let attributes):
                    count += 1
                    guard count <= ConfigurationLimits.elements,
                        open.count < ConfigurationLimits.depth
                    else { return false }
                    let local = name.split(separator: ":").last.map(String.init) ?? name
                    open.append(
                        XMLTree(name: local, attributes: attributes, place: "\(file):\(line)"))
                case .text(let text):
                    if !open.isEmpty { open[open.count - 1].text += text }
                case .end:
                    guard var done = open.popLast() else { return true }
                    done.text = done.text.trimmed
                    if open.isEmpty {
                        root = done
                    } else {
                        open[open.count - 1].children.append(done)
                    }
                }
                return true
            }
        } catch { throw Self.error(error, file) }
        guard let root else {
            throw .invalid(place: "\(file):1", reason: "this is no well-formed XML: it is empty")
        }
        return root
    }

    private static func error(_ error: XMLError, _ file: String) -> LogbackError {
        switch error {
        case .malformed(let words, let line):
            .invalid(place: "\(file):\(line)", reason: "this is no well-formed XML: \(words)")
        case .encoding(let name, let line):
            .invalid(
                place: "\(file):\(line)",
                reason: "the encoding \(name) is not known here: save it as UTF-8, and say so")
        case .documentType(let line):
            .invalid(
                place: "\(file):\(line)",
                reason: "a document type that defines something is refused: remove "
                    + "<!DOCTYPE …> and its entities")
        case .stopped(let line):
            .invalid(
                place: "\(file):\(line)",
                reason: "more than \(ConfigurationLimits.elements) elements, or more than "
                    + "\(ConfigurationLimits.depth) of them within each other")
        }
    }
}
