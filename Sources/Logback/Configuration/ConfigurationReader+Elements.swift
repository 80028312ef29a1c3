/// The elements of a configuration but for appenders, in their order: a variable counts from where it
/// is defined.
extension ConfigurationReader {
    /// `including`: the files that are being read, outermost first.
    func walk(_ root: XMLTree, including path: [String]) throws(LogbackError) {
        for element in try expanded(root.children, including: path) { try take(element) }
    }

    /// Children with what stands in profiles, conditions and included files in their place. What
    /// defines variables counts at once, as conditions and includes behind it may need it; but not where
    /// elements of the same names are `parts` of something, as a `<timestamp>` is of a line of JSON.
    func expanded(
        _ children: [XMLTree], including path: [String], depth: Int = 0, parts: Bool = false
    ) throws(LogbackError) -> [XMLTree] {
        guard depth < ConfigurationLimits.depth else { return [] }
        var out: [XMLTree] = []
        for child in children {
            // Logback takes `<Appender>` for `<appender>`.
            switch Self.canonical[child.name.lowercased()] ?? child.name {
            case "springProfile":
                if isActive(child) {
                    out += try expanded(
                        child.children, including: path, depth: depth + 1, parts: parts)
                }
            case let name where parts && Self.definitions.contains(name): out.append(child)
            case "condition": lastCondition = try condition(ofClass: child)
            case "if":
                for branch in try branches(child) {
                    out += try expanded(
                        branch.children, including: path, depth: depth + 1, parts: parts)
                }
            case "include":
                let (inner, next) = try included(child, path)
                out += try expanded(inner, including: next, depth: depth + 1, parts: parts)
            case let name where Self.definitions.contains(name):
                var child = child
                child.name = name
                try define(child)
            case let name:
                var child = child
                child.name = name
                out.append(child)
            }
        }
        return out
    }

    private static let definitions: Set = [
        "property", "variable", "substitutionProperty", "contextProperty", "springProperty",
        "timestamp", "define", "contextName", "import",
    ]
    /// Names of elements as they are written here, by their small letters.
    private static let canonical = Dictionary(
        uniqueKeysWithValues: (definitions.union([
            "springProfile", "condition", "if", "include", "conversionRule", "appender", "root",
            "logger", "appender-ref",
        ])).map { ($0.lowercased(), $0) })

    private func take(_ element: XMLTree) throws(LogbackError) {
        switch element.name {
        case "conversionRule":
            if let word = element.attributes["conversionWord"] { conversionRules.insert(word) }
        case "appender": try takeAppender(element)
        case "root", "logger": try refer(from: "", element)
        default: break
        }
    }

    func refer(from name: String, _ element: XMLTree) throws(LogbackError) {
        for child in try expanded(element.children, including: [])
        where child.name == "appender-ref" {
            guard let ref = child.attributes["ref"] else { continue }
            let target = try text(ref, child.place).value
            references[name, default: []].insert(target)
            referencePlaces[target] = referencePlaces[target] ?? child.place
        }
    }

    /// A text with its variables put in; its origin tells them.
    func text(_ raw: String, _ place: String) throws(LogbackError) -> Derived<String> {
        let result = try variables.substitute(raw.trimmed, at: place)
        for name in result.undefined {
            let remark =
                "\(place): the variable \(name) is not defined: Logback writes \(name)_IS_UNDEFINED"
            if !remarks.contains(remark) { remarks.append(remark) }
        }
        let origin = ([place] + result.uses).joined(separator: ", ")
        return Derived(result.text, origin)
    }

    private func define(_ element: XMLTree) throws(LogbackError) {
        let attributes = element.attributes
        let name = attributes["name"] ?? attributes["key"]
        switch element.name {
        case "import":
            if let whole = attributes["class"], let short = whole.split(separator: ".").last {
                imports[String(short)] = whole
            }
        case "contextName":
            variables.define("CONTEXT_NAME", try text(element.text, element.place))
        case "timestamp":
            if let name { variables.defineUnknown(name, element.place) }
        case "define":
            if let name { try defineByClass(name, element) }
        case "springProperty":
            guard let name, let source = attributes["source"] else { return }
            let fallback = attributes["defaultValue"] ?? ""
            let given = try text(fallback, element.place).value
            variables.define(
                name,
                settings[source] ?? Derived(given, "the default in \(element.place)"))
        default:
            // What stands between its tags is nothing to Logback.
            if let name, let value = attributes["value"] {
                variables.define(name, try text(value, element.place))
            } else if attributes["file"] != nil || attributes["resource"] != nil {
                try defineFile(element)
            }
        }
    }

    private func defineFile(_ element: XMLTree) throws(LogbackError) {
        guard let found = try resource(element) else {
            remarks.append("\(try missing(element)): its properties are passed over")
            return
        }
        for entry in JavaProperties.parse(found.bytes) {
            let origin = "\(found.path):\(entry.line)"
            variables.define(
                entry.key.trimmed, Derived(try text(entry.value, origin).value, origin))
        }
    }

    /// What `file`, `resource` or `url` names; nil when it is not there.
    private func resource(_ element: XMLTree) throws(LogbackError) -> ClassPath.Resource? {
        if let file = element.attributes["file"] {
            let path = absolute(try text(file, element.place).value)
            guard let bytes = try? ClassPath.bytes(ofFile: path) else { return nil }
            return ClassPath.Resource(bytes: bytes, path: path)
        }
        if let resource = element.attributes["resource"] {
            let name = try text(resource, element.place).value
            if let found = try classPath.read(name) { return found }
            return classPath.readInLibraries(name)
        }
        if let url = element.attributes["url"] {
            throw .invalid(
                place: element.place,
                reason: "url=\"\(url)\" is not fetched: save what it names, and use file=")
        }
        return nil
    }

    /// `logback.xml:3: "extra.xml" is not there`.
    private func missing(_ element: XMLTree) throws(LogbackError) -> String {
        let named = element.attributes["file"] ?? element.attributes["resource"] ?? ""
        return "\(element.place): \"\(try text(named, element.place).value)\" is not there"
    }

    private func included(
        _ element: XMLTree, _ path: [String]
    ) throws(LogbackError) -> ([XMLTree], [String]) {
        if let name = element.attributes["resource"],
            let elements = boot.elements(ofResource: try text(name, element.place).value)
        {
            return (elements, path)
        }
        if let url = element.attributes["url"], element.attributes["optional"] == "true" {
            remarks.append("\(element.place): url=\"\(url)\" is not fetched: passed over")
            return ([], path)
        }
        guard let found = try resource(element) else {
            if element.attributes["optional"] != "true" {
                remarks.append("\(try missing(element)): what it would include is passed over")
            }
            return ([], path)
        }
        guard !path.contains(found.path), path.count < ConfigurationLimits.includeDepth else {
            throw .invalid(
                place: element.place,
                reason: path.contains(found.path)
                    ? "\(found.path) includes itself"
                    : "more than \(ConfigurationLimits.includeDepth) files include each other")
        }
        let root = try XMLTree.parse(found.bytes, file: found.path)
        filesRead.append(found.path)
        return (root.children, path + [found.path])
    }

    private func isActive(_ element: XMLTree) -> Bool {
        let text = element.attributes["name"] ?? ""
        let active = profiles.value.isEmpty ? ["default"] : profiles.value
        guard let isActive = ProfileExpression.isFulfilled(text, by: Set(active)) else {
            remarks.append(
                "\(element.place): \"\(text)\" is no expression of profiles: taken as not active")
            return false
        }
        if !isActive {
            remarks.append(
                "\(element.place): left out: the profile \"\(text)\" is not active "
                    + "(\(active.joined(separator: ", ")): \(profiles.origin))")
        }
        return isActive
    }

    /// The branch of an `<if>` that counts; both when nobody can tell.
    private func branches(_ element: XMLTree) throws(LogbackError) -> [XMLTree] {
        let known: Bool?
        if let condition = element.attributes["condition"] {
            known = ConditionExpression.evaluate(condition) { [variables] name in
                guard let found = variables.lookup(name)?.value,
                    !found.contains(Variables.open)
                else { return nil }
                return found
            }
        } else {
            known = lastCondition
        }
        let then = element.children.filter { $0.name == "then" }
        let other = element.children.filter { $0.name == "else" }
        if let known { return known ? then : other }
        isUndecided = true
        remarks.append(
            "\(element.place): the condition cannot be told without running the application: both "
                + "branches are taken into account")
        return then + other
    }

    /// `<condition class="…PropertyEqualityCondition">`, in front of an `<if>`.
    private func condition(ofClass element: XMLTree) throws(LogbackError) -> Bool? {
        let name = element.attributes["class"]?.split(separator: ".").last ?? ""
        guard let key = element.child("key")?.text else { return nil }
        let found = variables.lookup(key)?.value
        switch name {
        case "IsPropertyDefinedCondition", "PropertyDefinedCondition": return found != nil
        case "IsPropertyNullCondition", "PropertyNullCondition": return found == nil
        case "PropertyEqualityCondition":
            return found == (try text(element.child("value")?.text ?? "", element.place).value)
        default: return nil
        }
    }
}
