import Yams

/// What is wrong with a text of YAML, and where. The parser's own words quote the lines around it, which
/// may hold secrets.
package struct YAMLFault: CustomStringConvertible {
    /// `12:3: ` in front of what is wrong, where the parser tells it.
    package let description: String

    package init(_ error: any Error) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            description = "\(mark.line):\(mark.column): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            description =
                "\(context.mark.line): in what begins here stand twice: "
                + keys.sorted().joined(separator: ", ")
        case .reader(let problem, _, _, _): description = " \(problem)"
        default: description = " this is no YAML"
        }
    }
}
