import Foundation

/// Encoders: what the lines of a file look like.
extension ConfigurationReader {
    func takeEncoder(_ element: XMLTree, _ appender: inout FileAppender) throws(LogbackError) {
        guard var encoder = element.child("encoder") ?? element.child("layout") else {
            appender.remarks.append("no <encoder>: lines are read by the automatic rule")
            return
        }
        encoder.children = try expanded(encoder.children, including: [])
        appender.charset = try value("charset", of: encoder)
        if encoder.child("outputPatternAsHeader")?.text == "true" {
            appender.writesHeader = true
            appender.remarks.append(
                "every file begins with a line that tells the pattern (outputPatternAsHeader)")
        }
        let type = String(className(encoder).split(separator: ".").last ?? "")
        var inner = encoder
        if type == "LayoutWrappingEncoder", let layout = encoder.child("layout") {
            inner = layout
            inner.children = try expanded(layout.children, including: [])
        }
        let innerType = String(className(inner).split(separator: ".").last ?? "")
        switch innerType {
        case "LogstashEncoder", "LogstashLayout", "LoggingEventAsyncEncoder":
            try takeLogstash(inner, &appender)
        case "LoggingEventCompositeJsonEncoder", "LoggingEventCompositeJsonLayout":
            try takeProviders(inner, &appender)
        case "EcsEncoder", "EcsLayout": take(.ecs, inner, &appender)
        case "GelfEncoder", "GelfLayout": take(.gelf, inner, &appender)
        case "JsonEncoder": take(.logback, inner, &appender)
        case "StructuredLogEncoder": try takeStructured(inner, &appender)
        default: try takePattern(inner, innerType, &appender)
        }
    }

    private func takePattern(
        _ element: XMLTree, _ type: String, _ appender: inout FileAppender
    ) throws(LogbackError) {
        guard let found = try value("pattern", of: element) else {
            appender.format = Derived(.unknown(type), element.place)
            appender.remarks.append(
                "\(element.place): \(type.isEmpty ? "an encoder" : type) without a pattern: lines are "
                    + "read by the automatic rule")
            return
        }
        let pattern = published(found.value)
        appender.format = found.map { _ in .pattern(pattern) }
        do {
            let layout = try CompiledLayout(
                pattern, dialect: dialect, conversionRules: conversionRules)
            appender.remarks += layout.remarks
            if let zone = layout.zone {
                appender.zone = Derived(zone, "%d of the layout, \(found.origin)")
            }
        } catch {
            throw .invalid(place: found.origin, reason: "the layout \"\(pattern)\": \(error)")
        }
    }

    /// The pattern as it may stand elsewhere: what only the application knows becomes a word, and the
    /// name of the application a text.
    private func published(_ pattern: String) -> String {
        var out = ""
        var rest = Substring(pattern)
        while let open = rest.firstIndex(of: Variables.open),
            let close = rest[open...].firstIndex(of: Variables.close)
        {
            let name = rest[rest.index(after: open)..<close]
            out += rest[..<open] + (name == "PID" ? "%pid" : "%property{\(name)}")
            rest = rest[rest.index(after: close)...]
        }
        out += rest
        for (word, key, isIncluded) in [
            (
                "%esb(){APPLICATION_NAME}", "spring.application.name",
                "logging.include-application-name"
            ),
            (
                "%esb{APPLICATION_NAME}", "spring.application.name",
                "logging.include-application-name"
            ),
            ("%applicationName", "spring.application.name", "logging.include-application-name"),
            (
                "%esb(){APPLICATION_GROUP}", "spring.application.group",
                "logging.include-application-group"
            ),
            (
                "%esb{APPLICATION_GROUP}", "spring.application.group",
                "logging.include-application-group"
            ),
        ] where !application.classPath.isEmpty {
            let text = outer.bracketed(key, isIncluded)?.value ?? ""
            out = out.replacing(word, with: Self.escaped(text))
        }
        return out
    }

    private static func escaped(_ text: String) -> String {
        String(text.flatMap { "%()\\".contains($0) ? ["\\", $0] : [$0] })
    }

    private func take(
        _ encoder: JSONLayout.Encoder, _ element: XMLTree, _ appender: inout FileAppender
    ) {
        appender.format = Derived(
            .json(JSONLayout(encoder), stamps: nil), element.place)
        assumeUTF8(&appender)
    }

    /// JSON is UTF-8 unless somebody says otherwise.
    private func assumeUTF8(_ appender: inout FileAppender) {
        if appender.charset == nil {
            appender.charset = Derived("UTF-8", "the default of JSON encoders")
        }
    }

    private func takeStructured(
        _ element: XMLTree, _ appender: inout FileAppender
    ) throws(LogbackError) {
        let format = try value("format", of: element)
        guard let format, let encoder = JSONLayout.Encoder(rawValue: format.value.lowercased()),
            encoder != .logback
        else {
            appender.format = Derived(
                .unknown(format?.value ?? ""), format?.origin ?? element.place)
            appender.remarks.append(
                "the structured format \(format?.value ?? "") is a class of the application: lines "
                    + "are read by the automatic rule")
            return
        }
        appender.format = format.map { _ in .json(JSONLayout(encoder), stamps: nil) }
        assumeUTF8(&appender)
    }

    private static let logstashNames: [(element: String, role: JSONLayout.Role)] = [
        ("timestamp", .timestamp), ("level", .level), ("thread", .thread), ("logger", .logger),
        ("message", .message), ("stackTrace", .stack), ("mdc", .mdc),
    ]

    private func takeLogstash(
        _ element: XMLTree, _ appender: inout FileAppender
    ) throws(LogbackError) {
        var names: [JSONLayout.Role: String] = [:]
        if let fields = element.child("fieldNames") {
            if fields.attributes["class"]?.hasSuffix("ShortenedFieldNames") == true {
                names = [.logger: "logger", .thread: "thread", .stack: "stacktrace"]
            }
            for (name, role) in Self.logstashNames {
                guard let found = try value(name, of: fields), found.value != "[ignore]" else {
                    continue
                }
                names[role] = found.value
            }
        }
        let stamps = try stamps(value("timestampPattern", of: element)?.value)
        appender.format = Derived(
            .json(JSONLayout(.logstash, names: names), stamps: stamps), element.place)
        appender.zone = try value("timeZone", of: element) ?? appender.zone
        assumeUTF8(&appender)
    }

    /// The pattern of stamps where it is another than ISO 8601, which is read without being told.
    private func stamps(_ pattern: String?) -> String? {
        guard let pattern, !pattern.isEmpty else { return nil }
        switch pattern {
        case "[UNIX_TIMESTAMP_AS_NUMBER]", "[UNIX_TIMESTAMP_AS_STRING]": return "UNIX_MS"
        case _ where pattern.hasPrefix("["): return nil
        default: return pattern
        }
    }

    private static let providers: [(element: String, role: JSONLayout.Role)] = [
        ("timestamp", .timestamp), ("logLevel", .level), ("threadName", .thread),
        ("loggerName", .logger), ("message", .message), ("stackTrace", .stack), ("mdc", .mdc),
        ("tags", .marker),
    ]

    private func takeProviders(
        _ element: XMLTree, _ appender: inout FileAppender
    ) throws(LogbackError) {
        var names: [JSONLayout.Role: String] = [:]
        var stamps: String?
        let providers = element.child("providers")?.children ?? []
        for provider in try expanded(providers, including: [], parts: true) {
            if provider.name == "pattern", let pattern = try value("pattern", of: provider) {
                let zone = Self.takeJSONPattern(pattern.value, &names, &stamps)
                appender.zone = zone.map { Derived($0, pattern.origin) } ?? appender.zone
            }
            for (name, role) in Self.providers where provider.name == name {
                if let found = try value("fieldName", of: provider) { names[role] = found.value }
            }
            if provider.name == "timestamp" {
                stamps = self.stamps(try value("pattern", of: provider)?.value)
                appender.zone = try value("timeZone", of: provider) ?? appender.zone
            }
        }
        appender.format = Derived(
            .json(JSONLayout(.logstash, names: names), stamps: stamps), element.place)
        assumeUTF8(&appender)
    }

    /// `{"time": "%d{…}", "lvl": "%level", …}`: keys by the word that their value is. Gives the zone that
    /// `%d` names.
    private static func takeJSONPattern(
        _ text: String, _ names: inout [JSONLayout.Role: String], _ stamps: inout String?
    ) -> String? {
        guard
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        else { return nil }
        var zone: String?
        for (key, value) in object.sorted(by: { $0.key < $1.key }) {
            guard let value = value as? String,
                let nodes = try? PatternParser.parse(value).nodes, nodes.count == 1,
                case .word(let word) = nodes[0]
            else { continue }
            switch word.name {
            case "d", "date":
                names[.timestamp] = key
                stamps = word.options.first.flatMap { $0 == "ISO8601" ? nil : $0 }
                zone = word.options.dropFirst().first?.trimmed
            case "level", "p", "le": names[.level] = key
            case "t", "thread": names[.thread] = key
            case "c", "lo", "logger": names[.logger] = key
            case "m", "msg", "message": names[.message] = key
            case "ex", "xEx", "wEx", "rEx", "exception", "throwable": names[.stack] = key
            case "marker": names[.marker] = key
            default: continue
            }
        }
        return zone
    }
}
