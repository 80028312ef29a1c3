/// The values of all holes of a chunk, pooled to columns by what stands left of them: the same
/// field of many templates is one column, in the order of the rows.
final class ColumnPool {
    struct Column {
        var isTime: Bool
        var first = 0
        var count = 0
    }

    private(set) var columns: [Column] = []
    /// All values, column after column.
    private(set) var spans: RawList<ByteSpan>
    /// The row of each value; filled for times only.
    private(set) var rows: RawList<UInt32>

    init(_ table: LineTable, _ merge: MergedTemplates, strips: Strips) {
        var counts = [Int](repeating: 0, count: merge.isTimeColumn.count)
        for template in merge.templates where template.rows > 0 {
            for column in template.columns { counts[column] += template.rows }
        }
        let total = counts.reduce(0, +)
        spans = RawList(capacity: total + 1)
        rows = RawList(capacity: total + 1)
        var first = 0
        for (index, count) in counts.enumerated() {
            columns.append(Column(isTime: merge.isTimeColumn[index], first: first, count: count))
            first += count
        }
        fill(table, merge, strips)
    }

    private func fill(
        _ table: LineTable, _ merge: MergedTemplates, _ strips: Strips
    ) {
        var next = RawList<Int>(capacity: columns.count)
        for column in columns { next.append(column.first) }
        var start = 0
        for strip in strips.ends.indices {
            let end = Int(strips.ends[strip])
            let template = table.templateOfStrip[strip]
            let recipes = merge.recipes(of: template)
            let holes = table.holes.base + Int(table.firstHole[strip])
            for recipe in recipes {
                let from =
                    (recipe.startAnchor < 0 ? start : Int(holes[Int(recipe.startAnchor)].end))
                    + Int(recipe.startOffset)
                let to: Int
                switch recipe.endAnchor {
                case HoleRecipe.lineEnd: to = end
                case -1: to = start + Int(recipe.endOffset)
                default: to = Int(holes[Int(recipe.endAnchor)].end) + Int(recipe.endOffset)
                }
                let place = next[Int(recipe.column)]
                next[Int(recipe.column)] = place + 1
                spans.base[place] = ByteSpan(from, to - from)
                if recipe.isTime { rows.base[place] = strips.rows[strip] }
            }
            start = end
        }
    }
}

/// Final templates with their columns, and the recipes flat.
final class MergedTemplates {
    private(set) var templates: [ChunkTemplate]
    private(set) var isTimeColumn: [Bool] = []
    private(set) var target: [Int]
    private var flat = RawList<HoleRecipe>(capacity: 1024)
    private var firstRecipe: [Int] = []
    private static let whole = HoleRecipe(
        startAnchor: -1, startOffset: 0, endAnchor: HoleRecipe.lineEnd, endOffset: 0)

    init(_ merge: TemplateMerge, _ table: LineTable, rows: Int) {
        templates = merge.templates
        target = merge.target
        var known: [[UInt8]: Int] = [:]
        var templated = 0
        for (found, template) in target.enumerated() {
            templates[template].rows += table.found[found].rows
            templated += table.found[found].rows
        }
        templates[0].rows += rows - templated
        sortByRows()
        for index in templates.indices {
            var left: [UInt8] = [index == 0 ? 0 : 1]
            for hole in templates[index].times.indices {
                let isTime = templates[index].times[hole]
                let context = Self.context(templates[index].pieces[hole], after: left)
                left = context
                let key = context + [isTime ? 1 : 0]
                let column = known[key] ?? isTimeColumn.count
                if column == isTimeColumn.count {
                    known[key] = column
                    isTimeColumn.append(isTime)
                }
                templates[index].columns.append(column)
            }
        }
        flat.append(Self.whole)
        for (found, recipes) in merge.recipes.enumerated() {
            firstRecipe.append(flat.count)
            for (hole, recipe) in recipes.enumerated() {
                var recipe = recipe
                recipe.column = Int32(templates[target[found]].columns[hole])
                flat.append(recipe)
            }
        }
        firstRecipe.append(flat.count)
    }

    /// Common templates get small numbers; whole lines stay number 0.
    private func sortByRows() {
        let order =
            [0]
            + templates.indices.dropFirst().sorted {
                (templates[$1].rows, $0) < (templates[$0].rows, $1)
            }
        var place = [Int](repeating: 0, count: templates.count)
        for (new, old) in order.enumerated() { place[old] = new }
        templates = order.map { templates[$0] }
        target = target.map { place[$0] }
    }

    /// The piece's last word and what follows it; a piece that says too little also takes what
    /// stood left of the hole before.
    static func context(_ piece: [UInt8], after left: [UInt8]) -> [UInt8] {
        func isWord(_ byte: UInt8) -> Bool { CutClass.table[Int(byte)] != 0 }
        var at = piece.count
        while at > 0, !isWord(piece[at - 1]) { at -= 1 }
        while at > 0, isWord(piece[at - 1]) { at -= 1 }
        let tail = Array(piece[at...].suffix(40))
        return tail.count >= 3 ? tail : Array((left + [0xff] + tail).suffix(60))
    }

    @inline(__always)
    func recipes(of found: UInt32) -> UnsafeBufferPointer<HoleRecipe> {
        guard found != LineTable.none else {
            return UnsafeBufferPointer(start: flat.base, count: 1)
        }
        let first = firstRecipe[Int(found)]
        return UnsafeBufferPointer(
            start: flat.base + first, count: firstRecipe[Int(found) + 1] - first)
    }
}
