import Regexp
import Synchronization

/// Patterns that a template names, compiled once. They may come from the data, so few are kept.
final class RegexpCache: Sendable {
    private static let most = 32
    /// Bytes of a pattern: compiling takes time by its length, and a row may bring its own.
    private static let mostBytes = 16 * 1024
    private let known = Mutex<[String: Regexp]>([:])

    func get(_ pattern: String) throws(TemplateError) -> Regexp {
        if let regexp = known.withLock({ $0[pattern] }) { return regexp }
        guard pattern.utf8.count <= Self.mostBytes else {
            throw TemplateError("error parsing regexp: more than \(Self.mostBytes) bytes")
        }
        do {
            let regexp = try Regexp(pattern)
            known.withLock { known in
                if known.count >= Self.most { known = [:] }
                known[pattern] = regexp
            }
            return regexp
        } catch {
            throw TemplateError("error parsing regexp: \(error.reason): `\(pattern)`")
        }
    }
}
