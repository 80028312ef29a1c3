extension Labels: CustomStringConvertible {
    package var description: String {
        var text: [UInt8] = []
        appendText(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// `{app="shop", host="blue-1"}`: the way Loki prints a label set.
    package func appendText(to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (place, label) in pairs.enumerated() {
            if place > 0 { out.append(bytesOf: ", ") }
            out.append(bytesOf: label.name)
            out.append(UInt8(ascii: "="))
            if isPlain(label.value) {
                out.append(UInt8(ascii: "\""))
                out.append(bytesOf: label.value)
                out.append(UInt8(ascii: "\""))
            } else {
                out.append(bytesOf: quoted(label.value))
            }
        }
        out.append(UInt8(ascii: "}"))
    }
}

extension [UInt8] {
    /// At once, where `append(contentsOf:)` would go from byte to byte.
    fileprivate mutating func append(bytesOf text: String) {
        let done: Void? = text.utf8.withContiguousStorageIfAvailable { append(contentsOf: $0) }
        if done == nil { append(contentsOf: text.utf8) }
    }
}

/// A string in double quotes with the escapes of Go's `strconv.Quote`, for printing labels.
package func quoted(_ text: String) -> String {
    if isPlain(text) { return "\"" + text + "\"" }
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\r": out += "\\r"
        case "\t": out += "\\t"
        case "\u{07}": out += "\\a"
        case "\u{08}": out += "\\b"
        case "\u{0c}": out += "\\f"
        case "\u{0b}": out += "\\v"
        default:
            if scalar.value < 0x20 || scalar.value == 0x7f {
                let hex = String(scalar.value, radix: 16)
                out += "\\x" + (hex.count < 2 ? "0" : "") + hex
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
    }
    return out + "\""
}

/// True when nothing of a string needs an escape.
private func isPlain(_ text: String) -> Bool {
    text.utf8.withContiguousStorageIfAvailable {
        $0.allSatisfy {
            $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
    } ?? false
}

extension Labels {
    /// The label set of a text as `description` writes it; nil for any other text. Names have no
    /// quotation marks.
    package init?(description text: String) {
        var text = text
        let pairs = text.withUTF8 { bytes -> [Label]? in
            var reading = LabelReading(text: UnsafeRawBufferPointer(bytes))
            return reading.pairs()
        }
        guard let pairs else { return nil }
        self.init(sorted: pairs)
    }
}

/// Reads what `Labels.appendText` writes.
private struct LabelReading {
    let text: UnsafeRawBufferPointer
    private var at = 0

    init(text: UnsafeRawBufferPointer) { self.text = text }

    mutating func pairs() -> [Label]? {
        guard take("{") else { return nil }
        var pairs: [Label] = []
        while at < text.count - 1 || !take("}") {
            guard pairs.isEmpty || take(", "), let name = name(), let value = value() else {
                return nil
            }
            pairs.append(Label(name, value))
        }
        return at == text.count ? pairs : nil
    }

    private mutating func take(_ mark: StaticString) -> Bool {
        let mark = UnsafeRawBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
        guard text[at...].starts(with: mark) else { return false }
        at += mark.count
        return true
    }

    private mutating func name() -> String? {
        var end = at
        while end + 1 < text.count {
            if text[end] == UInt8(ascii: "="), text[end + 1] == 0x22 {
                defer { at = end + 1 }
                return String(decoding: text[at..<end], as: UTF8.self)
            }
            end += 1
        }
        return nil
    }

    private mutating func value() -> String? {
        guard take("\"") else { return nil }
        var value: [UInt8] = []
        while let end = text[at...].firstIndex(where: { $0 == 0x22 || $0 == 0x5c }) {
            value.append(contentsOf: text[at..<end])
            at = end + 1
            if text[end] == 0x22 { return String(decoding: value, as: UTF8.self) }
            guard let byte = escaped() else { return nil }
            value.append(byte)
        }
        return nil
    }

    private static let escapes: [UInt8: UInt8] = [
        0x22: 0x22, 0x5c: 0x5c, UInt8(ascii: "n"): 0x0a, UInt8(ascii: "r"): 0x0d,
        UInt8(ascii: "t"): 0x09, UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08,
        UInt8(ascii: "f"): 0x0c, UInt8(ascii: "v"): 0x0b,
    ]

    /// The byte that the escape behind a backslash stands for.
    private mutating func escaped() -> UInt8? {
        guard at < text.count else { return nil }
        defer { at += 1 }
        if let byte = Self.escapes[text[at]] { return byte }
        guard text[at] == UInt8(ascii: "x"), at + 2 < text.count else { return nil }
        defer { at += 2 }
        return UInt8(String(decoding: text[at + 1...at + 2], as: UTF8.self), radix: 16)
    }
}
