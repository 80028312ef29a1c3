/// The constants that writer and reader of COLUMNS chunks share.
///
/// A chunk is a run of pages (see `SegmentFormat`), the header first:
/// ```
/// ┌────────┬────────────────────┬─────────────┬───────────┐
/// │ header │ template numbers   │ bundles ... │ pages ... │
/// └────────┴────────────────────┴─────────────┴───────────┘
/// header:    u8 version │ varint rows, strips, line bytes │ u32 crc32c of the lines
///            varint bytes of each `pageRows` rows (one after the other, as many as there are)
///            varint templates { varint holes, per hole: varint column,
///                               per piece (one more than holes): varint size, bytes }
///            varint columns { COLUMN }
///            varint pages { varint stored size }: those behind the header, in their order
///            from version 2 on: u8 1 when the last page is a filter of ids (`IDFilter`)
/// COLUMN:    u8 flags (1 times, 2 dictionary, 4 its ids are in the filter)
///            varint values │ varint shortest, longest value
///            u64 classes of bytes that occur (`ByteClasses`) │ ids: varint longest one
///            dictionary: varint distinct, PLACE, the body if it is inline
///            PLACE of each page of values: none when the dictionary has one value
/// PLACE:     varint size of the body * 4 + (0 page of its own │ 1 bundled │ 2 inline)
/// numbers:   IntBlock: template of each strip; template 0 is a single hole, the whole strip
///            IntBlock: strips of each row, only when there are more strips than rows
/// bundle:    small bodies end to end, in the order of the columns; a new bundle begins when the
///            one before has `bundleBytes` or more
/// body of a dictionary: values (`ValueFormat`), `pageValues` at a time
/// ```
/// A row is one strip or more (`Strips`). A strip is its template's pieces with the next value of
/// each hole's column between them, so the values of a column stand in the order of the rows.
package enum ColumnsFormat {
    static let version: UInt8 = 2
    /// Rows that are decoded together.
    package static let pageRows = 4096
    package static let mostRows = 65_536
    package static let mostLineBytes = 64 * 1024 * 1024
    static let mostTemplates = 4096
    static let mostStrips = 8 * mostRows
    static let mostColumns = 65_536
    /// Far above what templates of a full chunk take.
    static let mostHeaderBytes = 16 * 1024 * 1024
    /// A body smaller than this shares a page with others: a page costs 16 bytes and a read.
    static let bundledBelow = 512
    static let bundleBytes = 64 * 1024
    /// Dictionaries as small as this lie in the header, where they decide without a read.
    static let inlineBelow = 512
    static let mostDistinct = 65_536

    enum Flag {
        static let time: UInt8 = 1
        static let dictionary: UInt8 = 2
        static let ids: UInt8 = 4
    }

    enum Place: Int { case own = 0, bundled = 1, inline = 2 }
}

/// 64 classes of bytes, one bit each: what a column has none of cannot be found in it.
enum ByteClasses {
    static let table: [UInt8] = {
        // All that has no class of its own.
        var table = [UInt8](repeating: 62, count: 256)
        for byte in 128..<256 { table[byte] = 63 }
        var next: UInt8 = 0
        func single(_ text: String) {
            for byte in text.utf8 {
                table[Int(byte)] = next
                next += 1
            }
        }
        func pairs(_ text: String) {
            for (index, byte) in text.utf8.enumerated() {
                table[Int(byte)] = next + UInt8(index / 2)
            }
            next += UInt8(text.utf8.count / 2)
        }
        single("0123456789abcdefABCDEF")
        pairs("ghijklmnopqrstuvwxyz")
        pairs("GHIJKLMNOPQRSTUVWXYZ")
        single(" -_./:,;=\"'()[]{}<>@")
        return table
    }()

    static func mask(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 | 1 << UInt64(table[Int($1)]) }
    }
}
