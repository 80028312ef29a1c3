import Bytes
import Foundation
import LogModel

/// Functions that read and write other notations.
extension TemplateFunctions {
    static let codecs: [String: TemplateFunction] = [
        "b64enc": TemplateFunction([.text]) { .text(Data($0.text(0)).base64EncodedString()) },
        "b64dec": TemplateFunction([.text]) { .text(decodedBase64($0.text(0))) },
        "urlencode": TemplateFunction([.text]) { .text(escapedQuery($0.text(0))) },
        "urldecode": TemplateFunction([.text]) { call throws(TemplateError) in
            .text(try unescapedQuery(call.text(0)))
        },
        "fromJson": TemplateFunction([.text]) { parsedJSON($0.text(0)) },
    ]

    /// Adds the padding that is missing; bad input gives the text of the error, as in Loki.
    private static func decodedBase64(_ text: [UInt8]) -> [UInt8] {
        let bare = text.filter { $0 != 0x0a && $0 != 0x0d }
        let padded = bare + repeatElement(UInt8(ascii: "="), count: (4 - bare.count % 4) % 4)
        if let data = Data(base64Encoded: Data(padded)) { return [UInt8](data) }
        let isBase64: (UInt8) -> Bool = {
            GoText.isWord($0) && $0 != 0x5f || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/")
        }
        let place = padded.firstIndex { !isBase64($0) } ?? padded.count
        return Array("illegal base64 data at input byte \(place)".utf8)
    }

    /// `url.QueryEscape`.
    static func escapedQuery(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for byte in text {
            if GoText.isWord(byte)
                || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "~")]
                    .contains(byte)
            {
                out.append(byte)
            } else if byte == 0x20 {
                out.append(UInt8(ascii: "+"))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                out += "%\(hex.count < 2 ? "0" : "")\(hex)".utf8
            }
        }
        return out
    }

    private static func unescapedQuery(_ text: [UInt8]) throws(TemplateError) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at < text.count {
            switch text[at] {
            case UInt8(ascii: "%"):
                let digits = text[(at + 1)...].prefix(2)
                let hex = String(decoding: digits, as: UTF8.self)
                guard digits.count == 2, hex.first != "+", hex.first != "-",
                    let byte = UInt8(hex, radix: 16)
                else {
                    throw TemplateError("error calling urldecode: invalid URL escape \"%\(hex)\"")
                }
                out.append(byte)
                at += 3
            case UInt8(ascii: "+"):
                out.append(0x20)
                at += 1
            default:
                out.append(text[at])
                at += 1
            }
        }
        return out
    }

    /// Nothing when the text is no JSON.
    private static func parsedJSON(_ text: [UInt8]) -> TemplateValue {
        text.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, maxNesting: Limits.maxNesting)
            guard let first = try? reader.next(), let value = try? json(&reader, first),
                let end = try? reader.next(), end == .end
            else { return .none }
            return value
        }
    }

    /// Recursion no deeper than the reader's own bound on nesting.
    private static func json(
        _ reader: inout JSONReader, _ token: JSONToken
    ) throws(BytesError) -> TemplateValue {
        switch token {
        case .string(let range, _): return .text(try bytes(reader, range))
        case .number(let range):
            let text = String(decoding: try bytes(reader, range), as: UTF8.self)
            return .float(Double(text) ?? 0)
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .arrayStart:
            var values: [TemplateValue] = []
            while true {
                let next = try reader.next()
                if next == .arrayEnd { return .list(values) }
                values.append(try json(&reader, next))
            }
        case .objectStart:
            var values: [String: TemplateValue] = [:]
            while case .key(let range, _) = try reader.next() {
                let key = String(decoding: try bytes(reader, range), as: UTF8.self)
                values[key] = try json(&reader, try reader.next())
            }
            return .map(values)
        default: return .none
        }
    }

    private static func bytes(
        _ reader: JSONReader, _ range: Range<Int>
    ) throws(BytesError) -> [UInt8] {
        var out: [UInt8] = []
        try reader.unescape(range, into: &out)
        return out
    }
}
