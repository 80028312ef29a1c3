import Foundation

/// Appenders: those that write files, and those that lead to them.
extension ConfigurationReader {
    func takeAppender(_ element: XMLTree) throws(LogbackError) {
        guard appenders.count < ConfigurationLimits.appenders else {
            throw .invalid(
                place: element.place,
                reason: "more than \(ConfigurationLimits.appenders) appenders")
        }
        let name = try text(element.attributes["name"] ?? "", element.place).value
        let type = className(element)
        appenderNames.insert(name)
        try refer(from: name, element)
        if type.hasSuffix("SiftingAppender") { return try takeSifting(element, name) }
        var whole = element
        whole.children = try expanded(element.children, including: [])
        guard
            type.hasSuffix("FileAppender") || whole.child("fileNamePattern") != nil
                || whole.child("file") != nil
        else {
            if references[name] == nil { otherAppenders.append(name) }
            return
        }
        appenders.append(try fileAppender(whole, name))
    }

    func className(_ element: XMLTree) -> String {
        let name = element.attributes["class"] ?? ""
        return imports[name] ?? name
    }

    /// One appender for each value of a key: paths hold any value.
    private func takeSifting(_ element: XMLTree, _ name: String) throws(LogbackError) {
        guard let sift = element.child("sift"),
            let inner = try expanded(sift.children, including: []).first(where: {
                $0.name == "appender"
            })
        else { return }
        let discriminator = element.child("discriminator")
        let kind = discriminator.map(className) ?? ""
        let key =
            discriminator?.child("key")?.text
            ?? (kind.hasSuffix(".ContextBasedDiscriminator") ? "contextName" : "mdc")
        let before = variables
        variables.defineUnknown(key, "\(element.place), one for each value")
        // A class of the application's has a key of its own.
        variables.takesUndefinedAsUnknown = !kind.isEmpty && !kind.hasPrefix("ch.qos.logback.")
        defer { variables = before }
        var whole = inner
        whole.children = try expanded(inner.children, including: [])
        appenders.append(try fileAppender(whole, name))
        appenders[appenders.count - 1].remarks.append(
            "one file for each value of \(key): all files that fit are followed")
    }

    private func fileAppender(
        _ element: XMLTree, _ name: String
    ) throws(LogbackError) -> FileAppender {
        var appender = FileAppender(
            name: name, place: element.place,
            format: Derived(.unknown("no encoder"), element.place))
        appender.conversionRules = conversionRules
        appender.dialect = dialect
        if let file = try value("file", of: element) {
            appender.file = file.map { path(absolute($0)) }
        }
        appender.isPrudent = try truth("prudent", of: element)
        appender.immediateFlush = try truth("immediateFlush", of: element)
        appender.appends = try truth("append", of: element)
        try takePolicy(element, &appender)
        try takeEncoder(element, &appender)
        if appender.isPrudent?.value == true {
            appender.file = appender.rolledNames == nil ? appender.file : nil
        }
        if appender.file == nil, appender.rolledNames == nil {
            throw .invalid(
                place: element.place,
                reason: "the appender \(name) has neither <file> nor <fileNamePattern>")
        }
        if appender.zone == nil {
            appender.zone =
                application.systemProperties["user.timezone"]
                ?? application.variable("TZ")
        }
        if appender.charset == nil {
            appender.charset = application.charset
        }
        return appender
    }

    /// `*` where only the application knows; other marks of path patterns mean themselves.
    private func path(_ text: String) -> String {
        FileNamePattern(text).parts.map { part in
            switch part {
            case .text(let text): FileNamePattern.escaped(text)
            case .anything: "*"
            // A `%` is nothing special in <file>.
            case .index: "%i"
            case .date(let pattern, _, _): "%d{\(pattern)}"
            }
        }.joined()
    }

    func value(_ name: String, of element: XMLTree) throws(LogbackError) -> Derived<String>? {
        guard let child = element.child(name) else { return nil }
        let found = try text(child.text, child.place)
        return found.value.isEmpty ? nil : found
    }

    private func truth(_ name: String, of element: XMLTree) throws(LogbackError) -> Derived<Bool>? {
        try value(name, of: element)?.map { $0.lowercased() == "true" }
    }

    private func takePolicy(
        _ element: XMLTree, _ appender: inout FileAppender
    ) throws(LogbackError) {
        guard var policy = element.child("rollingPolicy") else {
            if className(element).hasSuffix("RollingFileAppender") {
                appender.remarks.append(
                    "a RollingFileAppender without <rollingPolicy>: never rolled")
            }
            return
        }
        policy.children = try expanded(policy.children, including: [])
        let type = className(policy)
        let naming = policy.child("timeBasedFileNamingAndTriggeringPolicy")
        if let pattern = try value("fileNamePattern", of: policy) {
            appender.rolledNames = pattern.map { FileNamePattern(absolute($0)) }
        }
        let kind: FileAppender.Policy =
            switch String(type.split(separator: ".").last ?? "") {
            case "SizeAndTimeBasedRollingPolicy": .sizeAndTime
            case "TimeBasedRollingPolicy": naming == nil ? .time : .sizeAndTime
            case "FixedWindowRollingPolicy": .fixedWindow
            default: .other(type)
            }
        appender.policy = Derived(kind, policy.place)
        appender.totalSizeCap = try value("totalSizeCap", of: policy)
        appender.cleanHistoryOnStart = try truth("cleanHistoryOnStart", of: policy)
        let trigger = element.child("triggeringPolicy")
        for place in [policy, policy.child("timeBasedFileNamingAndTriggeringPolicy"), trigger] {
            guard appender.maxFileSize == nil, let place else { continue }
            appender.maxFileSize = try value("maxFileSize", of: place)
        }
        if kind == .fixedWindow {
            let least = try value("minIndex", of: policy).flatMap { Int($0.value) } ?? 1
            let most = try value("maxIndex", of: policy)
            // Logback allows itself a window of 20 files at most.
            let last = min(most.flatMap { Int($0.value) } ?? 7, least + 20)
            appender.maxHistory = Derived(
                max(1, last - least + 1), most?.origin ?? "the default of Logback")
            if appender.maxFileSize == nil {
                appender.maxFileSize = Derived("10MB", "the default of Logback")
            }
        } else {
            appender.maxHistory = try value("maxHistory", of: policy).map { found in
                Derived(Int(found.value) ?? 0, found.origin)
            }
        }
    }
}
