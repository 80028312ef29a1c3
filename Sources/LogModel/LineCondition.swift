/// What is asked of the bytes of a line, as far as literals can say it.
package indirect enum LineCondition: Sendable, Equatable {
    /// Every line fulfils it.
    case anything
    /// With `ignoringCase` ASCII letters are folded, nothing else.
    case contains([UInt8], ignoringCase: Bool = false)
    case not(LineCondition)
    case all([LineCondition])
    case any([LineCondition])

    /// Both, without what says nothing.
    package func and(_ other: LineCondition) -> LineCondition {
        switch (self, other) {
        case (.anything, let only), (let only, .anything): only
        case (.all(let some), .all(let more)): .all(some + more)
        case (.all(let some), let one): .all(some + [one])
        case (let one, .all(let more)): .all([one] + more)
        default: .all([self, other])
        }
    }

    /// At least one of them.
    package static func either(_ conditions: [LineCondition]) -> LineCondition {
        if conditions.contains(.anything) { return .anything }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }
}

extension LineCondition: CustomStringConvertible {
    /// Readable; it may hold what a terminal would obey.
    package var description: String {
        switch self {
        case .anything: "any line"
        case .contains(let needle, let ignoringCase):
            quoted(String(decoding: needle, as: UTF8.self)) + (ignoringCase ? " in any case" : "")
        case .not(let inner): "not \(inner.inBrackets)"
        case .all(let list): list.map(\.inBrackets).joined(separator: " and ")
        case .any(let list): list.map(\.inBrackets).joined(separator: " or ")
        }
    }

    private var inBrackets: String {
        switch self {
        case .all, .any: "(\(self))"
        default: "\(self)"
        }
    }
}
