import LogModel
import Synchronization

/// How an answer was found: what each selection that the query made cost its source.
package struct QueryExplanation: Codable, Sendable {
    package var scans: [ScanReport]
    /// Further ones, which a query with context or subqueries may have many of.
    package var scansLeftOut: Int

    package init(scans: [ScanReport], scansLeftOut: Int = 0) {
        self.scans = scans
        self.scansLeftOut = scansLeftOut
    }
}

/// The traces of one query.
final class QueryTrace: Sendable {
    /// More of them nobody reads.
    private static let most = 16

    private let state = Mutex((traces: [ScanTrace](), leftOut: 0))

    /// A trace for one more selection; nil when there are enough.
    func begin(_ selection: Selection) -> ScanTrace? {
        state.withLock { state in
            guard state.traces.count < Self.most else {
                state.leftOut += 1
                return nil
            }
            let trace = ScanTrace(selection)
            state.traces.append(trace)
            return trace
        }
    }

    var explanation: QueryExplanation {
        let (traces, leftOut) = state.withLock { $0 }
        return QueryExplanation(scans: traces.map(\.report), scansLeftOut: leftOut)
    }
}
