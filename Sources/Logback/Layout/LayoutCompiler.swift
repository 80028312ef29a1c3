import LogModel

/// Makes the steps of a layout from its tree.
struct LayoutCompiler {
    typealias Step = CompiledLayout.Step
    typealias Field = CompiledLayout.Field

    private let dialect: CompiledLayout.Dialect
    private let conversionRules: Set<String>
    private var steps: [Step] = []
    private var isComplete = false
    /// Pairs behind the message.
    private(set) var trailing: TrailingPairs?
    var remarks: [String] = []
    private(set) var zone: String?
    /// `%prefix( )` writes the word in front of each value.
    private var writesPrefix = false

    init(dialect: CompiledLayout.Dialect, conversionRules: Set<String>) {
        self.dialect = dialect
        self.conversionRules = conversionRules
    }

    private static let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]
    private static let colours: Set<String> = [
        "highlight", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "gray",
        "boldRed", "boldGreen", "boldYellow", "boldBlue", "boldMagenta", "boldCyan", "boldWhite",
        "clr",
    ]
    private static let exceptions: Set<String> = [
        "ex", "exception", "throwable", "rEx", "rootException", "xEx", "xException", "xThrowable",
        "wex", "wEx", "caller",
    ]
    /// Words that print digits, and nothing that anybody would look for.
    private static let numbers: Set<String> = [
        "r", "relative", "sn", "sequenceNumber", "lsn", "ms", "micros",
    ]

    mutating func compile(_ nodes: [PatternNode]) {
        for (index, node) in nodes.enumerated() where !isComplete {
            switch node {
            case .text(let text): add(text)
            case .word(let word): add(word)
            }
            if isComplete { takeBehindMessage(nodes[(index + 1)...]) }
        }
    }

    /// Words whose values somebody would look for.
    private static let lookedFor: Set<String> = [
        "X", "mdc", "kvp", "maskedKvp", "marker", "t", "thread", "c", "lo", "logger", "p", "le",
        "level",
        "correlationId",
    ]

    /// What stands behind the message is part of its text, but for pairs that end its line.
    private mutating func takeBehindMessage(_ nodes: ArraySlice<PatternNode>) {
        trailing = trailing ?? TrailingPairs(nodes)
        guard trailing == nil else { return }
        for case .word(let word) in nodes where Self.lookedFor.contains(word.name) {
            let option = word.options.first.map { "{\($0)}" } ?? ""
            remarks.append(
                "%\(word.name)\(option) stands behind the message: it stays in the text, and becomes no field"
            )
        }
    }

    private mutating func add(_ text: String) {
        let bytes = Array(text.utf8)
        guard let newline = bytes.firstIndex(of: 0x0a) else {
            append(.literal(bytes))
            return
        }
        if newline > 0 { append(.literal(Array(bytes[..<newline]))) }
        end(.lineEnd)
    }

    private mutating func append(_ step: Step) {
        if case .literal(let more) = step, case .literal(let bytes)? = steps.last {
            steps[steps.count - 1] = .literal(bytes + more)
        } else {
            steps.append(step)
        }
    }

    private mutating func end(_ step: Step?) {
        if let step { steps.append(step) }
        isComplete = true
    }

    private mutating func add(_ word: ConversionWord) {
        // A rule of the configuration stands before the words that everybody knows. Spring's are known,
        // and a message that a class masks is still a message.
        if word.group != nil || !conversionRules.contains(word.name) || Self.isSpring(word.name)
            || PatternNode.word(word).writesMessage
        {
            if let group = word.group { return add(group, of: word) }
            if addKnown(word) { return }
        }
        remarks.append(
            conversionRules.contains(word.name)
                ? "%\(word.name) is printed by a class of the application: taken as free text"
                : "%\(word.name) is no word of Logback: taken as free text")
        append(.field(Field(name: nil, width: word.width)))
    }

    private static func isSpring(_ name: String) -> Bool {
        ["clr", "wex", "wEx", "correlationId", "esb", "applicationName"].contains(name)
    }

    private mutating func add(_ group: [PatternNode], of word: ConversionWord) {
        switch word.name {
        case "replace":
            if group.contains(where: \.writesMessage) { return end(nil) }
            remarks.append("%replace changes its text: what stands there is taken as free text")
            append(.field(Field(name: nil, width: word.width)))
        case "esb":
            append(.optionalBrackets(.key(Self.fieldName(word.options.first ?? "application"))))
        case "prefix":
            let before = writesPrefix
            writesPrefix = true
            compile(group)
            writesPrefix = before
        case "",
            _ where Self.colours.contains(word.name):
            addPadded(group, word)
        default:
            remarks.append("%\(word.name)( ) is printed by a class: taken as free text")
            append(.field(Field(name: nil, width: word.width)))
        }
    }

    private mutating func addPadded(_ group: [PatternNode], _ word: ConversionWord) {
        let isColoured = !word.name.isEmpty
        // Colours count as letters of the width, so a coloured group has none in practice.
        if word.width.isPlain || isColoured {
            if isColoured { append(.colours) }
            compile(group)
            if isColoured, !isComplete { append(.colours) }
        } else if group.contains(where: \.writesMessage) {
            compile(group)
        } else if word.width.most == .max {
            if !word.width.isLeftAligned { append(.padding) }
            append(.groupStart)
            compile(group)
            append(
                .groupEnd(least: word.width.least, isLeftAligned: word.width.isLeftAligned))
        } else {
            remarks.append("a group that is cut to \(word.width.most) letters gives no fields")
            append(.field(Field(name: nil, width: word.width)))
        }
    }

    /// False for a word that is not known.
    private mutating func addKnown(_ word: ConversionWord) -> Bool {
        if writesPrefix, !isComplete, let prefix = Self.prefix(word) { add(prefix + "=") }
        switch word.name {
        case "m", "msg", "message": end(nil)
        case "n": end(.lineEnd)
        case "nopex", "nopexception": break
        case "d", "date": addDate(word)
        case "ep", "epoch":
            append(
                TimestampFormat(word.options.first == "seconds" ? "UNIX" : "UNIX_MS").map(
                    Step.stamp)
                    ?? .field(Field()))
        case "p", "le", "level": append(.level(Self.levels.map { rendering($0, word.width) }))
        case "t", "thread": addField("thread", word)
        case "c", "lo", "logger": addField("logger", word, without: .blanks)
        case "C", "class": addField("class", word, without: .blanks)
        case "M", "method": addField("method", word, without: .blanksAndPoints)
        case "F", "file": addField("file", word, without: .blanks)
        case "L", "line": addField("line", word, isNumber: true)
        case "pid": addField("pid", word, isNumber: true)
        case "marker": addField("marker", word)
        case "cn", "contextName", "property": append(.field(Field(name: nil, width: word.width)))
        case "applicationName": append(.optionalBrackets(.key("application")))
        case "esb":
            append(.optionalBrackets(.key(Self.fieldName(word.options.first ?? "application"))))
        case "correlationId": append(.optionalBrackets(.correlation))
        case "X", "mdc": addContext(word)
        case "kvp", "maskedKvp": addPairs(word)
        case _ where Self.numbers.contains(word.name):
            append(.field(Field(name: nil, width: word.width, isNumber: true)))
        case _ where Self.exceptions.contains(word.name): end(nil)
        default: return false
        }
        return true
    }

    private static func prefix(_ word: ConversionWord) -> String? {
        switch word.name {
        case "X", "mdc": word.options.first.map { String($0.prefix { $0 != ":" }) }
        case "m", "msg", "message", "n": nil
        default: word.name
        }
    }

    private mutating func addField(
        _ name: String, _ word: ConversionWord, isNumber: Bool = false,
        without: CompiledLayout.Without = .nothing
    ) {
        append(
            .field(
                Field(name: .key(name), width: word.width, isNumber: isNumber, without: without)))
    }

    private mutating func addDate(_ word: ConversionWord) {
        let option = word.options.first ?? "ISO8601"
        let pattern =
            switch option {
            case "ISO8601", "": "yyyy-MM-dd HH:mm:ss,SSS"
            case "STRICT": "yyyy-MM-dd'T'HH:mm:ss,SSS"
            default: option
            }
        var named: String?
        if word.options.count > 1 {
            let isZone = ZoneRule(word.options[1]) != nil
            named = isZone ? word.options[1] : "UTC"
            if !isZone {
                remarks.append(
                    dialect == .legacy
                        ? "the comma in %d{\(word.options.joined(separator: ","))} makes \"\(word.options[1])\" a "
                            + "time zone: Logback prints GMT and leaves the rest out; put quotes around it"
                        : "the comma in %d{\(word.options.joined(separator: ","))} makes \"\(word.options[1])\" a "
                            + "time zone: Logback does not start the appender; put quotes around it"
                )
            }
        }
        guard let format = TimestampFormat(pattern, letters: dialect.letters) else {
            remarks.append("%d{\(option)} has letters that are not understood: no time is read")
            append(.field(Field(name: nil, width: word.width)))
            return
        }
        addStamp(format, zone: named)
    }

    /// `%d{yyyy-MM-dd} %d{HH:mm:ss.SSS}` is one stamp; any other second one is none of the event, and its
    /// zone is its own.
    private mutating func addStamp(_ format: TimestampFormat, zone named: String?) {
        guard steps.contains(where: { if case .stamp = $0 { true } else { false } }) else {
            zone = named
            return append(.stamp(format))
        }
        if case .literal(let between)? = steps.last,
            case .stamp(let first)? = steps.dropLast().last,
            let both = first.followed(by: format, behind: between)
        {
            steps.removeLast(2)
            zone = zone ?? named
            append(.stamp(both))
        } else {
            append(.furtherStamp(format))
        }
    }

    private mutating func addContext(_ word: ConversionWord) {
        guard let option = word.options.first else {
            append(.field(Field(name: .context, width: word.width)))
            return
        }
        let parts = option.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
        let name = Self.fieldName(String(parts[0]).trimmed)
        let fallback = parts.count > 1 ? String(parts[1]) : ""
        append(
            .field(Field(name: .key(name, omitting: fallback), width: word.width)))
    }

    private mutating func addPairs(_ word: ConversionWord) {
        append(
            .field(Field(name: .pairs(quote: FieldValues.quote(word)), width: word.width)))
    }

    /// A name that every server takes: letters, digits and `_`, no digit in front, and not `_` alone: a
    /// name without a letter of ASCII's is spelled by the numbers of its characters, `u_c8fc_bb38`.
    static func fieldName(_ name: String) -> String {
        if name == "APPLICATION_NAME" { return "application" }
        if name == "APPLICATION_GROUP" { return "application_group" }
        let isSpelled = !name.utf8.contains {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        }
        if isSpelled {
            return name.unicodeScalars.reduce("u") { $0 + "_" + String($1.value, radix: 16) }
        }
        let letters = name.unicodeScalars.map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                ? Character(scalar) : "_"
        }
        let text = String(letters)
        return text.first?.isNumber ?? true ? "_" + text : text
    }

    private func rendering(_ level: String, _ width: FieldWidth) -> CompiledLayout.Rendering {
        var text = level
        if text.count > width.most {
            text = String(
                width.keepsEnd ? text.suffix(width.most) : text.prefix(width.most))
        }
        let blanks = String(repeating: " ", count: max(0, width.least - text.count))
        text = width.isLeftAligned ? text + blanks : blanks + text
        return CompiledLayout.Rendering(bytes: Array(text.utf8), level: level)
    }

    /// The steps, fields that nothing tells apart made one without a name.
    mutating func finish() -> [Step] {
        var out: [Step] = []
        for step in steps {
            if step.isOpen, let last = out.last, last.isOpen {
                remarks.append(Self.inseparable)
                out[out.count - 1] = .field(Field())
            } else {
                out.append(step)
            }
        }
        // The message behind is free text, too.
        if let last = out.last, last.isOpen {
            if case .field(let field) = last, !field.isNumber {
                remarks.append(Self.inseparable)
                out[out.count - 1] = .field(Field())
            }
        }
        return out
    }

    private static let inseparable =
        "two free texts stand side by side with nothing between them: neither becomes a field"
}

extension PatternNode {
    /// True for what holds the message, or a trace.
    fileprivate var writesMessage: Bool {
        guard case .word(let word) = self else { return false }
        if let group = word.group { return group.contains(where: \.writesMessage) }
        return ["m", "msg", "message", "n", "ex", "exception", "throwable", "wEx", "xEx", "rEx"]
            .contains(word.name)
    }
}
