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

    /// Whether any of some lines, which lie end to end, may fulfil it.
    func mayHold(anyOf lines: UnsafeRawBufferPointer) -> Bool { root.mayHold(anyOf: lines) }

    /// The rows of a range that fulfil it.
    func rows(of entries: Entries, within range: Range<Int>) -> RowMask {
        entries.lineBytes.withUnsafeBytes { lines in
            entries.lineEnds.withUnsafeBufferPointer { ends in
                root.rows(of: LineRun(lines, ends), within: range)
            }
        }
    }

    /// The rows of entries that fulfil it, without their lines.
    package func filtered(_ entries: Entries) -> Entries {
        let held = rows(of: entries, within: 0..<entries.count)
        var chosen: [Int] = []
        held.append(in: 0..<entries.count, to: &chosen)
        var source = entries
        source.lineBytes = []
        return source.rows(chosen)
    }
}

/// Lines that lie end to end.
private struct LineRun {
    let bytes: UnsafeRawBufferPointer
    let ends: UnsafeBufferPointer<UInt32>

    init(_ bytes: UnsafeRawBufferPointer, _ ends: UnsafeBufferPointer<UInt32>) {
        self.bytes = bytes
        self.ends = ends
    }

    func start(_ row: Int) -> Int { row == 0 ? 0 : Int(ends[row - 1]) }

    /// The rows of a range that hold a literal: all of their bytes are searched at once, since most lines are
    /// shorter than what starting a search costs.
    func rows(holding search: ByteSearch, within range: Range<Int>) -> RowMask {
        var found = RowMask(rows: ends.count, all: false)
        guard !range.isEmpty else { return found }
        let text = UnsafeRawBufferPointer(rebasing: bytes[..<Int(ends[range.upperBound - 1])])
        var row = range.lowerBound
        var at = start(row)
        while let hit = search.find(in: text, from: at) {
            while ends[row] <= hit { row += 1 }
            if hit + search.needle.count <= Int(ends[row]) {
                found.insert(row)
                at = Int(ends[row])
            } else {
                // Its end is the next line's beginning.
                at = hit + 1
            }
        }
        return found
    }
}

extension LineQuestion.Node {
    fileprivate func mayHold(anyOf lines: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .anything, .not: true
        case .literal(let literal): literal.search.occurs(in: lines)
        case .all(let list): list.allSatisfy { $0.mayHold(anyOf: lines) }
        case .any(let list): list.contains { $0.mayHold(anyOf: lines) }
        }
    }

    /// Rows outside of the range may be in it, too.
    fileprivate func rows(of lines: LineRun, within range: Range<Int>) -> RowMask {
        switch self {
        case .anything: return RowMask(rows: lines.ends.count, all: true)
        case .literal(let literal): return lines.rows(holding: literal.search, within: range)
        case .not(let inner):
            var found = inner.rows(of: lines, within: range)
            found.invert()
            return found
        case .all(let list):
            var found = RowMask(rows: lines.ends.count, all: true)
            for node in list where !found.isEmpty {
                found.formIntersection(node.rows(of: lines, within: range))
            }
            return found
        case .any(let list):
            var found = RowMask(rows: lines.ends.count, all: false)
            for node in list { found.formUnion(node.rows(of: lines, within: range)) }
            return found
        }
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
