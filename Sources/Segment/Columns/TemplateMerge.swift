/// How one hole of a final template lies in a line that was cut by a found template: both ends are
/// told by the end of a found hole (-1 is the line's start) and a number of bytes behind it.
struct HoleRecipe: BitwiseCopyable {
    static let lineEnd: Int32 = -2

    var startAnchor: Int32
    var startOffset: Int32
    var endAnchor: Int32
    var endOffset: Int32
    var isTime = false
    var column: Int32 = 0
}

/// A template as it is stored: one piece more than holes.
struct ChunkTemplate {
    var pieces: [[UInt8]]
    var times: [Bool]
    var columns: [Int] = []
    var rows = 0
}

/// Joins found templates that differ in words only: thread names, levels, methods and paths would
/// multiply them otherwise. Templates of very few rows end as template 0, whole lines.
struct TemplateMerge {
    static let fewestRows = 3
    /// A template looks at so many clusters of its skeleton before it founds its own.
    static let mostCandidates = 64
    /// Templates with this many rows, of one skeleton, are an enumeration rather than free words:
    /// the template's number says all at once what several columns would say one by one.
    let enoughRows: Int

    private(set) var templates: [ChunkTemplate] = []
    /// Per found template: the final one, and where its holes lie.
    private(set) var target: [Int] = []
    private(set) var recipes: [[HoleRecipe]] = []

    private enum Kind: UInt8 { case slot = 1, time, spaces, other }

    private struct Atom {
        var kind: Kind
        var range: Range<Int>
        var isHole: Bool
    }

    private struct Cluster {
        var atoms: [Atom]
        var varies: [Bool]
        var members: [Int]
        var rows: Int
    }

    init(_ table: LineTable, enoughRows: Int) {
        self.enoughRows = enoughRows
        let whole = HoleRecipe(
            startAnchor: -1, startOffset: 0, endAnchor: HoleRecipe.lineEnd, endOffset: 0)
        templates = [ChunkTemplate(pieces: [[], []], times: [false])]
        target = Array(repeating: 0, count: table.found.count)
        recipes = Array(repeating: [whole], count: table.found.count)
        for cluster in Self.clusters(table, enoughRows: enoughRows)
        where cluster.rows >= Self.fewestRows {
            finish(cluster, table)
        }
    }

    private static func clusters(
        _ table: LineTable, enoughRows: Int
    ) -> [Cluster] {
        let order = table.found.indices.sorted {
            (table.found[$1].rows, $0) < (table.found[$0].rows, $1)
        }
        var clusters: [Cluster] = []
        var (asked, joins) = (0, 0)
        var bySkeleton: [UInt64: [Int]] = [:]
        for index in order {
            let atoms = atoms(of: table.found[index], table)
            let skeleton = skeleton(atoms, table.text)
            let rows = table.found[index].rows
            let near = bySkeleton[skeleton, default: []]
            if rows < enoughRows {
                // Lines of free text never join: a long look at each would be for nothing.
                let isHopeless = asked > 512 && joins * 8 < asked
                var joined = false
                for candidate in near.prefix(isHopeless ? 4 : mostCandidates)
                where join(&clusters[candidate], index, atoms, rows, table) {
                    joined = true
                    break
                }
                if !near.isEmpty { asked += 1 }
                if joined {
                    joins += 1
                    continue
                }
            }
            bySkeleton[skeleton, default: []].append(clusters.count)
            clusters.append(
                Cluster(
                    atoms: atoms, varies: atoms.map { $0.isHole }, members: [index], rows: rows))
        }
        return clusters
    }

    private static func join(
        _ cluster: inout Cluster, _ index: Int, _ atoms: [Atom], _ rows: Int,
        _ table: LineTable
    ) -> Bool {
        guard cluster.atoms.count == atoms.count else { return false }
        var differing: [Int] = []
        var slots = 0
        var unequal = 0
        for (place, (a, b)) in zip(cluster.atoms, atoms).enumerated() {
            guard a.kind == b.kind else { return false }
            let same =
                a.isHole == b.isHole
                && (a.isHole || equal(a.range, b.range, table.text))
            if a.kind == .other, !same { return false }
            if a.kind == .slot { slots += 1 }
            guard !same else { continue }
            if a.kind == .slot { unequal += 1 }
            differing.append(place)
        }
        guard unequal * 2 <= slots else { return false }
        for place in differing { cluster.varies[place] = true }
        cluster.members.append(index)
        cluster.rows += rows
        return true
    }

    private static func equal(
        _ a: Range<Int>, _ b: Range<Int>, _ text: UnsafePointer<UInt8>
    ) -> Bool {
        a.count == b.count && ByteRun.equal(text + a.lowerBound, text + b.lowerBound, a.count)
    }

    private static func atoms(
        of template: FoundTemplate, _ table: LineTable
    ) -> [Atom] {
        var atoms: [Atom] = []
        atoms.reserveCapacity(template.holes * 4 + 32)
        var at = template.line.lowerBound
        let kinds = kinds
        func cutPiece(until end: Int) {
            kinds.withUnsafeBufferPointer { kinds in
                while at < end {
                    let start = at
                    let kind = kinds[Int(table.text[at])]
                    while at < end, kinds[Int(table.text[at])] == kind { at += 1 }
                    let atom: Kind =
                        switch kind {
                        case 1, 2: .slot
                        case 3: .spaces
                        default: .other
                        }
                    atoms.append(Atom(kind: atom, range: start..<at, isHole: false))
                }
            }
        }
        for index in template.firstHole..<template.firstHole + template.holes {
            let hole = table.holes[index]
            cutPiece(until: hole.start)
            at = Int(hole.end)
            atoms.append(
                Atom(kind: hole.isTime ? .time : .slot, range: hole.start..<at, isHole: true))
        }
        cutPiece(until: template.line.upperBound)
        return atoms
    }

    /// Per byte: what it is to an atom.
    private static let kinds: [UInt8] = CutClass.table.enumerated().map { byte, flags in
        if byte == 32 { return 3 }
        if flags & CutClass.token != 0 { return 1 }
        return flags & CutClass.high != 0 ? 2 : 0
    }

    private static func skeleton(_ atoms: [Atom], _ text: UnsafePointer<UInt8>) -> UInt64 {
        var hash: UInt64 = 0
        for atom in atoms {
            let kind = UInt64(atom.kind.rawValue)
            hash =
                atom.kind == .other
                ? ByteRun.hash(text + atom.range.lowerBound, atom.range.count, seed: hash ^ kind)
                : ByteRun.mix(hash, kind)
        }
        return hash
    }
}

extension TemplateMerge {
    /// Runs of atoms that become one hole: neighbours that vary grow together, a time stays alone.
    private func holes(of cluster: Cluster) -> [Range<Int>] {
        var out: [Range<Int>] = []
        for place in cluster.atoms.indices where cluster.varies[place] {
            if let last = out.last, last.upperBound == place, cluster.atoms[place].kind != .time,
                cluster.atoms[place - 1].kind != .time
            {
                out[out.count - 1] = last.lowerBound..<place + 1
            } else {
                out.append(place..<place + 1)
            }
        }
        return out
    }

    private mutating func finish(_ cluster: Cluster, _ table: LineTable) {
        let holes = holes(of: cluster)
        guard holes.count <= LineCutter.mostHoles else { return }
        var pieces: [[UInt8]] = []
        var at = cluster.atoms.first?.range.lowerBound ?? 0
        func bytes(until end: Int) -> [UInt8] {
            Array(UnsafeBufferPointer(start: table.text + at, count: end - at))
        }
        for hole in holes {
            pieces.append(bytes(until: cluster.atoms[hole.lowerBound].range.lowerBound))
            at = cluster.atoms[hole.upperBound - 1].range.upperBound
        }
        pieces.append(bytes(until: cluster.atoms.last?.range.upperBound ?? at))
        let times = holes.map { cluster.atoms[$0.lowerBound].kind == .time }
        for member in cluster.members {
            target[member] = templates.count
            let template = table.found[member]
            let atoms = Self.atoms(of: template, table)
            recipes[member] = zip(holes, times).map { hole, isTime in
                let start = Self.place(atoms[hole.lowerBound].range.lowerBound, template, table)
                let end = Self.place(atoms[hole.upperBound - 1].range.upperBound, template, table)
                return HoleRecipe(
                    startAnchor: start.anchor, startOffset: start.offset, endAnchor: end.anchor,
                    endOffset: end.offset, isTime: isTime)
            }
        }
        templates.append(ChunkTemplate(pieces: pieces, times: times))
    }

    /// A place in a template's own line, told so that it holds for all its lines.
    private static func place(
        _ offset: Int, _ template: FoundTemplate, _ table: LineTable
    ) -> (anchor: Int32, offset: Int32) {
        var anchor: Int32 = -1
        var base = template.line.lowerBound
        for index in 0..<template.holes {
            let end = Int(table.holes[template.firstHole + index].end)
            if end > offset { break }
            anchor = Int32(truncatingIfNeeded: index)
            base = end
        }
        return (anchor, Int32(truncatingIfNeeded: offset - base))
    }
}
