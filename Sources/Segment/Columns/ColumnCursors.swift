import LogModel

/// Where one column stands while rows are walked through.
struct ColumnCursor: BitwiseCopyable {
    enum Mode: UInt8 { case empty, inOrder, coded, constant, times }

    var mode = Mode.empty
    /// The value of the page that comes next, and how many there are.
    var index = 0
    var count = 0
    /// Number of the page's first value in the column.
    var base = 0
    var bytes: UnsafeMutablePointer<UInt8>
    var ends: UnsafeMutablePointer<UInt32>
    var codes: UnsafeMutablePointer<Int64>
    /// Of times, the size of each.
    var size = 0
}

/// The cursors of all columns of a chunk. Pages are decoded when a cursor comes to them.
final class ColumnCursors {
    let cursors: UnsafeMutablePointer<ColumnCursor>
    private let pages: ColumnPages
    private let timestamps: [Int64]
    /// Keeps alive what the cursors point into.
    @exclusivity(unchecked) private var held: [PageValues?]
    @exclusivity(unchecked) private var outgoing: [PageValues?] = []
    @exclusivity(unchecked) private var renderers: [TimeRenderer?]
    private let nothing = ByteColumn(count: 1, capacity: 0)
    private let noCodes = RawCodes(count: 1)

    /// `starts`: per column, the number of the value that comes next.
    init(_ pages: ColumnPages, starts: [Int], timestamps: [Int64]) {
        self.pages = pages
        self.timestamps = timestamps
        let count = pages.header.columns.count
        held = Array(repeating: nil, count: count)
        renderers = Array(repeating: nil, count: count)
        cursors = .allocate(capacity: max(count, 1))
        for column in 0..<count {
            (cursors + column).initialize(
                to: ColumnCursor(
                    index: starts[column], bytes: nothing.bytes, ends: nothing.ends,
                    codes: noCodes.numbers))
        }
    }

    deinit { cursors.deallocate() }

    /// Loads the page of the value that comes next.
    func load(_ column: Int) throws {
        let entry = pages.header.columns[column]
        let cursor = cursors + column
        let next = cursor.pointee.base + cursor.pointee.index
        guard next < entry.values else {
            throw SegmentError.corrupt("column has no more values", offset: next)
        }
        if entry.distinct == 1, let list = try pages.dictionary(column) {
            held[column] = .bytes(list)
            cursor.pointee.mode = .constant
            cursor.pointee.index = next
            cursor.pointee.count = entry.values
            cursor.pointee.base = 0
            cursor.pointee.bytes = list.bytes
            cursor.pointee.ends = list.ends
            return
        }
        let page = next / ValueFormat.pageValues
        let values = try pages.values(column, page: page)
        held[column] = values
        cursor.pointee.base = page * ValueFormat.pageValues
        cursor.pointee.index = next - cursor.pointee.base
        cursor.pointee.count = min(ValueFormat.pageValues, entry.values - cursor.pointee.base)
        switch values {
        case .bytes(let list):
            cursor.pointee.mode = .inOrder
            cursor.pointee.bytes = list.bytes
            cursor.pointee.ends = list.ends
        case .codes(let codes, let list):
            cursor.pointee.mode = .coded
            cursor.pointee.codes = codes.numbers
            cursor.pointee.bytes = list.bytes
            cursor.pointee.ends = list.ends
        case .times(let codes, let style):
            let renderer = TimeRenderer(style)
            renderers[column] = renderer
            cursor.pointee.mode = .times
            cursor.pointee.codes = codes.numbers
            cursor.pointee.size = renderer.size
        }
    }

    /// Size of the next value, whose page is loaded.
    @inline(__always)
    func size(_ cursor: UnsafeMutablePointer<ColumnCursor>) -> Int {
        switch cursor.pointee.mode {
        case .times: return cursor.pointee.size
        default:
            let place = place(cursor)
            return Int(cursor.pointee.ends[place + 1] &- cursor.pointee.ends[place])
        }
    }

    @inline(__always)
    private func place(_ cursor: UnsafeMutablePointer<ColumnCursor>) -> Int {
        switch cursor.pointee.mode {
        case .inOrder: cursor.pointee.index
        case .coded: Int(cursor.pointee.codes[cursor.pointee.index])
        default: 0
        }
    }

    /// Loads a page, and keeps the one before it alive until `letGo`: values of a row may lie in both.
    func loadBeside(_ column: Int) throws {
        outgoing.append(held[column])
        try load(column)
    }

    func letGo() { if !outgoing.isEmpty { outgoing.removeAll() } }

    /// The code of a value of the page that is loaded, some places ahead; -1 where that is not told.
    @inline(__always)
    func code(_ column: Int, ahead: Int) -> Int {
        let cursor = cursors + column
        let place = cursor.pointee.index + ahead
        guard place < cursor.pointee.count else { return -1 }
        return switch cursor.pointee.mode {
        case .coded: Int(cursor.pointee.codes[place])
        case .constant: 0
        default: -1
        }
    }

    /// The next value, whose page is loaded and holds no times.
    @inline(__always)
    func value(_ cursor: UnsafeMutablePointer<ColumnCursor>) -> FieldValue {
        let place = place(cursor)
        let start = Int(cursor.pointee.ends[place])
        let size = Int(cursor.pointee.ends[place + 1]) - start
        return FieldValue(
            bytes: UnsafeRawBufferPointer(start: cursor.pointee.bytes + start, count: size),
            code: cursor.pointee.mode == .inOrder ? -1 : place)
    }

    /// Writes the next value, whose page is loaded, and steps on. May write `LineTime.longest`
    /// bytes more than the value has.
    @inline(__always)
    func take(
        _ column: Int, row: Int, size: Int, to out: UnsafeMutablePointer<UInt8>
    ) {
        let cursor = cursors + column
        if cursor.pointee.mode == .times {
            takeTime(column, row: row, to: out)
        } else {
            let start = Int(cursor.pointee.ends[place(cursor)])
            ByteColumn.copy(cursor.pointee.bytes + start, size, to: out)
        }
        cursor.pointee.index += 1
    }

    private func takeTime(_ column: Int, row: Int, to out: UnsafeMutablePointer<UInt8>) {
        let cursor = cursors + column
        guard let digits = renderers[column]?.style.digits else { return }
        let entry = LineTime.units(timestamps[row], digits: digits)
        renderers[column]?.write(entry &+ cursor.pointee.codes[cursor.pointee.index], to: out)
    }
}
