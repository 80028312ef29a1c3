import Synchronization

/// Counts what the parts of one query hold in memory, on whatever thread, and stops the query that
/// would hold more than is allowed.
final class MemoryBudget: Sendable {
    private let held = Atomic<Int>(0)
    private let allowed: Int

    /// `allowed`: bytes.
    init(allowed: Int) { self.allowed = allowed }

    /// Errors: `.invalid` with what is needed and what is allowed; `what` names it.
    func take(_ bytes: Int, for what: @autoclosure () -> String) throws(QueryError) {
        let total = held.wrappingAdd(bytes, ordering: .relaxed).newValue
        guard total <= allowed else {
            throw QueryError(
                .invalid,
                "the query needs more than \(Self.text(allowed)) of memory (\(Self.text(total)) for "
                    + "\(what()) so far), and max_query_memory allows \(Self.text(allowed)); select "
                    + "fewer streams, filter more, shorten the time range, lengthen the step or "
                    + "aggregate by fewer labels")
        }
    }

    func giveBack(_ bytes: Int) { held.subtract(bytes, ordering: .relaxed) }

    private static func text(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\(bytes / 1024) KiB" : "\(bytes >> 20) MiB"
    }
}
