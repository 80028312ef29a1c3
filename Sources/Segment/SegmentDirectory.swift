import Bytes
import LogModel

/// What opening a segment reads: footer and sections, decoded and held against each other; the roll-up
/// alone waits until it is asked for.
struct SegmentDirectory {
    var summary: SegmentSummary
    var frames: [Frame] = []
    var slices = SliceTable()
    var rollup: RollupPage?
    var attachment: [UInt8] = []
    /// Nil in segments that do not tell.
    var metadataNames: Set<String>?
    var templates: TemplateIndex?

    private let size: Int
    private(set) var version: UInt16 = 0
    private(set) var sections: [SegmentFormat.SectionName: Range<Int>] = [:]
    private(set) var footer = 0..<0
    private(set) var chunkKinds: [SegmentFormat.ChunkKind] = []
    /// Of all streams, as far as they were read.
    private var told = (rows: 0, bytes: 0)
    /// What is known of a stream is what its slices say.
    private var isSummedUp: Bool { version >= 6 }

    init(
        size: Int, share: SegmentReader.Share = { labels, _ in labels }, read: SegmentReader.Read
    ) throws {
        self.size = size
        guard size >= SegmentFormat.magic.count + SegmentFormat.tailSize else {
            throw SegmentError.corrupt("object is cut short", offset: size)
        }
        var start = max(0, size - SegmentFormat.openingRead)
        var bytes = try read(start..<size)
        footer = try Self.footerRange(bytes, start: start, size: size)
        if footer.lowerBound < start {
            start = footer.lowerBound
            bytes = try read(start..<size)
        }
        summary = SegmentSummary(
            tenant: "", level: 0, first: 0, last: 0, rows: 0, bytes: 0, storedBytes: size,
            streams: [])
        let local = footer.lowerBound - start..<footer.upperBound - start
        try decodeFooter(bytes, local, end: footer.lowerBound)
        let first = sections.values.map(\.lowerBound).min() ?? start
        if first < start {
            start = first
            bytes = try read(start..<size)
        }
        let (sections, footer) = (sections, footer)
        func place(_ name: SegmentFormat.SectionName) throws -> Range<Int> {
            guard let range = sections[name] else {
                throw SegmentError.corrupt("no section \(name)", offset: footer.lowerBound)
            }
            return range.lowerBound - start..<range.upperBound - start
        }
        try decodeSections(share) { name in
            let local = try place(name)
            do throws(SegmentError) {
                return try Page.decode(bytes, local, limit: SegmentFormat.maxSectionBytes)
            } catch { throw error.moved(by: start, of: "section \(name)") }
        }
        let page = try place(.rollup)
        rollup = try RollupPage(
            Array(bytes[page]), at: start + page.lowerBound, version: version,
            streams: summary.streams)
    }

    private mutating func decodeSections(
        _ share: SegmentReader.Share,
        _ section: (SegmentFormat.SectionName) throws -> [UInt8]
    ) throws {
        func decode(
            _ name: SegmentFormat.SectionName, _ body: ([UInt8]) throws(BytesError) -> Void
        ) throws {
            let bytes = try section(name)
            do throws(BytesError) { try body(bytes) } catch {
                throw SegmentError.of(error, in: "section \(name)")
            }
        }
        try decode(.streams) { (bytes) throws(BytesError) in
            try decodeStreams(bytes, share)
        }
        try decode(.chunks) { (bytes) throws(BytesError) in try decodeChunks(bytes) }
        if sections[.metadataNames] != nil {
            try decode(.metadataNames) { (bytes) throws(BytesError) in
                metadataNames = try MetadataNames.decode(bytes)
            }
        }
        if sections[.templates] != nil {
            try decode(.templates) { (bytes) throws(BytesError) in
                templates = try TemplateIndex(
                    decoding: bytes, frames: frames.count, tellsWholeLines: version >= 7)
            }
        }
        attachment = try section(.attachment)
    }

    private static func footerRange(
        _ bytes: [UInt8], start: Int, size: Int
    ) throws -> Range<Int> {
        var tail = ByteReader(bytes, range: bytes.count - SegmentFormat.tailSize..<bytes.count)
        let footerSize = Int(try tail.readUInt32())
        _ = try tail.readUInt32()
        guard try tail.readBytes(8) == SegmentFormat.magic else {
            throw SegmentError.corrupt("no segment: its end has another mark", offset: size - 8)
        }
        let end = size - SegmentFormat.tailSize
        guard footerSize <= end - SegmentFormat.magic.count else {
            throw SegmentError.corrupt("footer size", offset: end)
        }
        return end - footerSize..<end
    }

    private mutating func decodeFooter(_ bytes: [UInt8], _ range: Range<Int>, end: Int) throws {
        var crc = ByteReader(bytes, range: range.upperBound + 4..<range.upperBound + 8)
        guard try crc.readUInt32() == crc32c(Array(bytes[range])) else {
            throw SegmentError.corrupt("footer checksum", offset: end)
        }
        do throws(BytesError) {
            var reader = ByteReader(bytes, range: range)
            version = try reader.readUInt16()
            guard (1...SegmentFormat.version).contains(version) else {
                throw .invalid("version \(version) is not known to this program", offset: end)
            }
            summary.level = Int(try reader.readUInt16())
            summary.tenant = try reader.readString()
            summary.first = try reader.readZigzag()
            summary.last = try reader.readZigzag()
            summary.rows = try reader.readCount()
            summary.bytes = try reader.readCount()
            for _ in 0..<(try reader.readCount(limit: 255)) {
                let name = try reader.readUInt8()
                let offset = try reader.readCount(limit: end)
                let size = try reader.readCount(limit: end - offset)
                // A section of a later version is none of our business.
                if let name = SegmentFormat.SectionName(rawValue: name) {
                    sections[name] = offset..<offset + size
                }
            }
        } catch { throw SegmentError.of(error, in: "footer") }
    }

    private mutating func decodeStreams(
        _ bytes: [UInt8], _ share: SegmentReader.Share
    ) throws(BytesError) {
        var reader = ByteReader(bytes)
        let count = try reader.readCount(limit: min(reader.remaining, SegmentFormat.mostStreams))
        for _ in 0..<count {
            let offset = reader.offset
            let known = isSummedUp ? nil : try reader.readUInt64()
            let labels = try reader.readLabels()
            let fingerprint = labels.fingerprint
            guard known ?? fingerprint == fingerprint else {
                throw .invalid("fingerprint of a stream", offset: offset)
            }
            var stream = StreamSummary(
                labels: share(labels, fingerprint), fingerprint: fingerprint, first: .max,
                last: .min, rows: 0, bytes: 0)
            if !isSummedUp { try decodeSums(&reader, &stream) }
            summary.streams.append(stream)
        }
    }

    /// The streams' sums stay below the footer's: no sum over streams exceeds Int.
    private mutating func decodeSums(
        _ reader: inout ByteReader, _ stream: inout StreamSummary
    ) throws(BytesError) {
        stream.first = try reader.readZigzag()
        stream.last = try reader.readZigzag()
        stream.rows = try reader.readCount(limit: summary.rows - told.rows)
        stream.bytes = try reader.readCount(limit: summary.bytes - told.bytes)
        guard stream.first <= stream.last else {
            throw .invalid("times of a stream", offset: reader.offset)
        }
        told.rows += stream.rows
        told.bytes += stream.bytes
    }

    /// What slices say of their streams.
    private mutating func sumStreams() throws(BytesError) {
        for slice in slices.all {
            summary.streams[slice.stream].first = min(
                summary.streams[slice.stream].first, slice.first)
            summary.streams[slice.stream].last = max(
                summary.streams[slice.stream].last, slice.last)
            summary.streams[slice.stream].rows += slice.rows
            summary.streams[slice.stream].bytes += slice.bytes
            told.rows += slice.rows
            told.bytes += slice.bytes
        }
        guard told.rows == summary.rows, told.bytes == summary.bytes,
            summary.streams.allSatisfy({ $0.first <= $0.last }),
            summary.first == summary.streams.map(\.first).min() ?? 0,
            summary.last == summary.streams.map(\.last).max() ?? 0
        else { throw .invalid("slices do not add up to the segment", offset: 0) }
    }

    private mutating func decodeChunks(_ bytes: [UInt8]) throws(BytesError) {
        var reader = ByteReader(bytes)
        var counts: [Int] = []
        var sliceCount = 0
        for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
            let kind = try reader.readUInt8()
            guard let kind = SegmentFormat.ChunkKind(rawValue: kind) else {
                throw .invalid("chunk kind \(kind) is not known to this program", offset: 0)
            }
            chunkKinds.append(kind)
            for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
                try decodeFrame(&reader, kind)
                if isSummedUp {
                    let most = min(
                        frames[frames.count - 1].rows, SegmentFormat.mostSlices - sliceCount)
                    counts.append(try reader.readCount(limit: most))
                    sliceCount += counts[counts.count - 1]
                }
            }
            if isSummedUp { continue }
            for _ in 0..<(try reader.readCount(limit: reader.remaining)) {
                try decodeSlice(&reader)
            }
        }
        if isSummedUp {
            slices.append(
                try SliceColumns.decode(
                    &reader, counts: counts, frames: frames, streams: summary.streams.count))
            try sumStreams()
        }
        slices.finish(streams: summary.streams.count, frames: frames.count)
    }

    private mutating func decodeFrame(
        _ reader: inout ByteReader, _ kind: SegmentFormat.ChunkKind
    ) throws(BytesError) {
        let most = SegmentFormat.maxPageBytes * 2
        var frame = Frame(
            offset: try reader.readCount(limit: size), sizeT: try reader.readCount(limit: most),
            sizeM: try reader.readCount(limit: most), sizeL: try reader.readCount(limit: most),
            rows: try reader.readCount(limit: SegmentFormat.maxPageBytes))
        frame.hasLengths = kind == .columnsWithLengths
        if kind != .raw {
            frame.sizeHeader = try reader.readCount(limit: frame.sizeL)
            guard frame.isColumns else { throw .invalid("columns without a header", offset: 0) }
        }
        guard frame.offset + frame.sizeT + frame.sizeM + frame.sizeL <= size else {
            throw .invalid("frame beyond the object", offset: frame.offset)
        }
        frames.append(frame)
    }

    private mutating func decodeSlice(_ reader: inout ByteReader) throws(BytesError) {
        guard !summary.streams.isEmpty, !frames.isEmpty else {
            throw .invalid("a slice without stream or frame", offset: reader.offset)
        }
        let stream = try reader.readCount(limit: summary.streams.count - 1)
        let frame = try reader.readCount(limit: frames.count - 1)
        let firstRow = try reader.readCount(limit: frames[frame].rows)
        let rows = try reader.readCount(limit: frames[frame].rows - firstRow)
        let first = try reader.readZigzag()
        let span = Int64(bitPattern: try reader.readVarint())
        // The span of all of time does not fit: it wraps round, and back.
        let last = first &+ span
        guard first <= last else { throw .invalid("times of a slice", offset: reader.offset) }
        slices.append(
            Slice(
                stream: stream, frame: frame, firstRow: firstRow, rows: rows, first: first,
                last: last,
                bytes: try reader.readCount(limit: SegmentFormat.maxPageBytes)))
    }
}
