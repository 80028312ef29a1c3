import Bytes
import LogModel
import Regexp

/// Something that must not leave the machine, and what is shipped in its place.
///
///     redact: [cards, tokens, email, rrn, { name: phone, regex: '01\d-\d{4}-\d{4}', with: '<phone>' }]
package struct Redaction: Sendable {
    package enum Known: String, CaseIterable, Sendable {
        /// Numbers of payment cards: a known prefix, its length, and the check digit.
        case cards
        /// Bearer and basic credentials, JSON web tokens, keys of AWS, GitHub, Slack and others; tokens, keys,
        /// passwords and sessions of `name=value`, of JSON, and of labels and metadata that are called so.
        case tokens
        case email
        /// Korean resident registration numbers.
        case rrn
    }

    private enum Way: Sendable {
        case digits(@Sendable (ArraySlice<UInt8>, Bool) -> Bool)
        /// `first`: a byte that must occur; `usually`: an expression that matches when one of the
        /// patterns does.
        case patterns([(Regexp, [UInt8])], first: UInt8?, usually: Regexp?)
    }

    private let way: Way
    private let mark: [UInt8]
    /// Labels and metadata whose names match are hidden, whatever their values are.
    private let names: Regexp?

    package init(_ known: Known) throws(RegexpError) {
        names = known == .tokens ? try Regexp(Self.secretNames) : nil
        switch known {
        case .cards:
            way = .digits(CardNumber.isCard)
            mark = Array("<card>".utf8)
        case .rrn:
            way = .digits(ResidentNumber.isNumber)
            mark = Array("<rrn>".utf8)
        case .email:
            mark = Array("<email>".utf8)
            // Of letters of any script, as RFC 6531 has them; words of another one that stand in front
            // of an address are none of it.
            let address = try Regexp(
                #"(?:[\p{Latin}0-9._%+-]+|[\#(Self.otherScripts)0-9]+)@(?:[\p{L}\p{N}-]+\.){1,8}"#
                    + #"(?:[A-Za-z]{2,24}|\p{L}\p{L}+)"#)
            way = .patterns([(address, mark)], first: UInt8(ascii: "@"), usually: nil)
        case .tokens:
            mark = Array("<token>".utf8)
            var patterns: [(Regexp, [UInt8])] = []
            for text in Self.namedTokens {
                patterns.append((try Regexp(text), Array("${1}<token>".utf8)))
            }
            for text in Self.bareTokens { patterns.append((try Regexp(text), mark)) }
            patterns.append((try Regexp(Self.userInfo), Array("${1}<token>@".utf8)))
            patterns.append((try Regexp(Self.numberOfJSON), Array("${1}\"<token>\"".utf8)))
            let all = Self.bareTokens + Self.namedTokens + [Self.userInfo, Self.numberOfJSON]
            let any = try Regexp(all.map { "(?:\($0))" }.joined(separator: "|"))
            way = .patterns(patterns, first: nil, usually: any)
        }
    }

    /// `replacement`: `${1}` stands for a group.
    init(_ regexp: Regexp, named name: String, with replacement: String?) {
        let replacement = replacement ?? "<\(name)>"
        // Groups are those of a match in the text.
        mark = Array((replacement.contains("$") ? "<\(name)>" : replacement).utf8)
        names = nil
        way = .patterns([(regexp, Array(replacement.utf8))], first: nil, usually: regexp)
    }

    private static let otherScripts =
        #"\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Thai}\p{M}"#
    private static let bareTokens = [
        // Three parts, the first of which is an object in Base64.
        #"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"#,
        #"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"#,
        #"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"#,
        #"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"#,
        // Google, GitLab, Stripe, and those that begin as OpenAI's.
        #"\bAIza[A-Za-z0-9_-]{35}"#, #"\bglpat-[A-Za-z0-9_-]{20,}"#,
        #"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"#, #"\bsk-[A-Za-z0-9_-]{20,}"#,
    ]
    private static let namedTokens = [
        // First: what others put in the place of a token looks as an element.
        #"(?i)(<[\w.:-]*\#(secretName)(?:\s[^<>\n]*)?>(?:<!\[CDATA\[)?)"#
            + #"[^\s<>\]](?:[^<>\]\n]|\][^<>\]\n])*"#,
        // Digest's and Amazon's are several values.
        #"(?i)\b((?:proxy-)?authorization["']?[ \t]*[:=][ \t]*["']?(?:[a-z0-9-]+[ \t]+)?)"#
            + #"(?:\w+=\#(parameter)(?:,[ \t]*\w+=\#(parameter))*|[A-Za-z0-9._~+/-]{4,}=*)"#,
        #"(?i)\b(bearer[ \t]+)[A-Za-z0-9._~+/-]{16,}=*"#,
        #"(?i)\b(aws_?secret_?(?:access_?)?key["']?[ \t]*[:=][ \t]*["']?)[A-Za-z0-9/+]{40}"#,
        #"(?i)\b((?:access|refresh|id|auth|session|api)[_-]?(?:token|key)["']?[ \t]*[:=][ \t]*["']?)"#
            + #"[A-Za-z0-9._~+/-]{8,}=*"#,
        // Of these the name is enough, whatever the value is; `token: x` may be a sentence, unless x is long.
        #"(?i)(\#(secretName)[ \t]*=[ \t]*)"# + secretValue,
        #"(?i)(\#(tellingName)[ \t]*:[ \t]*)"# + secretValue,
        #"(?i)(\s--[\w-]*\#(secretName)[ \t]+)"# + secretValue,
        // A key of RFC 7468, on one line or on many.
        #"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]+"#,
        #"(?i)(token[ \t]*:[ \t]*)[A-Za-z0-9._~+/-]{16,}=*"#,
        // A path is none: PWD is the folder of a shell, too.
        #"(?i)\b(pwd=)[^\s/"'&,;<>(){}\[\]][^\s"'&,;<>(){}\[\]]*"#,
        #"(?i)("[\w.-]*\#(secretName)"[ \t]*:[ \t]*")(?:[^"\\\n]|\\.)+"#,
        #"(?i)('[\w.-]*\#(secretName)'[ \t]*:[ \t]*')(?:[^'\\\n]|\\.)+"#,
        // JSON within a text of JSON.
        #"(?i)(\\"[\w.-]*\#(secretName)\\"[ \t]*:[ \t]*\\")[^"\\\n]+"#,
    ]
    /// What stays JSON needs quotes.
    private static let numberOfJSON =
        #"(?i)("[\w.-]*\#(secretName)"[ \t]*:[ \t]*)-?[0-9][0-9.e+-]*"#
    private static let parameter = #"(?:\\?"[^"\\\n]*\\?"|[^\s,"'}\]]+)"#
    private static let tellingName =
        "(?:secret|password|passwd|passphrase|j?session[ _]?id|phpsessid)"
    private static let secretName = "(?:token|\(tellingName))"
    private static let secretNames =
        "(?i)(?:\(secretName)|authorization|(?:api|access|secret)[_-]?key)$"
    /// Quoted on one line, also within a text of JSON, or up to what ends a value.
    private static let secretValue =
        #"(?:"(?:[^"\\\n]|\\.)+"|'(?:[^'\\\n]|\\.)+'|\\"[^"\\\n]+\\"|"#
        + #"(?:[^\s"'\\&,;<>(){}\[\]]|\\[^\s"'])+)"#
    /// Of an address: `postgres://shop:password@db`.
    private static let userInfo = #"\b([A-Za-z][A-Za-z0-9+.-]*://[^\s/@:"'?#]*:)[^\s/@"'?#]+@"#

    /// In the text, the metadata and the labels. What is hidden in the text is hidden in them, too, where it
    /// comes from the text: there the words that tell it may be missing. `taken`: labels that do.
    func apply(to item: inout Shipment.Item, taken: Set<String>) {
        let (text, without) = (item.text, redacted(item.text))
        if let without { item.text = without }
        func isHidden(_ value: [UInt8]) -> Bool {
            guard let without, value.count >= Self.fewestHidden else { return false }
            return Self.stands(value, in: text) && !Self.stands(value, in: without)
        }
        let metadata = redacted(item.metadata) { $0 != Self.level && isHidden($1) }
        if let metadata { item.metadata = metadata }
        let labels = redacted(item.labels) { taken.contains($0) && isHidden($1) }
        if let labels { item.labels = labels }
    }

    /// It is the header's, whatever word of a secret it may be.
    private static let level = "level"
    /// Shorter values stand anywhere.
    private static let fewestHidden = 4

    /// Whether a value stands in a text by itself, not as a part of a longer word.
    private static func stands(_ value: [UInt8], in text: [UInt8]) -> Bool {
        let search = ByteSearch(value)
        return text.withUnsafeBytes { text in
            var at = 0
            while let found = search.find(in: text, from: at) {
                let end = found + value.count
                let isOpen = found > 0 && isWord(text[found - 1])
                if !isOpen, end == text.count || !isWord(text[end]) { return true }
                at = found + 1
            }
            return false
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || byte >= 0x80
    }

    private func redacted(_ labels: Labels, _ isHidden: (String, [UInt8]) -> Bool) -> Labels? {
        var pairs = labels.pairs
        var isChanged = false
        for index in pairs.indices {
            let value = Array(pairs[index].value.utf8)
            let isNamed = !value.isEmpty && names?.matches(pairs[index].name) == true
            let found =
                isNamed
                ? mark : redacted(value) ?? (isHidden(pairs[index].name, value) ? mark : nil)
            guard let found else { continue }
            pairs[index].value = String(decoding: found, as: UTF8.self)
            isChanged = true
        }
        return isChanged ? Labels(pairs) : nil
    }

    /// Nil when there was nothing.
    package func redacted(_ text: [UInt8]) -> [UInt8]? {
        switch way {
        case .digits(let isMeant): return DigitRuns.replacing(in: text, with: mark, isMeant)
        case .patterns(let patterns, let first, let usually):
            let may = text.withUnsafeBytes { bytes in
                if let first { return firstOffset(of: first, in: bytes) != nil }
                return usually.map { $0.find(in: bytes) != nil } ?? true
            }
            guard may else { return nil }
            var out = text
            for (regexp, replacement) in patterns {
                out = regexp.replacing(in: out, with: replacement, expanding: true) ?? out
            }
            return out == text ? nil : out
        }
    }
}

extension YAMLSection {
    /// `redact:`.
    func redactions() throws(AgentError) -> [Redaction] {
        var out: [Redaction] = []
        for item in try list() { out.append(try item.redaction()) }
        return out
    }

    private func redaction() throws(AgentError) -> Redaction {
        guard isMapping else {
            let known = try choice(of: Redaction.Known.self)
            do { return try Redaction(known) } catch { throw wrong(error.reason) }
        }
        var name = ""
        var pattern = ""
        var replacement: String?
        try each { (key, value) throws(AgentError) in
            switch key {
            case "name": name = try value.name()
            case "regex": pattern = try value.name()
            case "with": replacement = try value.text()
            default: throw value.unknown(key)
            }
        }
        guard !name.isEmpty, !pattern.isEmpty else { throw wrong("expected name and regex") }
        let regexp: Regexp
        do { regexp = try Regexp(pattern) } catch {
            throw wrong("regex of \(name): \(error.reason)")
        }
        guard !regexp.matches("") else { throw wrong("regex of \(name): it matches an empty text") }
        return Redaction(regexp, named: name, with: replacement)
    }
}
