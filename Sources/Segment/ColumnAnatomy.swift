import Bytes

/// What stands left of a hole, which names its column in every chunk.
package struct ColumnContext: Sendable {
    /// Whole lines that fit no template.
    package var isWholeLine = false
    /// Nothing but these texts and holes between them stands left of it.
    package var beginsLine = false
    /// Texts with holes between them.
    package var texts: [[UInt8]] = []

    /// `key` as `MergedTemplates.context` makes it; empty for a column that no template has.
    init(key: [UInt8]) {
        var parts = key.split(separator: 0xff, omittingEmptySubsequences: false).map(Array.init)
        if parts.count > 1, parts[0] == [0] || parts[0] == [1] {
            isWholeLine = parts[0] == [0]
            beginsLine = parts[0] == [1]
            parts.removeFirst()
        }
        texts = isWholeLine ? [] : parts
    }

    /// As people read it: `^` is the beginning of a line, `…` a hole. It may hold what a terminal
    /// would obey.
    package var text: String {
        if isWholeLine { return "whole line" }
        let texts = texts.map { String(decoding: $0, as: UTF8.self) }
        return (beginsLine ? "^" : "") + texts.joined(separator: "…")
    }
}

/// A column of all chunks that have one of its context.
package struct ColumnAnatomy: Sendable {
    package var context: ColumnContext
    package var isTime: Bool
    package var chunks = 0
    package var values = 0
    /// Of its values, in bytes.
    package var shortest = Int.max
    package var longest = 0
    /// Its pages, and its part of those that columns share.
    package var storedBytes = 0
    /// Chunks with a dictionary, and how many values those list.
    package var dictionaries = 0
    package var distinct: ClosedRange<Int>?
    /// Dictionaries that lie in headers, unpacked; `storedBytes` leaves them out.
    package var inlineBytes = 0
    /// By kind of values (`ValueFormat.Kind`), how many pages and parts of dictionaries have it.
    package var kinds: [String: Int] = [:]
    package var hasIDs = false
    /// Its part of the filters of ids.
    package var filterBytes = 0
}

/// A template of all chunks that have it.
package struct TemplateAnatomy: Sendable {
    package var pieces: [[UInt8]]
    /// Between the pieces.
    package var holes: [(context: ColumnContext, isTime: Bool)]
    package var chunks = 0
    /// Each line of an entry of several is a strip of its own.
    package var strips = 0

    /// Pieces as they are, contexts of holes in angle brackets.
    package var text: String {
        var out = ""
        for (index, piece) in pieces.enumerated() {
            out += String(decoding: piece, as: UTF8.self)
            guard index < holes.count else { continue }
            out += holes[index].isTime ? "<time>" : "<\(holes[index].context.text)>"
        }
        return out
    }
}

/// Gathers columns and templates of chunk after chunk.
struct ColumnsGathering {
    private var columns: [ColumnAnatomy] = []
    private var byContext: [[UInt8]: Int] = [:]
    private var templates: [TemplateAnatomy] = []
    private var byPieces: [[UInt8]: Int] = [:]

    func sortedColumns() -> [ColumnAnatomy] {
        columns.sorted { ($0.storedBytes, $0.values) > ($1.storedBytes, $1.values) }
    }

    func sortedTemplates() -> [TemplateAnatomy] { templates.sorted { $0.strips > $1.strips } }

    /// Takes a frame whose `bytes` these are, with pages T and M.
    mutating func add(
        _ bytes: [UInt8], _ frame: Frame, to totals: inout SegmentAnatomy.Chunks
    ) throws {
        let start = frame.sizeT + frame.sizeM
        let header = try ColumnsHeader(Array(bytes[start..<start + frame.sizeHeader]))
        for page in header.pages {
            try Page.check(bytes, start + page.lowerBound..<start + page.upperBound)
        }
        guard header.rows == frame.rows else {
            throw SegmentError.corrupt("rows of a chunk", offset: start)
        }
        let reader = ColumnsReader(header: header) { range in
            Array(bytes[start + range.lowerBound..<start + range.upperBound])
        }
        totals.header += frame.sizeHeader
        totals.numbers += header.pages[0].count
        if let filter = header.filterPage { totals.filters += header.pages[filter].count }
        let contexts = header.contexts()
        for (column, size) in header.columnSizes().enumerated() {
            totals.columns += size.stored
            guard header.columns[column].values > 0 || size.stored > 0 else { continue }
            try add(column, size, of: reader, contexts[column])
        }
        var strips = [Int](repeating: 0, count: header.templates)
        for template in try reader.pages.numbers().templates { strips[Int(template)] += 1 }
        for template in strips.indices where strips[template] > 0 {
            add(template, strips: strips[template], of: header, contexts)
        }
    }

    private mutating func add(
        _ column: Int, _ size: (stored: Int, filter: Int), of reader: ColumnsReader,
        _ context: [UInt8]
    ) throws {
        let found = reader.header.columns[column]
        let key = context + [found.isTime ? 1 : 0]
        let place = byContext[key] ?? columns.count
        if place == columns.count {
            byContext[key] = place
            columns.append(
                ColumnAnatomy(context: ColumnContext(key: context), isTime: found.isTime))
        }
        columns[place].chunks += 1
        columns[place].values += found.values
        columns[place].shortest = min(columns[place].shortest, found.shortest)
        columns[place].longest = max(columns[place].longest, found.longest)
        columns[place].storedBytes += size.stored
        columns[place].hasIDs = columns[place].hasIDs || found.hasIDs
        columns[place].filterBytes += size.filter
        if let dictionary = found.dictionary {
            let known = columns[place].distinct ?? found.distinct...found.distinct
            columns[place].distinct =
                min(known.lowerBound, found.distinct)...max(known.upperBound, found.distinct)
            columns[place].dictionaries += 1
            if dictionary.page < 0 { columns[place].inlineBytes += dictionary.range.count }
        }
        for body in found.pages + (found.dictionary.map { [$0] } ?? []) {
            let (bytes, range) = try reader.pages.body(body)
            guard let first = bytes[range].first, let kind = ValueFormat.Kind(rawValue: first)
            else { throw SegmentError.corrupt("kind of values", offset: 0) }
            if kind != .codes { columns[place].kinds["\(kind)", default: 0] += 1 }
        }
    }

    private mutating func add(
        _ template: Int, strips: Int, of header: ColumnsHeader, _ contexts: [[UInt8]]
    ) {
        var key: [UInt8] = []
        var pieces: [[UInt8]] = []
        var holes: [(context: ColumnContext, isTime: Bool)] = []
        for step in header.table.steps(of: template) {
            let entry = header.steps[step]
            let piece = Array(header.table.piece(entry))
            key.appendVarint(UInt64(piece.count))
            key += piece
            pieces.append(piece)
            guard entry.column >= 0 else { continue }
            let column = Int(entry.column)
            let isTime = header.columns[column].isTime
            key.append(isTime ? 1 : 0)
            holes.append((ColumnContext(key: contexts[column]), isTime))
        }
        // Whole lines are no template of two empty pieces.
        key.append(template == 0 ? 1 : 0)
        let place = byPieces[key] ?? templates.count
        if place == templates.count {
            byPieces[key] = place
            templates.append(TemplateAnatomy(pieces: pieces, holes: holes))
        }
        templates[place].chunks += 1
        templates[place].strips += strips
    }
}

extension ColumnsHeader {
    /// The context of each column, as the writer pooled it; empty for one that no template has.
    func contexts() -> [[UInt8]] {
        var contexts = [[UInt8]](repeating: [], count: columns.count)
        for template in 0..<templates {
            var left: [UInt8] = [template == 0 ? 0 : 1]
            for step in table.steps(of: template) where steps[step].column >= 0 {
                left = MergedTemplates.context(Array(table.piece(steps[step])), after: left)
                let column = Int(steps[step].column)
                if contexts[column].isEmpty { contexts[column] = left }
            }
        }
        return contexts
    }

    /// Stored bytes of each column. A page that several share is dealt out by the sizes of what
    /// lies in it, that of the filter by the numbers of values, to the byte.
    func columnSizes() -> [(stored: Int, filter: Int)] {
        let bodies = columns.map { column in
            (column.pages + (column.dictionary.map { [$0] } ?? [])).filter {
                $0.page > 0 && $0.page != filterPage
            }
        }
        var totals = [Int](repeating: 0, count: pages.count)
        for body in bodies.joined() { totals[body.page] += body.range.count }
        var dealt = [Int](repeating: 0, count: pages.count)
        /// The share of what comes next in a page.
        func deal(_ page: Int, _ size: Int) -> Int {
            guard totals[page] > 0 else { return 0 }
            let before = pages[page].count * dealt[page] / totals[page]
            dealt[page] += size
            return pages[page].count * dealt[page] / totals[page] - before
        }
        if let filterPage {
            totals[filterPage] = columns.reduce(0) { $0 + ($1.hasIDs ? $1.values : 0) }
        }
        return columns.indices.map { column in
            let stored = bodies[column].reduce(0) { $0 + deal($1.page, $1.range.count) }
            guard let filterPage, columns[column].hasIDs else { return (stored, 0) }
            return (stored, deal(filterPage, columns[column].values))
        }
    }
}
