/// A set of strips with the same static pieces, known by its first.
struct FoundTemplate {
    /// The first strip that looked like this.
    var line: Range<Int>
    var firstHole: Int
    var holes: Int
    var rows: Int
}

/// The strips of a chunk, cut, and told apart by their static pieces.
final class LineTable {
    /// A strip that has no template of its own.
    static let none = UInt32.max
    static let mostTemplates = 8192

    let text: UnsafePointer<UInt8>
    // A table is filled by its own init, alone: asking for access at every line cost a tenth.
    @exclusivity(unchecked) private(set) var found: [FoundTemplate] = []
    /// Per strip: index in `found`, or `none`.
    @exclusivity(unchecked) private(set) var templateOfStrip: RawList<UInt32>
    /// Strips without a template, but for those that repeat as a whole.
    @exclusivity(unchecked) private(set) var unplaced = 0
    /// Per strip: where its holes begin in `holes`.
    @exclusivity(unchecked) private(set) var firstHole: RawList<UInt32>
    @exclusivity(unchecked) private(set) var holes: RawList<Hole>
    /// Open addressing by hash: index in `found` plus one, zero for free.
    @exclusivity(unchecked) private var slots: RawList<UInt32>
    @exclusivity(unchecked) private var hashes: RawList<UInt64>

    /// `text` has `Values.slack` bytes behind the last line.
    init(text: UnsafePointer<UInt8>, strips: Strips) {
        self.text = text
        let ends = strips.ends
        templateOfStrip = RawList(capacity: ends.count)
        firstHole = RawList(capacity: ends.count)
        holes = RawList(capacity: ends.count * 12)
        slots = RawList(repeating: 0, count: Self.mostTemplates * 2)
        hashes = RawList(capacity: 256)
        CutClass.table.withUnsafeBufferPointer { classes in
            guard let classes = classes.baseAddress else { return }
            cut(strips, LineCutter(text: text, classes: classes))
        }
    }

    private func cut(_ strips: Strips, _ cutter: LineCutter) {
        var start = 0
        var repeated = strips.repeated[...]
        for (strip, end) in strips.ends.enumerated() {
            let line = start..<Int(end)
            let first = holes.count
            if let next = repeated.first, strip == next {
                repeated.removeFirst()
                firstHole.append(UInt32(truncatingIfNeeded: first))
                templateOfStrip.append(Self.none)
                start = Int(end)
                continue
            }
            let hash = cutter.cut(line, holes: &holes)
            firstHole.append(UInt32(truncatingIfNeeded: first))
            let template = hash.map { place(line, hash: $0, firstHole: first) } ?? Self.none
            if template == Self.none {
                unplaced += 1
                holes.truncate(to: first)
            } else {
                found[Int(template)].rows += 1
            }
            templateOfStrip.append(template)
            start = Int(end)
        }
    }

    private func place(_ line: Range<Int>, hash: UInt64, firstHole first: Int) -> UInt32 {
        let mask = Self.mostTemplates * 2 - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let known = Int(slots[slot]) - 1
            if hashes[known] == hash, isLike(found[known], line, firstHole: first) {
                return UInt32(truncatingIfNeeded: known)
            }
            slot = (slot + 1) & mask
        }
        guard found.count < Self.mostTemplates else { return Self.none }
        found.append(
            FoundTemplate(line: line, firstHole: first, holes: holes.count - first, rows: 0))
        hashes.append(hash)
        slots[slot] = UInt32(found.count)
        return UInt32(found.count - 1)
    }

    /// Hashes may meet by chance or by design: the pieces themselves decide.
    @inline(__always)
    private func isLike(_ template: FoundTemplate, _ line: Range<Int>, firstHole first: Int) -> Bool
    {
        guard template.holes == holes.count - first else { return false }
        var a = template.line.lowerBound
        var b = line.lowerBound
        let known = holes.base + template.firstHole
        let new = holes.base + first
        for index in 0..<template.holes {
            // The starts with their marks: times lie where times lay.
            let size = Int(known[index].marked) - a
            guard Int(new[index].marked) - b == size,
                ByteRun.equal(text + a, text + b, known[index].start - a)
            else { return false }
            a = Int(known[index].end)
            b = Int(new[index].end)
        }
        let size = template.line.upperBound - a
        return line.upperBound - b == size && ByteRun.equal(text + a, text + b, size)
    }
}
