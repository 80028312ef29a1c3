import Bytes
import LogModel

/// A condition on lines, made ready once and put to many chunks.
package final class LineQuestion: Sendable {
    indirect enum Node: Sendable {
        case anything
        case literal(ColumnsLiteral)
        case not(Node)
        case all([Node])
        case any([Node])
    }

    /// What kept answers are known by: the question has the trace of its query, which has its segments.
    let condition: LineCondition
    let root: Node
    /// Told what is done to answer it.
    package let trace: ScanTrace?

    package init(_ condition: LineCondition, trace: ScanTrace? = nil) {
        self.condition = condition
        root = Self.node(condition)
        self.trace = trace
    }

    /// True when every line fulfils it.
    package var isEmpty: Bool { if case .anything = root { true } else { false } }

    private static func node(_ condition: LineCondition) -> Node {
        switch condition {
        case .anything: .anything
        case .contains(let needle, let ignoringCase):
            needle.isEmpty
                ? .anything : .literal(ColumnsLiteral(needle, ignoringCase: ignoringCase))
        case .not(let inner): .not(node(inner))
        // Long literals mostly rule out the most.
        case .all(let list): .all(list.map(node).sorted { $0.size > $1.size })
        case .any(let list): .any(list.map(node))
        }
    }

    /// Whether a line fulfils it.
    private func holds(_ line: UnsafeRawBufferPointer) -> Bool { Self.holds(root, line) }

    private static func holds(_ node: Node, _ line: UnsafeRawBufferPointer) -> Bool {
        switch node {
        case .anything: true
        case .literal(let literal): literal.search.occurs(in: line)
        case .not(let inner): !holds(inner, line)
        case .all(let list): list.allSatisfy { holds($0, line) }
        case .any(let list): list.contains { holds($0, line) }
        }
    }

    /// The rows of entries that fulfil it; with their lines or without.
    package func filtered(_ entries: Entries, withLines: Bool) -> Entries {
        var out = Entries()
        var start = 0
        var source = entries
        entries.lineBytes.withUnsafeBytes { bytes in
            if !withLines { source.lineBytes = [] }
            for row in 0...entries.count {
                if row < entries.count,
                    holds(UnsafeRawBufferPointer(rebasing: bytes[entries.lineRange(row)]))
                {
                    continue
                }
                if start < row { out.append(source, rows: start..<row) }
                start = row + 1
            }
        }
        return out
    }
}

extension LineQuestion.Node {
    fileprivate var size: Int {
        if case .literal(let literal) = self { literal.needle.count } else { 0 }
    }

    /// What is known of the whole from what is known of its literals.
    func verdict(
        _ ofLiteral: (ColumnsLiteral) throws -> ColumnsVerdict
    ) rethrows -> ColumnsVerdict {
        switch self {
        case .anything: return .all
        case .literal(let literal): return try ofLiteral(literal)
        case .not(let inner):
            switch try inner.verdict(ofLiteral) {
            case .all: return .none
            case .none: return .all
            case .maybe: return .maybe
            }
        case .all(let list):
            var result = ColumnsVerdict.all
            for node in list {
                switch try node.verdict(ofLiteral) {
                case .none: return .none
                case .maybe: result = .maybe
                case .all: break
                }
            }
            return result
        case .any(let list):
            var result = ColumnsVerdict.none
            for node in list {
                switch try node.verdict(ofLiteral) {
                case .all: return .all
                case .maybe: result = .maybe
                case .none: break
                }
            }
            return result
        }
    }
}
