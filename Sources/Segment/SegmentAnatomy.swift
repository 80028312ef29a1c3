import Bytes
import LogModel

/// What a segment consists of: for people who ask why it is as large as it is. Every byte of the
/// object is in exactly one figure, and every page was read and checked.
package struct SegmentAnatomy: Sendable {
    /// A run of bytes that is no chunk.
    package struct Section: Sendable {
        package var name: String
        package var bytes: Int
    }

    /// All chunks of one kind, in stored bytes.
    package struct Chunks: Sendable {
        package var chunks = 0
        package var frames = 0
        package var rows = 0
        /// Bytes of line text.
        package var rawBytes = 0
        package var times = 0
        package var metadata = 0
        /// RAW: the lines.
        package var lines = 0
        /// COLUMNS: templates, what is known of the columns, and their small dictionaries.
        package var header = 0
        /// COLUMNS: which template each line has.
        package var numbers = 0
        package var columns = 0
        package var filters = 0

        package var storedBytes: Int {
            times + metadata + lines + header + numbers + columns + filters
        }
    }

    package var version = 0
    package var summary: SegmentSummary
    /// Sections in the order of the object, and the footer with the marks at both ends.
    package var sections: [Section] = []
    package var raw = Chunks()
    package var columns = Chunks()
    /// The largest first.
    package var contexts: [ColumnAnatomy] = []
    /// The most common first.
    package var templates: [TemplateAnatomy] = []
    /// What no part of this program's format accounts for: sections of a later version.
    package var otherBytes = 0

    /// Errors: `SegmentError` where the object is damaged, whatever `read` throws.
    package init(size: Int, read: SegmentReader.Read) throws {
        let directory = try SegmentDirectory(size: size, read: read)
        guard try read(0..<SegmentFormat.magic.count) == SegmentFormat.magic else {
            throw SegmentError.corrupt("no segment: its beginning has another mark", offset: 0)
        }
        version = Int(directory.version)
        summary = directory.summary
        for (name, range) in directory.sections.sorted(by: {
            $0.value.lowerBound < $1.value.lowerBound
        }) {
            sections.append(Section(name: name.title, bytes: range.count))
        }
        sections.append(
            Section(
                name: "footer",
                bytes: SegmentFormat.magic.count + directory.footer.count + SegmentFormat.tailSize))
        for kind in directory.chunkKinds {
            if kind == .raw { raw.chunks += 1 } else { columns.chunks += 1 }
        }
        var rawBytes = [Int](repeating: 0, count: directory.frames.count)
        for slice in directory.slices.all { rawBytes[slice.frame] += slice.bytes }
        var gathering = ColumnsGathering()
        for (frame, rawBytes) in zip(directory.frames, rawBytes) {
            let bytes = try Self.checked(frame, read)
            if frame.isColumns {
                columns.note(frame, rawBytes: rawBytes)
                do { try gathering.add(bytes, frame, to: &columns) } catch let error
                    as SegmentError
                { throw error.moved(by: frame.offset, of: "chunk") }
            } else {
                raw.note(frame, rawBytes: rawBytes)
                raw.lines += frame.sizeL
            }
        }
        contexts = gathering.sortedColumns()
        templates = gathering.sortedTemplates()
        otherBytes =
            size - raw.storedBytes - columns.storedBytes - sections.reduce(0) { $0 + $1.bytes }
        guard otherBytes >= 0 else {
            throw SegmentError.corrupt("parts that overlap", offset: directory.footer.lowerBound)
        }
    }

    /// The bytes of a frame, of whose pages those that the directory names are whole.
    private static func checked(_ frame: Frame, _ read: SegmentReader.Read) throws -> [UInt8] {
        let size = frame.sizeT + frame.sizeM + frame.sizeL
        let bytes = try read(frame.offset..<frame.offset + size)
        var at = 0
        let lines = frame.isColumns ? frame.sizeHeader : frame.sizeL
        for (page, name) in [
            (frame.sizeT, "times"), (frame.sizeM, "metadata"), (lines, "lines"),
        ] where page > 0 {
            do throws(SegmentError) { try Page.check(bytes, at..<at + page) } catch {
                throw error.moved(by: frame.offset, of: "page of \(name)")
            }
            at += page
        }
        return bytes
    }
}

extension SegmentAnatomy.Chunks {
    fileprivate mutating func note(_ frame: Frame, rawBytes: Int) {
        frames += 1
        rows += frame.rows
        self.rawBytes += rawBytes
        times += frame.sizeT
        metadata += frame.sizeM
    }
}

extension SegmentFormat.SectionName {
    fileprivate var title: String {
        switch self {
        case .streams: "streams"
        case .chunks: "list of chunks"
        case .rollup: "roll-up"
        case .attachment: "attachment"
        case .templates: "index of templates"
        case .metadataNames: "metadata names"
        }
    }
}
