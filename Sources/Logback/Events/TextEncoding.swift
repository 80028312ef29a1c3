import Bytes

/// How the text of a file is written, by a name of Java's or IANA's: `MS949`, `x-windows-949`,
/// `EUC-KR`, `UTF-16`, `ISO-8859-1`.
package struct TextEncoding: Sendable, Equatable {
    /// What a character takes at least, and how its bytes stand.
    enum Unit: Equatable, Sendable {
        case one
        case two(bigEndian: Bool)
        case four(bigEndian: Bool)

        var bytes: Int {
            switch self {
            case .one: 1
            case .two: 2
            case .four: 4
            }
        }
    }

    /// The name as the C library knows it.
    package let name: String
    let unit: Unit
    /// The beginning of a file tells the order of bytes.
    private let isOrderOpen: Bool

    private init(name: String, unit: Unit = .one, isOrderOpen: Bool = false) {
        self.name = name
        self.unit = unit
        self.isOrderOpen = isOrderOpen
    }

    package static let utf8 = TextEncoding(name: "UTF-8")

    /// Nil for a name that nobody knows, and for an encoding whose lines do not end in a byte 0x0A or a
    /// character of UTF-16 or UTF-32.
    package init?(_ name: String) {
        let plain = name.lowercased().filter { $0.isLetter || $0.isNumber }
        switch plain {
        // What is no ASCII in a file of ASCII is UTF-8, if anything.
        case "utf8", "unicode11utf8", "ascii", "usascii", "ansix341968": self = .utf8
        case "utf16", "unicode", "ucs2", "iso10646ucs2":
            self.init(name: "UTF-16BE", unit: .two(bigEndian: true), isOrderOpen: true)
        case "utf16le", "xutf16lebom", "unicodelittleunmarked", "unicodelittle":
            self.init(name: "UTF-16LE", unit: .two(bigEndian: false))
        case "utf16be", "unicodebigunmarked", "unicodebig":
            self.init(name: "UTF-16BE", unit: .two(bigEndian: true))
        case "utf32":
            self.init(name: "UTF-32BE", unit: .four(bigEndian: true), isOrderOpen: true)
        case "utf32le", "xutf32lebom": self.init(name: "UTF-32LE", unit: .four(bigEndian: false))
        case "utf32be", "xutf32bebom": self.init(name: "UTF-32BE", unit: .four(bigEndian: true))
        default:
            let known = Self.names[plain] ?? name
            let lineEnd: [UInt8] = [0x0a]
            // An empty name would be the locale's.
            guard !plain.isEmpty, let decoder = TextDecoder(known, isASCIIInside: false),
                lineEnd.withUnsafeBytes({ decoder.decode($0).text }) == lineEnd
            else { return nil }
            self.init(name: known)
        }
    }

    /// Names of Java's whose C name is another. The Korean and Japanese ones are read as their
    /// extensions by Windows, which write everything that they do and more.
    private static let names = [
        "ms949": "CP949", "xwindows949": "CP949", "windows949": "CP949", "cp949": "CP949",
        "euckr": "CP949", "ksc5601": "CP949", "ksc56011987": "CP949", "ksc56011989": "CP949",
        "5601": "CP949", "korean": "CP949", "uhc": "CP949",
        "ms932": "CP932", "windows31j": "CP932", "cswindows31j": "CP932", "shiftjis": "CP932",
        "sjis": "CP932", "xsjis": "CP932", "cp932": "CP932",
        "ms936": "CP936", "xmswin936": "CP936", "gbk": "GBK", "gb2312": "GBK", "gb18030": "GB18030",
        "ms950": "BIG5", "xwindows950": "BIG5", "big5": "BIG5", "eucjp": "EUC-JP",
        "latin1": "ISO-8859-1", "iso88591": "ISO-8859-1", "88591": "ISO-8859-1",
        "cp1252": "CP1252", "windows1252": "CP1252",
    ]

    /// The encoding of a file that begins so: what UTF-16 and UTF-32 leave to the file is decided, by the
    /// mark of byte order, or by where the zeros stand. Java writes the mark of UTF-16 before every event.
    package func resolved(head: [UInt8]) -> TextEncoding {
        guard isOrderOpen, head.count >= unit.bytes else { return self }
        let width = unit.bytes
        let first = head.prefix(width)
        var isBig: Bool
        if first.starts(with: [0xff, 0xfe]) {
            isBig = false
        } else if first.suffix(2) == [0xfe, 0xff] {
            isBig = true
        } else {
            // Most letters of a log have zeros in their upper bytes.
            let upper = stride(from: 0, to: head.count - width + 1, by: width)
            let zeros = upper.reduce(0) { $0 + (head[$1] == 0 ? 1 : 0) }
            let others = upper.reduce(0) { $0 + (head[$1 + width - 1] == 0 ? 1 : 0) }
            isBig = zeros >= others
        }
        let name = "UTF-\(width * 8)\(isBig ? "BE" : "LE")"
        return TextEncoding(
            name: name, unit: width == 2 ? .two(bigEndian: isBig) : .four(bigEndian: isBig))
    }

    /// True while a longer beginning may tell more.
    package var isOpen: Bool { isOrderOpen }

    /// The encoding that a mark of byte order in front of a file tells; nil without one.
    private static func marked(head: [UInt8]) -> TextEncoding? {
        // In this order: the mark of UTF-32 begins as the one of UTF-16 does.
        for name in ["UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"] {
            if let encoding = TextEncoding(name), head.starts(with: encoding.mark) {
                return encoding
            }
        }
        return nil
    }

    /// The character that tells the order of bytes in front of a file; empty where a character is a byte.
    package var mark: [UInt8] {
        switch unit {
        case .one: []
        case .two(let isBig): isBig ? [0xfe, 0xff] : [0xff, 0xfe]
        case .four(let isBig): isBig ? [0, 0, 0xfe, 0xff] : [0xff, 0xfe, 0, 0]
        }
    }

    /// Of a file that begins so: the one that is configured, or what its mark of byte order tells.
    package static func of(head: [UInt8], configured: TextEncoding?) -> TextEncoding {
        configured?.resolved(head: head) ?? marked(head: head) ?? .utf8
    }

    /// The bytes of a line's end.
    package var lineEnd: [UInt8] {
        let zeros = [UInt8](repeating: 0, count: unit.bytes - 1)
        switch unit {
        case .one: return [0x0a]
        case .two(let isBig), .four(let isBig): return isBig ? zeros + [0x0a] : [0x0a] + zeros
        }
    }

    /// A whole text in UTF-8.
    func utf8(_ bytes: [UInt8]) -> [UInt8] {
        let encoding = resolved(head: Array(bytes.prefix(4)))
        guard let decoder = encoding.decoder() else { return bytes }
        return bytes.withUnsafeBytes { decoder.decode($0).text }
    }

    /// Nil for UTF-8, whose bytes go their way as they are.
    func decoder() -> TextDecoder? {
        guard self != .utf8 else { return nil }
        let isStateless = !name.uppercased().hasPrefix("ISO-2022")
        return TextDecoder(name, isASCIIInside: unit == .one && isStateless)
    }
}
