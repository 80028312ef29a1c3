import LogModel
import Pipeline
import Synchronization

/// One question, with its parameters already read and checked.
package struct QueryRequest: Sendable {
    package var tenant: String
    package var text: String
    /// Log queries: inclusive. Metric queries: the first step.
    package var start: Timestamp
    /// Log queries: exclusive. Metric queries: no step lies behind it. Instant: the moment.
    package var end: Timestamp
    package var stepNanoseconds: Int64
    /// Keeps an entry only when it is this far from the one kept before; 0 keeps all.
    package var intervalNanoseconds: Int64
    /// Entries; 0 = all.
    package var limit: Int
    package var direction: Selection.Direction
    package var isInstant: Bool
    /// Log queries: how many entries of the same stream to give before and after each match.
    package var context = Context()
    /// Whether to tell how the answer was found (`QueryStats.explanation`).
    package var explain = false

    /// Entries around matches. Every row of the answer says which group it belongs to.
    package struct Context: Sendable, Equatable {
        /// On every row: its group, counted from 1 in the order of the answer.
        package static let groupLabel = "__group__"
        /// On rows that the query itself has found: `true`.
        package static let matchLabel = "__match__"

        package var before: Int
        package var after: Int
        package var isWanted: Bool { before > 0 || after > 0 }
        package init(before: Int = 0, after: Int = 0) {
            self.before = before
            self.after = after
        }
    }

    package init(
        tenant: String, text: String, start: Timestamp, end: Timestamp, stepNanoseconds: Int64 = 0,
        intervalNanoseconds: Int64 = 0, limit: Int = 100,
        direction: Selection.Direction = .backward, isInstant: Bool = false
    ) {
        self.tenant = tenant
        self.text = text
        self.start = start
        self.end = end
        self.stepNanoseconds = stepNanoseconds
        self.intervalNanoseconds = intervalNanoseconds
        self.limit = limit
        self.direction = direction
        self.isInstant = isInstant
    }
}

package struct QueryError: Error, Sendable {
    /// What the caller can do about it.
    package enum Kind: Sendable {
        /// The query is wrong, or asks for more than is allowed.
        case invalid
        /// Vector matching failed on the data.
        case matching
        case timeout
        case cancelled
        case source
    }
    package let kind: Kind
    package let message: String
    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

package struct LogRow: Sendable {
    package var timestamp: Int64
    package var line: [UInt8]
    package var labels: ResultLabels
    package init(timestamp: Int64, line: [UInt8], labels: ResultLabels) {
        self.timestamp = timestamp
        self.line = line
        self.labels = labels
    }
}

package struct Point: Sendable, Equatable {
    package var milliseconds: Int64
    package var value: Double
    package init(milliseconds: Int64, value: Double) {
        self.milliseconds = milliseconds
        self.value = value
    }
}

package struct Series: Sendable {
    package var labels: Labels
    package var points: [Point]
    package init(labels: Labels, points: [Point]) {
        self.labels = labels
        self.points = points
    }
}

package enum QueryValue: Sendable {
    /// In the direction asked for.
    case streams([LogRow])
    case matrix([Series])
    /// One point each.
    case vector([Series])
    case scalar(Point)
}

package struct QueryStats: Sendable {
    /// Bytes of lines and entries that were looked at, roll-ups included.
    package var bytes = 0
    package var lines = 0
    package var linesKept = 0
    package var units = 0
    package var unitsFromRollups = 0
    /// From the question to its answer.
    package var seconds = 0.0
    /// Finding what to read, reading, and running stages; the last two summed over threads.
    package var planSeconds = 0.0
    package var loadSeconds = 0.0
    package var pipelineSeconds = 0.0
    /// Of a request that is to be explained.
    package var explanation: QueryExplanation?

    package init() {}
}

/// Set by whoever asked and has left; looked at between units.
package final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)
    package init() {}
    package func cancel() { flag.store(true, ordering: .relaxed) }
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }
}
