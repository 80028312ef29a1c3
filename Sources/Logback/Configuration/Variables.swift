/// The variables of a configuration, `${name:-default}`, looked up as Logback does: what the
/// configuration defines, system properties, the environment.
///
/// What only the running application knows (its process id, the moment it started, values that one of
/// its classes computes) is put in as a mark, which later becomes a free text of a layout or a `*` of
/// a path.
package struct Variables {
    /// What Logback puts behind a name that nobody defines.
    package static let undefinedMark = "_IS_UNDEFINED"
    /// Private letters around the name of a variable that is not known from outside.
    static let open: Character = "\u{E000}"
    static let close: Character = "\u{E001}"

    private(set) var defined: [String: Derived<String>] = [:]
    /// What is asked when the configuration does not define a name.
    var outer: (String) -> Derived<String>?

    init(outer: @escaping (String) -> Derived<String>?) { self.outer = outer }

    mutating func define(_ name: String, _ value: Derived<String>) {
        defined[name] = value
        computed.remove(name)
    }

    /// Of those that nobody knows: where a default stands beside the name, it counts.
    private var computed: Set<String> = []

    /// What nobody defines is a mark, too.
    var takesUndefinedAsUnknown = false

    /// A variable whose value a class of the application computes.
    mutating func defineComputed(_ name: String, _ origin: String) {
        defineUnknown(name, origin)
        computed.insert(name)
    }

    mutating func defineUnknown(_ name: String, _ origin: String) {
        defined[name] = Derived(Self.mark(name), origin)
    }

    private static func mark(_ name: String) -> String { "\(open)\(name)\(close)" }

    func lookup(_ name: String) -> Derived<String>? { defined[name] ?? outer(name) }

    /// A text with its variables put in.
    struct Substituted {
        var text = ""
        /// The variables that were used, with their origins, in the order of use.
        var uses: [String] = []
        /// Names that nobody defines.
        var undefined: [String] = []
        fileprivate var lookups = 0
    }

    /// Errors: a variable that needs itself, or more than the bounds allow. `place`: for their text.
    func substitute(_ text: String, at place: String) throws(LogbackError) -> Substituted {
        var result = Substituted()
        result.text = try expand(Array(text)[...], place, [], &result)
        return result
    }

    private func expand(
        _ text: ArraySlice<Character>, _ place: String, _ path: [String],
        _ result: inout Substituted
    ) throws(LogbackError) -> String {
        guard path.count < ConfigurationLimits.substitutionDepth else {
            throw .invalid(
                place: place,
                reason: "variables stand more than \(ConfigurationLimits.substitutionDepth) deep")
        }
        var out = ""
        var size = 0
        var at = text.startIndex
        while at < text.endIndex {
            let piece: String
            if text[at] == "$", at + 1 < text.endIndex, text[at + 1] == "{",
                let end = Self.closing(text, at + 2)
            {
                piece = try value(text[(at + 2)..<end], place, path, &result)
                at = end + 1
            } else {
                piece = String(text[at])
                at += 1
            }
            size += piece.utf8.count
            guard size <= ConfigurationLimits.valueBytes else {
                throw .invalid(
                    place: place,
                    reason: "with its variables put in, the value is longer than "
                        + "\(ConfigurationLimits.valueBytes >> 10) KiB")
            }
            out += piece
        }
        return out
    }

    /// Where the brace that was opened before `start` is closed; other braces stand in pairs.
    private static func closing(_ text: ArraySlice<Character>, _ start: Int) -> Int? {
        var depth = 0
        for at in start..<text.endIndex {
            if text[at] == "{" { depth += 1 }
            if text[at] == "}" {
                if depth == 0 { return at }
                depth -= 1
            }
        }
        return nil
    }

    private func value(
        _ inner: ArraySlice<Character>, _ place: String, _ path: [String],
        _ result: inout Substituted
    ) throws(LogbackError) -> String {
        let cut = Self.defaultMark(inner)
        let raw = inner[..<(cut ?? inner.endIndex)]
        let name = try expand(raw, place, path + [String(raw)], &result).trimmed
        result.lookups += 1
        guard result.lookups <= ConfigurationLimits.lookups else {
            throw .invalid(
                place: place, reason: "more than \(ConfigurationLimits.lookups) variables")
        }
        if path.contains(name) && defined[name] != nil {
            throw .invalid(place: place, reason: "the variable \"\(name)\" needs itself")
        }
        if let found = lookup(name), cut == nil || !computed.contains(name) {
            let use = "\(name) from \(found.origin)"
            if !result.uses.contains(use) { result.uses.append(use) }
            return try expand(Array(found.value)[...], place, path + [name], &result)
        }
        guard let cut else {
            if takesUndefinedAsUnknown { return Self.mark(name) }
            if !result.undefined.contains(name) { result.undefined.append(name) }
            return name + Self.undefinedMark
        }
        return try expand(inner[(cut + 2)...], place, path + [":" + name], &result)
    }

    /// The `:-` of this variable, not of one within.
    private static func defaultMark(_ inner: ArraySlice<Character>) -> Int? {
        var depth = 0
        for at in inner.indices {
            if inner[at] == "{" { depth += 1 }
            if inner[at] == "}" { depth -= 1 }
            if depth == 0, inner[at] == ":", at + 1 < inner.endIndex, inner[at + 1] == "-" {
                return at
            }
        }
        return nil
    }
}
