/// A line of a text that may be one of a stack trace. Offsets are of the text.
struct TraceLine {
    enum Kind {
        /// `Caused by: NAME: …`
        case cause(Range<Int>)
        /// `Wrapped by: NAME: …`, where the root cause comes first.
        case wrapper(Range<Int>)
        case suppressed
        case frame(TraceFrame)
        case other
    }

    /// Without the end of the line.
    let range: Range<Int>
    /// Tabs and blanks in front.
    let indent: Int

    private static let at = Array("at ".utf8)
    private static let causedBy = Array("Caused by: ".utf8)
    private static let wrappedBy = Array("Wrapped by: ".utf8)
    private static let suppressed = Array("Suppressed: ".utf8)

    /// The line at an offset, which moves behind it; nil at the end.
    static func next(in text: UnsafeRawBufferPointer, _ at: inout Int) -> TraceLine? {
        guard at < text.count else { return nil }
        let start = at
        let found = text[at...].firstIndex(of: 0x0a)
        var end = found ?? text.count
        at = (found ?? text.count - 1) + 1
        if end > start, text[end - 1] == 0x0d { end -= 1 }
        var first = start
        while first < end, text[first] == 0x09 || text[first] == 0x20 { first += 1 }
        return TraceLine(range: start..<end, indent: first - start)
    }

    private var body: Range<Int> { (range.lowerBound + indent)..<range.upperBound }

    func isFrame(of text: UnsafeRawBufferPointer) -> Bool {
        if case .frame = kind(of: text) { true } else { false }
    }

    /// The class that the line begins with, behind tabs and blanks.
    func throwable(of text: UnsafeRawBufferPointer) -> Range<Int>? {
        ClassName.range(in: text, body)
    }

    func kind(of text: UnsafeRawBufferPointer) -> Kind {
        let body = body
        guard let first = text[body].first else { return .other }
        switch first {
        case UInt8(ascii: "a"):
            guard indent > 0, let rest = behind(Self.at, in: text) else { return .other }
            return TraceFrame(in: text, rest).map { .frame($0) } ?? .other
        case UInt8(ascii: "C"):
            guard let rest = behind(Self.causedBy, in: text) else { return .other }
            return ClassName.range(in: text, rest).map { .cause($0) } ?? .other
        case UInt8(ascii: "W"):
            guard let rest = behind(Self.wrappedBy, in: text) else { return .other }
            return ClassName.range(in: text, rest).map { .wrapper($0) } ?? .other
        case UInt8(ascii: "S"):
            return indent > 0 && behind(Self.suppressed, in: text) != nil ? .suppressed : .other
        default: return .other
        }
    }

    private func behind(_ word: [UInt8], in text: UnsafeRawBufferPointer) -> Range<Int>? {
        let body = body
        guard text[body].starts(with: word) else { return nil }
        return (body.lowerBound + word.count)..<body.upperBound
    }
}

/// `[loader/module@version/]package.Class.method(File.java:12)`.
struct TraceFrame {
    /// Class and method, without loader and module.
    let method: Range<Int>
    /// The same with what stands in the brackets.
    let whole: Range<Int>

    init?(in text: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard let open = text[range].firstIndex(of: UInt8(ascii: "(")),
            let close = text[open..<range.upperBound].firstIndex(of: UInt8(ascii: ")")),
            let dot = text[range.lowerBound..<open].lastIndex(of: UInt8(ascii: ".")),
            dot > range.lowerBound
        else { return nil }
        var start = range.lowerBound
        // Names of hidden classes have a slash of their own: `Pay$$Lambda$14/0x0000.run`.
        let name = range.lowerBound..<open
        let hidden = Self.find("$$Lambda", in: text, name) ?? Self.find(Self.hidden, in: text, name)
        if let slash = text[start..<(hidden ?? open)].lastIndex(of: UInt8(ascii: "/")) {
            start = slash + 1
        }
        method = start..<open
        whole = start..<(close + 1)
    }

    /// In front of the address of a class without a name that others could use.
    private static let hidden = "/0x"

    /// What the machine makes at run time, and how it calls it: there one day and not the other.
    private static let generated = [
        hidden, "$$Lambda", "$$EnhancerBy", "$$FastClassBy", "$$SpringCGLIB$$", "$$KeyFactoryBy",
        "$HibernateProxy$", "$HibernateBasicProxy$", "$ByteBuddy$", "$MockitoMock$", "_$$_jvst",
        "_$$_javassist",
        "_ClientProxy.", "$Proxy$_$$_", "GeneratedMethodAccessor", "GeneratedConstructorAccessor",
        "GeneratedSerializationConstructorAccessor",
    ]
    private static let machinery = [
        "java.lang.reflect.", "java.lang.invoke.", "jdk.internal.reflect.", "sun.reflect.",
        "org.springframework.aop.", "org.springframework.cglib.", "net.sf.cglib.",
        "com.sun.proxy.", "jdk.proxy",
    ].map { Array($0.utf8) }
    private static let proxy = Array("$Proxy".utf8)

    func isGenerated(in text: UnsafeRawBufferPointer) -> Bool {
        let name = text[method]
        if Self.machinery.contains(where: { name.starts(with: $0) }) { return true }
        guard name.contains(where: { "$G_/".utf8.contains($0) }) else { return false }
        if Self.generated.contains(where: { Self.find($0, in: text, method) != nil }) {
            return true
        }
        // `$Proxy12`, in any package.
        guard let at = Self.find("$Proxy", in: text, method) else { return false }
        let behind = at + Self.proxy.count
        return behind < method.upperBound && (48...57).contains(text[behind])
    }

    private static func find(
        _ word: String, in text: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> Int? {
        let word = word.utf8
        guard let first = word.first else { return nil }
        var at = range.lowerBound
        while let hit = text[at..<range.upperBound].firstIndex(of: first) {
            if text[hit..<range.upperBound].starts(with: word) { return hit }
            at = hit + 1
        }
        return nil
    }
}

/// Names of Java's classes in a text.
enum ClassName {
    /// The longest that people have seen are of generated code; a longer word is none.
    private static let maxBytes = 512
    private static let usualEnds = ["Exception", "Error", "Throwable"].map { Array($0.utf8) }

    /// A name at the start of a range, with a colon behind it, or nothing.
    static func range(in text: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int>? {
        var at = range.lowerBound
        guard at < range.upperBound, isLetter(text[at]) else { return nil }
        while at < range.upperBound, at - range.lowerBound <= maxBytes,
            isLetter(text[at]) || (48...57).contains(text[at]) || text[at] == UInt8(ascii: ".")
        {
            at += 1
        }
        guard at - range.lowerBound <= maxBytes, text[at - 1] != UInt8(ascii: "."),
            at == range.upperBound || text[at] == UInt8(ascii: ":")
        else { return nil }
        return range.lowerBound..<at
    }

    /// True for `…Exception`, `…Error`, `…Throwable`.
    static func isUsual(_ name: Range<Int>, of text: UnsafeRawBufferPointer) -> Bool {
        usualEnds.contains { text[name].suffix($0.count).elementsEqual($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }
}
