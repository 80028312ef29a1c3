import CExpat

/// Why a document was not read to its end. Lines count from 1.
package enum XMLError: Error, Equatable, Sendable {
    /// In expat's words.
    case malformed(String, line: Int)
    /// A document type that defines entities: how a small file becomes a large one, or another file.
    /// None is ever read.
    case documentType(line: Int)
    /// Its encoding, by name, is not known.
    case encoding(String, line: Int)
    /// The caller had enough.
    case stopped(line: Int)
}

/// Reads an XML document front to back, through expat.
///
/// Owned by one call of `read`.
package final class XMLReader {
    package enum Event {
        case start(name: String, attributes: [String: String])
        case text(String)
        case end
    }

    private let parser: XML_Parser
    private let body: (Event, Int) -> Bool
    private var stop: XMLError?

    /// `body` gets every element and text with its line, and answers whether to go on. `utf8`: gives a document
    /// in an encoding that expat does not know, by its name, as UTF-8; nil where nobody knows it.
    package static func read(
        _ bytes: [UInt8], utf8: (_ encoding: String) -> [UInt8]? = { _ in nil },
        _ body: @escaping (_ event: Event, _ line: Int) -> Bool
    ) throws(XMLError) {
        let reader = XMLReader(encoding: nil, body)
        let code = reader.parse(bytes)
        guard code == XML_ERROR_UNKNOWN_ENCODING else { return try reader.finish(code) }
        let name = declaredEncoding(bytes)
        guard let text = utf8(name) else { throw .encoding(name, line: reader.line) }
        let again = XMLReader(encoding: "UTF-8", body)
        try again.finish(again.parse(text))
    }

    /// `<?xml version="1.0" encoding="EUC-KR"?>`: expat has read it, and does not tell.
    private static func declaredEncoding(_ bytes: [UInt8]) -> String {
        let head = String(
            decoding: bytes.prefix(200).prefix { $0 != UInt8(ascii: ">") }, as: UTF8.self)
        guard let found = head.firstMatch(of: /encoding\s*=\s*["']([^"']*)/) else { return "" }
        return String(found.1)
    }

    private init(encoding: String?, _ body: @escaping (Event, Int) -> Bool) {
        guard let parser = XML_ParserCreate(encoding) else {
            preconditionFailure("expat makes a parser unless memory is out")
        }
        self.parser = parser
        self.body = body
        // The parser lives as long as this object, which outlives the call of `parse`.
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { XMLReader.of($0)?.start($1, $2) },
            { data, _ in XMLReader.of(data)?.tell(.end) })
        XML_SetCharacterDataHandler(parser) { XMLReader.of($0)?.text($1, Int($2)) }
        // `<!DOCTYPE configuration>`, as Logback's manual begins its examples, defines nothing, and what
        // it may name elsewhere is not fetched.
        XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, hasDefinitions in
            if hasDefinitions != 0 { XMLReader.of(data)?.refuseDocumentType() }
        }
    }

    deinit { XML_ParserFree(parser) }

    private static func of(_ data: UnsafeMutableRawPointer?) -> XMLReader? {
        data.map { Unmanaged<XMLReader>.fromOpaque($0).takeUnretainedValue() }
    }

    private var line: Int { Int(XML_GetCurrentLineNumber(parser)) }

    /// Expat's error, or its XML_ERROR_NONE.
    private func parse(_ bytes: [UInt8]) -> XML_Error {
        let status = bytes.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                XML_Parse(parser, bytes.baseAddress, Int32(clamping: bytes.count), 1)
            }
        }
        return status == XML_STATUS_OK ? XML_ERROR_NONE : XML_GetErrorCode(parser)
    }

    private func finish(_ code: XML_Error) throws(XMLError) {
        if let stop { throw stop }
        guard code != XML_ERROR_NONE else { return }
        let words = XML_ErrorString(code).map { String(cString: $0) } ?? "an unknown error"
        throw .malformed(words, line: line)
    }

    private func tell(_ event: Event) {
        guard stop == nil, !body(event, line) else { return }
        stop = .stopped(line: line)
        XML_StopParser(parser, 0)
    }

    private func refuseDocumentType() {
        stop = stop ?? .documentType(line: line)
        XML_StopParser(parser, 0)
    }

    private func start(
        _ name: UnsafePointer<CChar>?,
        _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    ) {
        guard let name, var attributes else { return }
        var values: [String: String] = [:]
        // Names and values by turns, a null behind the last.
        while let key = attributes[0], let value = attributes[1] {
            values[String(cString: key)] = String(cString: value)
            attributes += 2
        }
        tell(.start(name: String(cString: name), attributes: values))
    }

    private func text(_ letters: UnsafePointer<CChar>?, _ count: Int) {
        guard let letters else { return }
        let bytes = UnsafeRawBufferPointer(start: letters, count: count)
        tell(.text(String(decoding: bytes, as: UTF8.self)))
    }
}
