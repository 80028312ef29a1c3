import Bytes
import Synchronization

/// Numbers what templates look like in all chunks that share a cache: whoever has found out about a
/// shape in one chunk knows it again in the next.
///
/// Equal numbers are equal shapes: the same pieces, and holes in which the same bytes may occur.
package final class ShapeNumbers: Sendable {
    /// What is kept of shapes. Beyond it numbers go on, and shapes that were seen before get new ones.
    private static let mostBytes = 8 * 1024 * 1024
    private static let most = 65_536

    private struct State {
        var keys = ByteTable()
        /// Number of the first of them.
        var first = 0
    }
    private let state = Mutex(State())

    package init() {}

    private func number(of key: [UInt8]) -> Int {
        state.withLock { state in
            if state.keys.count == Self.most || state.keys.bytes + key.count > Self.mostBytes {
                state.first += state.keys.count
                state.keys = ByteTable()
            }
            return state.first + key.withUnsafeBytes { state.keys.insert($0) }
        }
    }

    /// The numbers of a chunk's templates.
    package func numbers(of header: ColumnsHeader) -> [Int] {
        var key: [UInt8] = []
        return (0..<header.templates).map { template in
            key.removeAll(keepingCapacity: true)
            for step in header.table.steps(of: template) {
                let entry = header.steps[step]
                key.appendLE(entry.size)
                key += header.table.piece(entry)
                guard entry.column >= 0 else { continue }
                let column = header.columns[Int(entry.column)]
                key.appendLE(column.mask)
                key.append((column.shortest == 0 ? 1 : 0) | (column.isTime ? 2 : 0))
            }
            return number(of: key)
        }
    }
}
