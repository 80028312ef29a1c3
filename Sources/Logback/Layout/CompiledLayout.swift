import LogModel

/// A layout pattern compiled to the steps of reading the header that it writes: all that stands in
/// front of the message. A line begins an event when the whole header is there, not only a date.
///
///     %d [%thread] %-5level %logger{36} - %msg%n
///     stamp " [" field "] " level " " field " - " | message
///
/// A value is what stands between its neighbours' literals, or what its fixed width holds; where
/// neither bounds it, it is part of the header and given no name. Values of the shortest possible
/// extent are tried first, so that a `] ` within a thread's name does not end it when the rest of the
/// header does not follow.
package struct CompiledLayout: Sendable {
    /// The version of Logback decides how some words print.
    package enum Dialect: String, Sendable {
        /// Up to 1.2.
        case legacy = "1.2"
        /// From 1.3.
        case current = "1.3"

        var letters: TimestampFormat.Letters {
            self == .legacy ? .simpleDateFormat : .dateTimeFormatter
        }
    }

    /// What a value is called in the metadata of an entry.
    package enum FieldName: Sendable, Equatable {
        /// `omitting`: what the layout writes for a key without a value.
        case key(String, omitting: String = "")
        /// `k=v, k2=v2`: keys of the diagnostic context.
        case context
        /// `k="v" k2="v2"`, with the quote that is used; 0 without.
        case pairs(quote: UInt8)
        /// `trace id-span id`.
        case correlation

        /// The application makes up what it is called.
        var isOfApplication: Bool {
            switch self {
            case .context, .pairs: true
            case .key, .correlation: false
            }
        }

        /// The names that the layout tells.
        var own: [String] {
            switch self {
            case .key(let key, _): [key]
            case .correlation: ["traceId", "spanId"]
            case .context, .pairs: []
            }
        }
    }

    struct Field: Sendable {
        var name: FieldName?
        var width = FieldWidth()
        /// Digits and `?` only.
        var isNumber = false
        /// What its values do not hold, as long as the line can be read so.
        var without = Without.nothing
    }

    /// Names of classes have no blanks, and those of methods no points either: that tells where a
    /// thread of many words ends. A logger may be called anything, so it is tried first, not demanded.
    enum Without: Sendable {
        case nothing, blanks, blanksAndPoints

        func allows(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
            switch self {
            case .nothing: true
            case .blanks: !bytes.contains(0x20)
            case .blanksAndPoints: !bytes.contains { $0 == 0x20 || $0 == UInt8(ascii: ".") }
            }
        }
    }

    enum Step: Sendable {
        case literal([UInt8])
        case stamp(TimestampFormat)
        /// A second one, which is not the time of the event.
        case furtherStamp(TimestampFormat)
        /// The five levels as this layout writes them, with their names.
        case level([Rendering])
        case field(Field)
        /// `[value] ` or nothing.
        case optionalBrackets(FieldName?)
        case colours
        /// Blanks in front of a group that is shorter than its width.
        case padding
        case groupStart
        /// Blanks behind a group of at least this width, when it is left-aligned.
        case groupEnd(least: Int, isLeftAligned: Bool)
        /// The header ends with the line.
        case lineEnd
    }

    struct Rendering: Sendable {
        let bytes: [UInt8]
        let level: String
    }

    package let pattern: String
    package let dialect: Dialect
    let steps: [Step]
    let program: HeaderProgram
    let trailing: TrailingPairs?
    /// What of the pattern does not become fields, in sentences.
    package let remarks: [String]
    /// The zone that `%d` names.
    package let zone: String?
    /// What stamps of this layout do not tell; nil when it writes none in front of the message.
    package let stampLacks: ParsedTimestamp.Lacking?
    /// True when its stamps tell their distance from UTC.
    package let stampTellsZone: Bool
    /// Names of the fields that it gives, for people.
    package let fieldNames: [String]
    /// False when nothing in front of the message tells where an event begins.
    package let tellsBoundaries: Bool

    /// A longer header is none: contexts with many values are far below.
    static let maxHeaderBytes = 16 * 1024
    /// Ends of fields that are tried in one line before it counts as text: lines that are headers take
    /// a few for each field.
    static let maxTries = 4096

    /// Throws when Logback could not read the pattern either.
    ///
    /// `conversionRules`: words that the configuration defines by classes; what they print is not
    /// known.
    package init(
        _ pattern: String, dialect: Dialect = .current, conversionRules: Set<String> = []
    ) throws(PatternError) {
        let parsed = try PatternParser.parse(pattern)
        var compiler = LayoutCompiler(dialect: dialect, conversionRules: conversionRules)
        compiler.compile(parsed.nodes)
        if let ignored = parsed.ignored {
            compiler.remarks.append(
                "the pattern ends at an unescaped \")\": Logback never writes \"\(ignored)\"")
        }
        self.pattern = pattern
        self.dialect = dialect
        steps = compiler.finish()
        program = HeaderProgram(steps)
        trailing = compiler.trailing
        remarks = compiler.remarks
        zone = compiler.zone
        stampLacks =
            steps.lazy.compactMap { step -> ParsedTimestamp.Lacking? in
                if case .stamp(let format) = step { format.lacks } else { nil }
            }.first
        stampTellsZone = steps.contains { step in
            if case .stamp(let format) = step { format.tellsZone } else { false }
        }
        fieldNames =
            steps.compactMap(\.fieldText) + (trailing == nil ? [] : ["the key-value pairs"])
        tellsBoundaries = steps.contains { step in
            switch step {
            case .stamp, .level: true
            case .literal(let bytes): bytes.contains { $0 > 0x20 }
            default: false
            }
        }
    }

    package var hasLevel: Bool {
        steps.contains { if case .level = $0 { true } else { false } }
    }
}

extension CompiledLayout.Step {
    fileprivate var fieldText: String? {
        let name: CompiledLayout.FieldName?
        switch self {
        case .field(let field): name = field.name
        case .optionalBrackets(let bracketed): name = bracketed
        default: return nil
        }
        return switch name {
        case .key(let key, _): key
        case .context: "the keys of the diagnostic context"
        case .pairs: "the key-value pairs"
        case .correlation: "traceId and spanId"
        case nil: nil
        }
    }

    /// A value whose extent its neighbours must tell.
    var isOpen: Bool {
        if case .field(let field) = self { !field.width.isFixed } else { false }
    }
}
