import Yams

/// What a Spring application is configured with: `application.yml` and its kin, the environment,
/// system properties, arguments; the later a source is added, the more it counts.
struct SpringSettings {
    /// One document of a settings file.
    struct Document {
        /// Keys in canonical form: lower case, no dashes, no underscores.
        var values: [String: Derived<String>] = [:]
        /// The profile expression under which it counts; nil: always.
        var profiles: String?
        /// The platform on which it counts: `kubernetes`; nil: on any.
        var platform: String?

        /// What `spring.config.import` names.
        var imports: [Derived<String>] {
            let key = SpringSettings.canonical("spring.config.import")
            if let whole = values[key] {
                return whole.value.split(separator: ",").map { Derived($0.trimmed, whole.origin) }
            }
            return (0..<ConfigurationLimits.depth).map { values["\(key)[\($0)]"] }
                .prefix { $0 != nil }.compactMap { $0 }
        }
    }

    /// The least important first.
    private var layers: [[String: Derived<String>]] = []
    private let application: Application
    /// System properties, `SPRING_APPLICATION_JSON`, arguments.
    private var overrides: [String: Derived<String>] = [:]
    /// What could not be read, in sentences.
    var remarks: [String] = []

    /// What counts before any file.
    init(_ application: Application) {
        self.application = application
        take(application.systemProperties)
        takeJSON(application)
        take(application.arguments)
        if let profiles = application.profiles {
            overrides[Self.canonical("spring.profiles.active")] = profiles.map {
                $0.joined(separator: ",")
            }
        }
    }

    private mutating func take(_ values: [String: Derived<String>]) {
        for (key, value) in values { overrides[Self.canonical(key)] = value }
    }

    private mutating func takeJSON(_ application: Application) {
        let name = "spring.application.json"
        let variable = "SPRING_APPLICATION_JSON"
        let json =
            application.arguments[name] ?? application.systemProperties[name]
            ?? application.variable(variable)
        guard let json, !json.value.isEmpty else { return }
        // JSON is YAML, whose reader keeps the letters of numbers.
        guard json.value.trimmed.hasPrefix("{"),
            let documents = try? Self.documents(
                Array(json.value.utf8), name: json.origin, isYAML: true)
        else {
            remarks.append("\(json.origin): \(name) is no JSON object: passed over")
            return
        }
        for document in documents {
            take(document.values.mapValues { Derived($0.value, json.origin) })
        }
    }

    mutating func add(_ values: [String: Derived<String>]) { layers.append(values) }

    static func canonical(_ key: String) -> String {
        String(key.lowercased().filter { $0 != "-" && $0 != "_" })
    }

    /// The value under a name, its placeholders not yet put in.
    private func raw(_ key: String) -> Derived<String>? {
        let canonical = Self.canonical(key)
        if let value = overrides[canonical] { return value }
        // `a.b-c[0]` is A_BC_0, and of old A_B_C_0.
        let upper = key.uppercased().filter { $0 != "]" }
        let names = [upper.filter { $0 != "-" }, upper].map { text in
            String(text.map { $0.isLetter || $0.isNumber ? $0 : "_" })
        }
        for name in names + [key] {
            if let value = application.variable(name) { return value }
        }
        for layer in layers.reversed() {
            if let value = layer[canonical] { return value }
        }
        return nil
    }

    /// The value under a name, `${other:default}` put in; nil when there is none.
    subscript(key: String) -> Derived<String>? {
        guard let raw = raw(key) else { return nil }
        var lookups = 0
        return Derived(expanded(raw.value, [Self.canonical(key)], &lookups), raw.origin)
    }

    /// The same; nil, too, where it is empty, as a name of a file that switches off what another place names.
    func written(_ key: String) -> Derived<String>? {
        self[key].flatMap { $0.value.isEmpty ? nil : $0 }
    }

    /// A text with its `${other:default}` put in.
    func resolved(_ text: String) -> String {
        var lookups = 0
        return expanded(text, [], &lookups)
    }

    /// A list of names: `a,b`, or `key[0]`, `key[1]`.
    func list(_ key: String) -> Derived<[String]>? {
        if let whole = self[key] {
            return whole.map { text in
                text.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
            }
        }
        var items: [String] = []
        var origin = ""
        while items.count < 100, let item = self["\(key)[\(items.count)]"] {
            items.append(item.value)
            origin = item.origin
        }
        return items.isEmpty ? nil : Derived(items, origin)
    }

    /// A placeholder that nobody defines, or that needs itself, stays as it is.
    private func expanded(_ text: String, _ path: [String], _ lookups: inout Int) -> String {
        guard text.contains("${"), path.count < ConfigurationLimits.substitutionDepth else {
            return text
        }
        var out = ""
        var rest = Array(text)[...]
        while let first = rest.first, out.utf8.count < ConfigurationLimits.valueBytes {
            guard first == "$", rest.dropFirst().first == "{",
                let end = Self.closing(rest), lookups < ConfigurationLimits.lookups
            else {
                out.append(first)
                rest = rest.dropFirst()
                continue
            }
            lookups += 1
            let inner = rest[(rest.startIndex + 2)..<end]
            let colon = inner.firstIndex(of: ":") ?? inner.endIndex
            let name = String(inner[..<colon])
            let canonical = Self.canonical(name)
            if name.hasPrefix("random.") {
                out.append(contentsOf: "\(Variables.open)\(name)\(Variables.close)")
            } else if let value = raw(name) ?? OuterVariables.ofJava(name, application),
                !path.contains(canonical)
            {
                out += expanded(value.value, path + [canonical], &lookups)
            } else if colon < inner.endIndex {
                out += expanded(String(inner[(colon + 1)...]), path + [":"], &lookups)
            } else {
                out += String(rest[...end])
            }
            rest = rest[(end + 1)...]
        }
        return out
    }

    private static func closing(_ text: ArraySlice<Character>) -> Int? {
        var depth = 0
        for at in text.indices {
            if text[at] == "{" { depth += 1 }
            if text[at] == "}" {
                depth -= 1
                if depth == 0 { return at }
            }
        }
        return nil
    }
}

/// Reading settings files.
extension SpringSettings {
    /// `name`: the file's, for origins.
    static func documents(
        _ bytes: [UInt8], name: String, isYAML: Bool
    ) throws(LogbackError) -> [Document] {
        guard bytes.count <= ConfigurationLimits.fileBytes else {
            throw .unreadable(
                path: name, reason: "more than \(ConfigurationLimits.fileBytes >> 20) MiB")
        }
        return isYAML ? try yaml(bytes, name) : properties(bytes, name)
    }

    private static func properties(_ bytes: [UInt8], _ name: String) -> [Document] {
        // Documents of a file are parted by a comment of its own form.
        var documents = [Document()]
        let marks = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { ["#---", "!---"].contains($0.element.trimmed) }.map { $0.offset + 1 }
        var passed = 0
        for entry in JavaProperties.parse(bytes) {
            while passed < marks.count, marks[passed] < entry.line {
                passed += 1
                documents.append(Document())
            }
            note(
                entry.key, entry.value, "\(name):\(entry.line)",
                &documents[documents.count - 1])
        }
        return documents
    }

    private static func yaml(
        _ bytes: [UInt8], _ name: String
    ) throws(LogbackError) -> [Document] {
        var documents: [Document] = []
        do {
            var nodes = try compose_all(yaml: String(decoding: bytes, as: UTF8.self))
            while let node = nodes.next() {
                var document = Document()
                var count = 0
                flatten(node, "", name, 0, &count, &document)
                documents.append(document)
            }
            // It ends at a fault as at the end of the text.
            if let error = nodes.error { throw error }
        } catch {
            throw .unreadable(path: name, reason: "this is no YAML: \(YAMLFault(error))")
        }
        return documents
    }

    /// Anchors may make a small file a large tree: keys and depth are bounded.
    private static func flatten(
        _ node: Node, _ key: String, _ name: String, _ depth: Int, _ count: inout Int,
        _ document: inout Document
    ) {
        count += 1
        guard count < ConfigurationLimits.settings, depth < ConfigurationLimits.depth else {
            return
        }
        switch node {
        case .scalar(let scalar):
            note(
                key, node.null == nil ? scalar.string : "",
                "\(name):\(scalar.mark.map { "\($0.line)" } ?? "?")", &document)
        case .mapping(let mapping):
            // `<<: *base`: what is merged counts less than what stands beside it.
            for merged in merged(into: mapping) {
                flatten(merged, key, name, depth + 1, &count, &document)
            }
            for (inner, value) in mapping {
                guard let part = inner.string, part != "<<" else { continue }
                flatten(
                    value, key.isEmpty ? part : "\(key).\(part)", name, depth + 1, &count, &document
                )
            }
        case .sequence(let items):
            for (number, item) in items.enumerated() {
                flatten(item, "\(key)[\(number)]", name, depth + 1, &count, &document)
            }
        default: break
        }
    }

    /// The mappings that one takes over, the least important first.
    private static func merged(into mapping: Node.Mapping) -> [Node] {
        mapping.filter { $0.key.string == "<<" }.flatMap { _, value in
            value.sequence.map { Array($0.reversed()) } ?? [value]
        }.filter { $0.mapping != nil }
    }

    private static func note(
        _ key: String, _ value: String, _ origin: String, _ document: inout Document
    ) {
        let canonical = canonical(key)
        switch canonical {
        case "spring.config.activate.onprofile", "spring.profiles": document.profiles = value
        case "spring.config.activate.oncloudplatform": document.platform = value
        default:
            if canonical.hasPrefix("spring.config.activate.onprofile[")
                || canonical.hasPrefix("spring.profiles[")
            {
                document.profiles = document.profiles.map { "\($0),\(value)" } ?? value
            } else {
                document.values[canonical] = Derived(value, origin)
            }
        }
    }
}
