/// The constants that writer and reader of segments share.
///
/// A segment is one immutable object, little endian:
/// ```
/// ┌───────┬───────────┬──────────────┬────────┬──────┐
/// │ magic │ pages ... │ sections ... │ footer │ tail │
/// └───────┴───────────┴──────────────┴────────┴──────┘
/// page, section:  u8 codec │ u8 encoding │ u16 flags │ u32 rawLen │ u32 storedLen │ bytes │ u32 crc32c
///                 (the CRC covers everything before it; sections are pages that the footer names)
/// frame:          page T │ page M (only when a row has metadata) │ page L
///   T  zigzag varint: first timestamp, then differences; varint: length of each line
///   M  varint sets { varint pairs { string name, string value } }; varint per row: index of its set
///   L  the line bytes, end to end
/// STREAMS section:  varint streams { labels }; the rest of what is known of them is that of their slices.
///                   Until version 5: { u64 fingerprint, labels, zigzag first, last, varint rows, bytes }
/// COLUMNS frame:  page T (`TimesPage`) │ page M (`MetadataPage`) │ the lines as columns
///                 (`ColumnsFormat`), up to `chunkBytes` of them
/// CHUNKS section:   varint chunks { u8 kind, varint frames { varint offset, sizeT, sizeM, sizeL, rows,
///                   COLUMNS only: varint size of the columns' header, varint slices } },
///                   the slices of all frames (`SliceColumns`). Until version 5: in each chunk behind its
///                   frames, which do not count them, varint slices { varint stream, frame, firstRow, rows,
///                   zigzag first, varint span, bytes }
/// ROLLUP section:   varint levels { string }, per stream: varint counts { zigzag minute (difference),
///                   varint level (0 not told apart, 1 none, 2 + place in the table), rows, bytes };
///                   in version 1 without levels
///
/// TEMPLATES section:  `TemplateIndex`: what the COLUMNS chunks' lines look like, for all of them at once
/// METADATA section:   u8 1 when all names are told │ varint names { string }: names of metadata
///
/// Versions: 1; 2 counts by level; 3 has chunks of kind COLUMNS, with pages T and M as text has them;
/// 4 has those pages as columns, TEMPLATES, METADATA and filters of ids; 5 tells in TEMPLATES what those
/// filters know; 6 says once what it says of streams, and slices as columns: with thousands of streams the
/// directories were a sixth of a segment; 7 tells in TEMPLATES lines that are one value from lines of no
/// template.
/// ATTACHMENT:       bytes of the storage layer: the read positions that the segment's pushes moved
/// footer:           u16 version │ u16 level │ string tenant │ zigzag first, last │ varint rows, bytes │
///                   varint sections { u8 name, varint offset, varint size }
/// tail:             u32 footerLen │ u32 crc32c of the footer │ magic
/// ```
package enum SegmentFormat {
    static let magic: [UInt8] = Array("CWSEG\u{0}\u{0}\u{1}".utf8)
    static let version: UInt16 = 7
    static let tailSize = 16
    static let pageHeaderSize = 12
    static let pageOverhead = pageHeaderSize + 4
    /// What is read first: footer and sections of a segment of a few hundred MB lie inside.
    static let openingRead = 64 * 1024

    /// Lines of one frame of level 0, in bytes: what a reader unpacks to see one line.
    package static let frameBytes = 256 * 1024
    /// The same where lines stay that do not suit columns: zstd finds nearly all in it that it finds in
    /// a chunk (1.008 of its size at most, where 256 KiB take up to 1.1).
    package static let keptFrameBytes = 2 * 1024 * 1024
    /// A frame of very short lines ends here.
    static let frameRows = 65_536
    /// Metadata sets of one frame, in bytes: far below a page, whatever a row may carry.
    static let frameMetadataBytes = 4 * 1024 * 1024
    /// Segments from this level on keep lines as columns where that pays: level 0 must cost little.
    static let columnsFromLevel = 1
    /// Frames of one chunk, in bytes of lines.
    package static let chunkBytes = 4 * 1024 * 1024
    /// No page is larger: the bound on what a reader takes before it has checked the content.
    static let maxPageBytes = 64 * 1024 * 1024
    static let maxSectionBytes = 512 * 1024 * 1024
    /// As many as a section had room for until version 5: since then a few bytes may claim thousands.
    static let mostSlices = maxSectionBytes / 8
    static let mostStreams = maxSectionBytes / 16

    enum Codec: UInt8 { case raw = 0, zstd = 1 }
    /// `columnsWithLengths` has pages T and M as text has them; nothing writes it any more.
    enum ChunkKind: UInt8 { case raw = 1, columnsWithLengths = 2, columns = 3 }
    enum SectionName: UInt8 {
        case streams = 1, chunks, rollup, attachment, templates, metadataNames
    }

    /// Level 0 must cost little: it is merged within a minute, and zstd's fast levels take two thirds
    /// of the time of level 1 on log lines for three fifths of its ratio. What stays may cost more.
    static func zstdLevel(segmentLevel: Int) -> Int32 { segmentLevel == 0 ? -5 : 3 }
}
