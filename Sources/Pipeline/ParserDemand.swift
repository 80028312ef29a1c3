import LogModel

/// What the stages behind a parser want of it: every label, or some by name.
struct ParserDemand {
    /// Nil wants all.
    private let names: [(name: String, bytes: [UInt8])]?
    /// Labels that end the work of a parser once they are found; nil reads each line to its end.
    private let last: [String]?

    /// Every label there is.
    static let everything = ParserDemand(names: nil, last: nil)

    /// Only these; with `stops` a parser ends when it has found them all, as Loki's do.
    init(_ wanted: Set<String>, stops: Bool) {
        names = wanted.union(
            wanted.filter { $0.hasSuffix(RowLabels.extracted) }.map { String($0.dropLast(10)) }
        ).map { ($0, Array($0.utf8)) }
        last = stops ? Array(wanted) : nil
    }

    private init(names: [(name: String, bytes: [UInt8])]?, last: [String]?) {
        self.names = names
        self.last = last
    }

    /// The label for a key whose bytes are a name already; nil when nobody wants it.
    func label(_ key: UnsafeRawBufferPointer) -> String? {
        guard let names else { return String(decoding: key, as: UTF8.self) }
        for (name, bytes) in names where bytes.count == key.count && bytes.elementsEqual(key) {
            return name
        }
        return nil
    }

    func wants(_ name: String) -> Bool { names?.contains { $0.name == name } ?? true }

    /// True when a parser may stop that has found labels of these names.
    func isMet(by found: Set<String>) -> Bool { last?.allSatisfy(found.contains) ?? false }

    /// True when a parser may stop.
    func isMet(by labels: RowLabels) -> Bool {
        last?.allSatisfy { labels.hasParsed($0) || labels.hasParsed($0 + RowLabels.extracted) }
            ?? false
    }
}

/// True for bytes that are a name as they are: no rule of sanitising applies.
func isPlainName(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let first = bytes.first, !(0x30...0x39).contains(first) else { return false }
    return bytes.allSatisfy {
        $0 == 0x5f || (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
            || (0x61...0x7a).contains($0)
    }
}
