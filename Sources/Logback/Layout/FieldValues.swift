import LogModel

/// Values of a header as metadata of its entry.
enum FieldValues {
    /// As many as servers take with an entry (Loki: 128), with room for configured ones.
    static let maxFields = 96
    /// A longer value stays in the text alone: metadata is for looking up, and servers bound it.
    static let maxValueBytes = 2048

    static func append(
        _ value: UnsafeRawBufferPointer, named name: CompiledLayout.FieldName,
        to labels: inout [Label]
    ) {
        switch name {
        case .key, .correlation:
            let own = name.own
            forEach(value, named: name) { put(own[$0], $1, &labels) }
        case .context: pairs(value, separator: ", ", quote: 0, &labels)
        case .pairs(let quote): pairs(value, separator: " ", quote: quote, &labels)
        }
    }

    /// Calls `body` with the values of a field whose names the layout tells, those that are metadata:
    /// each with the place of its name in `own`.
    static func forEach(
        _ value: UnsafeRawBufferPointer, named name: CompiledLayout.FieldName,
        _ body: (Int, UnsafeRawBufferPointer) -> Void
    ) {
        func tell(_ place: Int, _ value: UnsafeRawBufferPointer) {
            if isTold(value) { body(place, value) }
        }
        switch name {
        case .key(_, let omitted):
            if !value.elementsEqual(omitted.utf8) { tell(0, value) }
        case .correlation:
            guard let dash = value.lastIndex(of: UInt8(ascii: "-")) else { return }
            tell(0, UnsafeRawBufferPointer(rebasing: value[..<dash]))
            tell(1, UnsafeRawBufferPointer(rebasing: value[(dash + 1)...]))
        case .context, .pairs: return
        }
    }

    private static func isTold(_ value: UnsafeRawBufferPointer) -> Bool {
        value.count <= maxValueBytes && value.contains { $0 != 0x20 }
    }

    static func put(_ key: String, _ value: UnsafeRawBufferPointer, _ labels: inout [Label]) {
        guard isTold(value), labels.count < maxFields else { return }
        labels.append(Label(key, String(decoding: value, as: UTF8.self)))
    }

    /// A value whose name the application has made up: one that stands there already is not replaced.
    static func putOwn(
        _ key: String, _ value: UnsafeRawBufferPointer, _ labels: inout [Label]
    ) {
        if !labels.contains(where: { $0.name == key }) { put(key, value, &labels) }
    }

    /// The quote that `%kvp` writes; 0 for none. Logback takes the option in any case of letters.
    static func quote(_ word: ConversionWord) -> UInt8 {
        switch word.options.first?.uppercased() {
        case "SINGLE": UInt8(ascii: "'")
        case "NONE": 0
        default: UInt8(ascii: "\"")
        }
    }

    /// Where the first, the second … of pairs that begin at an offset ends, each behind a blank. A value
    /// may hold its quote, which ends it in front of a blank, of `mark` and of the end of the text.
    static func ends(
        ofPairs text: UnsafeRawBufferPointer, from start: Int, quote: UInt8, mark: UInt8?
    ) -> [Int] {
        var ends: [Int] = []
        var at = start
        while ends.count < maxFields, let key = key(in: text, at, quote) {
            var end = key.end
            if quote == 0 {
                while end < text.count, text[end] != 0x20, text[end] != mark { end += 1 }
            } else {
                while end < text.count {
                    let next = end + 1 < text.count ? text[end + 1] : 0x20
                    if text[end] == quote, next == 0x20 || next == mark { break }
                    end += 1
                }
                guard end < text.count else { break }
                end += 1
            }
            ends.append(end)
            guard end < text.count, text[end] == 0x20 else { break }
            at = end + 1
        }
        return ends
    }

    /// `k=v, k2=v2` or `k="v" k2="v2"`. A value may hold the separator: what stands behind one and
    /// does not begin as a pair belongs to the value before it.
    private static func pairs(
        _ text: UnsafeRawBufferPointer, separator: String, quote: UInt8, _ labels: inout [Label]
    ) {
        let separator = Array(separator.utf8)
        var at = 0
        while at < text.count, let key = key(in: text, at, quote) {
            var end = key.end
            while end < text.count {
                let isClosed = quote == 0 || (end > key.end && text[end - 1] == quote)
                if isClosed, text[end...].starts(with: separator),
                    Self.key(in: text, end + separator.count, quote) != nil
                {
                    break
                }
                end += 1
            }
            let last = quote != 0 && end > key.end && text[end - 1] == quote ? end - 1 : end
            putOwn(
                LayoutCompiler.fieldName(key.name),
                UnsafeRawBufferPointer(rebasing: text[key.end..<last]), &labels)
            at = end + separator.count
        }
    }

    private static let maxKeyBytes = 128

    /// A key, and where its value begins.
    private static func key(
        in text: UnsafeRawBufferPointer, _ start: Int, _ quote: UInt8
    ) -> (name: String, end: Int)? {
        var at = start
        while at < text.count, at - start < maxKeyBytes, isKeyByte(text[at]) { at += 1 }
        guard at > start, at < text.count, text[at] == UInt8(ascii: "=") else { return nil }
        let name = String(decoding: text[start..<at], as: UTF8.self)
        at += 1
        guard quote != 0 else { return (name, at) }
        return at < text.count && text[at] == quote ? (name, at + 1) : nil
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 0x2d, 0x2e, 0x5f, 0x80...: true
        default: false
        }
    }
}
