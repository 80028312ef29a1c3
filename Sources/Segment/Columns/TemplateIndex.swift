import Bytes

/// What the lines of all COLUMNS chunks of a segment look like: their templates once each, and of each
/// column what all chunks agree on. A search asks here first, and mostly opens no chunk.
/// ```
/// u8 1 when a line may be several strips
/// varint frames { varint frame (difference) }: the chunks that the index knows
/// varint columns { u8 1 when its values are listed, 2 when all its ids are in the filters of the chunks;
///                  varint shortest, longest, u64 classes
///                  listed: varint count { varint size, bytes }; ids: varint size of the longest }
/// varint templates { template as in a chunk's header, varint frames { varint difference } }
/// ```
struct TemplateIndex: Sendable {
    static let mostTemplates = 20_000
    static let mostPieceBytes = 4 * 1024 * 1024
    /// Values of a column that are listed: levels, loggers, methods, threads.
    static let mostListed = 256
    static let mostListedBytes = 8192

    private let table: TemplateTable
    private let summaries: [ColumnSummary]
    private let lists: [[[UInt8]]]
    private let frames: [[Int]]
    /// Frames that the index knows nothing of.
    private let unknown: RowMask
    private let hasStrips: Bool

    /// Bytes of memory, about.
    var memory: Int {
        table.memory + summaries.count * 48 + frames.reduce(0) { $0 + 32 + $1.count * 8 }
            + lists.reduce(0) { $0 + $1.reduce(0) { $0 + 32 + $1.count } }
    }

    /// `frames` of the segment in all. Until format version 6 lines of no template and those that are a value and
    /// nothing else were one template, which knew the column of only one of them: the index knows nothing of
    /// frames that have it, unless it is told apart.
    init(
        decoding body: [UInt8], frames count: Int, tellsWholeLines: Bool
    ) throws(BytesError) {
        var reader = ByteReader(body)
        hasStrips = try reader.readUInt8() == 1
        var unknown = RowMask(rows: count, all: true)
        for frame in try Self.readFrames(&reader, count) { unknown.remove(frame) }
        var summaries: [ColumnSummary] = []
        var lists: [[[UInt8]]] = []
        for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
            let kind = try reader.readUInt8()
            let limit = SegmentFormat.maxPageBytes
            summaries.append(
                ColumnSummary(
                    mask: 0, shortest: try reader.readCount(limit: limit),
                    longest: try reader.readCount(limit: limit), hasList: kind == 1, longestID: 0))
            summaries[summaries.count - 1].mask = try reader.readUInt64()
            if kind == 2 {
                summaries[summaries.count - 1].longestID = try reader.readCount(limit: limit)
            }
            var list: [[UInt8]] = []
            for _ in 0..<(kind == 1 ? try reader.readCount(limit: Self.mostListed) : 0) {
                list.append(try reader.readBytes(try reader.readCount(limit: reader.remaining)))
            }
            lists.append(list)
        }
        self.summaries = summaries
        self.lists = lists
        var frames: [[Int]] = []
        table = try TemplateTable(&reader, limit: Self.mostTemplates) { reader throws(BytesError) in
            frames.append(try Self.readFrames(&reader, count))
        }
        self.frames = frames
        if !tellsWholeLines {
            for template in 0..<table.count where table.isBareHole(template) {
                for frame in frames[template] { unknown.insert(frame) }
            }
        }
        self.unknown = unknown
        guard reader.isAtEnd, table.steps.allSatisfy({ Int($0.column) < summaries.count }) else {
            throw .invalid("index of templates", offset: reader.offset)
        }
    }

    private static func readFrames(
        _ reader: inout ByteReader, _ count: Int
    ) throws(BytesError) -> [Int] {
        var frames: [Int] = []
        var at = 0
        for _ in 0..<(try reader.readCount(limit: count)) {
            at += try reader.readCount(limit: count)
            guard at < count else { throw .invalid("frame of a template", offset: reader.offset) }
            frames.append(at)
        }
        return frames
    }

    /// The frames whose lines may hold a literal.
    private func frames(mayHold literal: ColumnsLiteral) throws -> FrameCandidates {
        let literal = literal.part(hasStrips: hasStrips) ?? literal
        var made: [Int: ByteColumn] = [:]
        func list(_ column: Int) -> ByteColumn? {
            if let known = made[column] { return known }
            let list = lists[column].isEmpty ? nil : ByteColumn(lists[column])
            made[column] = list
            return list
        }
        func alignment(_ mayHoldID: @escaping (UInt64) -> Bool) -> LiteralAlignment {
            LiteralAlignment(literal, table, summaries, list: list, mayHoldID: mayHoldID)
        }
        var keys: Set<UInt64> = []
        let with = alignment { key in
            keys.insert(key)
            return true
        }
        // The same as if no chunk had any of the ids that matter.
        let without = alignment { _ in false }
        var result = unknown
        var sure = unknown
        for template in 0..<table.count {
            guard try !with.plan(ofTemplate: template).isNowhere else { continue }
            for frame in frames[template] { result.insert(frame) }
            let isSure = try keys.isEmpty || !without.plan(ofTemplate: template).isNowhere
            guard isSure else { continue }
            for frame in frames[template] { sure.insert(frame) }
        }
        guard !keys.isEmpty else { return FrameCandidates(frames: result, needs: []) }
        var others = result
        sure.invert()
        others.formIntersection(sure)
        return FrameCandidates(frames: result, needs: [.init(frames: others, keys: keys.sorted())])
    }

    /// The frames that may have lines which fulfil a condition; nil for all.
    func frames(mayHold node: LineQuestion.Node) throws -> FrameCandidates? {
        switch node {
        case .anything, .not: return nil
        case .literal(let literal): return try frames(mayHold: literal)
        case .all(let list):
            var result: FrameCandidates?
            for node in list {
                guard let found = try frames(mayHold: node) else { continue }
                guard var known = result else {
                    result = found
                    continue
                }
                known.frames.formIntersection(found.frames)
                known.needs += found.needs
                result = known
            }
            return result
        case .any(let list):
            // What one alternative needs another may do without.
            var result = RowMask(rows: unknown.rows, all: false)
            for node in list {
                guard let found = try frames(mayHold: node) else { return nil }
                result.formUnion(found.frames)
            }
            return FrameCandidates(frames: result, needs: [])
        }
    }
}

/// Frames that may have lines which fulfil a condition, as far as the index tells.
struct FrameCandidates: Sendable {
    /// Frames that have such lines only when their filter of ids knows one of some keys.
    struct Need: Sendable {
        var frames: RowMask
        var keys: [UInt64]
    }

    var frames: RowMask
    /// Each of them holds.
    var needs: [Need]

    /// Whether a frame's filter of ids, which is asked for when it matters, rules it out.
    func isRuledOut(_ frame: Int, _ ids: () throws -> IDFilter?) rethrows -> Bool {
        for need in needs where need.frames.contains(frame) {
            guard let ids = try ids() else { return false }
            if !need.keys.contains(where: ids.mayHold) { return true }
        }
        return false
    }
}

/// Gathers the index while a segment is written.
struct TemplateIndexBuilder {
    private struct Column {
        var mask: UInt64 = 0
        var shortest = Int.max
        var longest = 0
        /// Nil once they are too many, or not known.
        var values: Set<[UInt8]>? = []
        var listedBytes = 0
        /// Of its ids, which are in the filters, the longest; nil once some are in none.
        var longestID: Int? = 0

        mutating func list(_ found: ByteColumn?) {
            guard let found, values != nil, found.count <= TemplateIndex.mostListed else {
                values = nil
                return
            }
            for index in 0..<found.count {
                let value = Array(found.value(index))
                if values?.insert(value).inserted == true { listedBytes += value.count }
            }
            if (values?.count ?? 0) > TemplateIndex.mostListed
                || listedBytes > TemplateIndex.mostListedBytes
            {
                values = nil
            }
        }
    }

    private var columns: [Column] = []
    /// By what stands left of their holes, which names them in every chunk.
    private var byContext: [[UInt8]: Int] = [:]
    private var templates: [(pieces: [[UInt8]], columns: [Int], frames: [Int])] = []
    private var byPieces: [[UInt8]: Int] = [:]
    private var frames: [Int] = []
    private var pieceBytes = 0
    private var hasStrips = false

    /// Notes a chunk that was written as a frame. One that cannot be read is left out, which is always
    /// right.
    mutating func add(_ chunk: [UInt8], frame: Int) {
        guard templates.count <= TemplateIndex.mostTemplates,
            pieceBytes <= TemplateIndex.mostPieceBytes, let reader = try? ColumnsReader(chunk)
        else { return }
        frames.append(frame)
        let header = reader.header
        hasStrips = hasStrips || header.strips > header.rows
        var places = [Int?](repeating: nil, count: header.columns.count)
        for template in 0..<header.templates {
            add(template, of: reader, frame: frame, &places)
        }
    }

    private mutating func add(
        _ template: Int, of reader: ColumnsReader, frame: Int, _ places: inout [Int?]
    ) {
        let header = reader.header
        // What tells a template in all chunks: its pieces and the columns of its holes.
        var key: [UInt8] = []
        var pieces: [[UInt8]] = []
        var holes: [Int] = []
        var left: [UInt8] = [template == 0 ? 0 : 1]
        for step in header.table.steps(of: template) {
            let entry = header.table.steps[step]
            let piece = Array(header.table.piece(entry))
            key.appendVarint(UInt64(piece.count))
            key += piece
            pieces.append(piece)
            guard entry.column >= 0 else { continue }
            let column = Int(entry.column)
            // Template 0 is in every header, whether a strip has it or not.
            if header.columns[column].values == 0 { return }
            let isTime = header.columns[column].isTime
            left = MergedTemplates.context(piece, after: left)
            let hole = places[column] ?? place(left + [isTime ? 1 : 0], column, reader)
            holes.append(hole)
            key.appendVarint(UInt64(hole))
            places[column] = hole
        }
        let place = byPieces[key] ?? templates.count
        if place == templates.count {
            byPieces[key] = place
            templates.append((pieces, holes, []))
            pieceBytes += key.count
        }
        // Merging may leave a chunk two templates with the same pieces.
        if templates[place].frames.last != frame { templates[place].frames.append(frame) }
    }

    private mutating func place(
        _ context: [UInt8], _ column: Int, _ reader: ColumnsReader
    ) -> Int {
        let place = byContext[context] ?? columns.count
        if place == columns.count {
            byContext[context] = place
            columns.append(Column())
        }
        let found = reader.header.columns[column]
        columns[place].mask |= found.mask
        columns[place].shortest = min(columns[place].shortest, found.shortest)
        columns[place].longest = max(columns[place].longest, found.longest)
        let hasNoID = !found.isTime && found.longest < IDFilter.shortest
        columns[place].longestID =
            found.hasIDs || hasNoID
            ? columns[place].longestID.map { max($0, found.longestID) } : nil
        let isSmall = found.dictionary != nil && found.distinct <= TemplateIndex.mostListed
        columns[place].list(isSmall ? (try? reader.pages.dictionary(column)) ?? nil : nil)
        return place
    }

    /// Nil without chunks, or when they have too little in common.
    func encode() -> [UInt8]? {
        guard !frames.isEmpty, templates.count <= TemplateIndex.mostTemplates,
            pieceBytes <= TemplateIndex.mostPieceBytes
        else { return nil }
        var out: [UInt8] = [hasStrips ? 1 : 0]
        Self.write(frames, into: &out)
        out.appendVarint(UInt64(columns.count))
        for column in columns {
            let ids = column.longestID.flatMap { $0 > 0 ? $0 : nil }
            out.append(column.values != nil ? 1 : ids != nil ? 2 : 0)
            out.appendVarint(UInt64(column.shortest))
            out.appendVarint(UInt64(column.longest))
            out.appendLE(column.mask)
            if column.values == nil, let ids { out.appendVarint(UInt64(ids)) }
            guard let values = column.values else { continue }
            out.appendVarint(UInt64(values.count))
            for value in values.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                out.appendVarint(UInt64(value.count))
                out += value
            }
        }
        out.appendVarint(UInt64(templates.count))
        for template in templates {
            TemplateTable.write(template.pieces, columns: template.columns, into: &out)
            Self.write(template.frames, into: &out)
        }
        return out
    }

    private static func write(_ frames: [Int], into out: inout [UInt8]) {
        out.appendVarint(UInt64(frames.count))
        var before = 0
        for frame in frames {
            out.appendVarint(UInt64(frame - before))
            before = frame
        }
    }
}
