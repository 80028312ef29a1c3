/// Every function by its name.
enum TemplateFunctions {
    static let all: [String: TemplateFunction] = {
        var all: [String: TemplateFunction] = [:]
        for table in [builtins, text, oldText, codecs, numbers, times] {
            all.merge(table) { first, _ in first }
        }
        return all
    }()

    /// `and` and `or` stop early, so the execution runs them itself.
    static func isKnown(_ name: String) -> Bool {
        name == "and" || name == "or" || all[name] != nil
    }
}
