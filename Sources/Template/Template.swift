/// A template of `line_format` or `label_format`, compiled: Go's text/template with the functions
/// that LogQL has.
package struct Template: Sendable {
    let main: [TemplateNode]
    let defined: [[UInt8]: [TemplateNode]]
    let regexps = RegexpCache()

    /// Labels that the template looks at; nil when it may look at any.
    package let fields: [String]?

    package init(_ text: String) throws(TemplateError) {
        (main, defined) = try TemplateParser.parse(text)
        fields = Self.fields(of: main + defined.values.joined())
    }

    /// The bytes for one row.
    package func render(_ input: TemplateInput) throws(TemplateError) -> [UInt8] {
        // The most common template of all needs no walk.
        if main.count == 1, case .text(let text) = main[0] { return text }
        var execution = TemplateExecution(self, input)
        return try execution.run()
    }

    private static func fields(of nodes: [TemplateNode]) -> [String]? {
        var names: [String] = []
        var isOpen = false
        for node in nodes {
            node.forEachOperand { operand in
                switch operand {
                case .field(let path): names.append(path[0])
                case .variable("$", let path):
                    if let first = path.first { names.append(first) } else { isOpen = true }
                case .dot: isOpen = true
                default: break
                }
            }
        }
        return isOpen ? nil : names
    }
}
