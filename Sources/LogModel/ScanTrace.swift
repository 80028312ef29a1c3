import Synchronization

/// What was done to answer one selection, told by those who did it: for people who ask why a query
/// takes as long as it does. Made for queries that are to be explained only; all others have none
/// and note nothing.
package final class ScanTrace: Sendable {
    /// What ended the work on a segment. A segment of several streams may end in several ways; the
    /// one that took the most work counts.
    package enum SegmentEnd: Int, Sendable {
        case outsideTime, withoutStream, withoutTemplate, notNeeded, rollups, read
    }

    /// The same of a chunk.
    package enum ChunkEnd: Int, Sendable {
        /// No template or listed value of the segment may hold the text.
        case index
        /// A query before asked for the same.
        case known
        /// None of its own may.
        case templates
        /// They may, but the filter of ids has no such id.
        case filter
        /// The templates of its lines tell which of them fulfil the condition.
        case templatesAlone
        case searched
        /// Nothing was looked for.
        case unsearched
        /// Lines as text, which are read as they are.
        case text
    }

    private struct Place: Hashable {
        var segment: ObjectIdentifier
        var frame: Int
    }

    private struct State {
        var report: ScanReport
        /// With the segments, so that no two ever have one identity.
        var segments: [ObjectIdentifier: (segment: any AnyObject & Sendable, end: SegmentEnd)] = [:]
        var chunks: [Place: ChunkEnd] = [:]
        var columns: [String: ScanReport.Column] = [:]
    }

    /// Columns that are told apart: what a sender makes up would fill the memory.
    private static let mostColumns = 1000

    private let state: Mutex<State>

    package init(_ selection: Selection) {
        let report = ScanReport(
            selector: "{" + selection.matchers.map(\.description).joined(separator: ", ") + "}",
            condition: "\(selection.condition.and(selection.parsed?.condition ?? .anything))",
            projection: selection.projection.title)
        state = Mutex(State(report: report))
    }

    private func note(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

    /// Segments that were not even opened.
    package func note(unopened segments: Int, _ end: SegmentEnd) {
        note { $0.report.segments.add(segments, end) }
    }

    package func note(_ segment: any AnyObject & Sendable, _ end: SegmentEnd) {
        note { state in
            let id = ObjectIdentifier(segment)
            guard end.rawValue > state.segments[id]?.end.rawValue ?? -1 else { return }
            state.segments[id] = (segment, end)
        }
    }

    package func note(_ segment: any AnyObject & Sendable, frame: Int, _ end: ChunkEnd) {
        note { state in
            let place = Place(segment: ObjectIdentifier(segment), frame: frame)
            guard end.rawValue > state.chunks[place]?.rawValue ?? -1 else { return }
            state.chunks[place] = end
        }
    }

    /// Pages that were read from files, and their bytes there.
    package func note(pages: Int, bytes: Int) {
        note {
            $0.report.pages += pages
            $0.report.bytes += bytes
        }
    }

    /// A column that was looked at, from a file or from memory.
    package func note(column context: String, pages: Int, bytes: Int) {
        note { state in
            let isKnown = state.columns[context] != nil
            guard isKnown || state.columns.count < Self.mostColumns else { return }
            let new = ScanReport.Column(context: context, pages: 0, bytes: 0)
            state.columns[context, default: new].pages += pages
            state.columns[context, default: new].bytes += bytes
        }
    }

    /// Lines that were put together from their columns.
    package func note(lines: Int) { note { $0.report.lines += lines } }

    /// Entries that were handed over.
    package func note(rows: Int) { note { $0.report.rows += rows } }

    /// A sentence on a source that has no segments.
    package func note(remark: String) { note { $0.report.remark = remark } }

    package var report: ScanReport {
        state.withLock { state in
            var report = state.report
            for (_, end) in state.segments.values { report.segments.add(1, end) }
            for end in state.chunks.values { report.chunks.add(end) }
            let columns = state.columns.values.sorted {
                ($1.bytes, $0.context) < ($0.bytes, $1.context)
            }
            report.columns = Array(columns.prefix(ScanReport.mostColumns))
            report.columnsLeftOut = columns.count - report.columns.count
            return report
        }
    }
}

/// What a trace has gathered.
package struct ScanReport: Codable, Sendable, Equatable {
    /// Columns that a report names: those with the most bytes.
    static let mostColumns = 40

    /// Segments by what ended them.
    package struct Segments: Codable, Sendable, Equatable {
        package var outsideTime = 0
        package var withoutStream = 0
        package var withoutTemplate = 0
        package var notNeeded = 0
        package var fromRollups = 0
        package var read = 0

        package init() {}
    }

    /// Chunks by what ended them.
    package struct Chunks: Codable, Sendable, Equatable {
        package var skippedByIndex = 0
        package var known = 0
        package var skippedByTemplates = 0
        package var skippedByFilter = 0
        package var fromTemplates = 0
        package var searched = 0
        package var unsearched = 0
        package var text = 0

        package init() {}
    }

    package struct Column: Codable, Sendable, Equatable {
        package var context: String
        package var pages: Int
        package var bytes: Int
    }

    package var selector: String
    /// What was derived from the query for the source to look for.
    package var condition: String
    package var projection: String
    package var remark: String?
    package var segments = Segments()
    package var chunks = Chunks()
    package var rows = 0
    package var lines = 0
    package var columns: [Column] = []
    package var columnsLeftOut = 0
    /// Read from files.
    package var pages = 0
    package var bytes = 0

    init(selector: String, condition: String, projection: String) {
        self.selector = selector
        self.condition = condition
        self.projection = projection
    }
}

extension ScanReport.Segments {
    fileprivate mutating func add(_ count: Int, _ end: ScanTrace.SegmentEnd) {
        switch end {
        case .outsideTime: outsideTime += count
        case .withoutStream: withoutStream += count
        case .withoutTemplate: withoutTemplate += count
        case .notNeeded: notNeeded += count
        case .rollups: fromRollups += count
        case .read: read += count
        }
    }
}

extension ScanReport.Chunks {
    fileprivate mutating func add(_ end: ScanTrace.ChunkEnd) {
        switch end {
        case .index: skippedByIndex += 1
        case .known: known += 1
        case .templates: skippedByTemplates += 1
        case .filter: skippedByFilter += 1
        case .templatesAlone: fromTemplates += 1
        case .searched: searched += 1
        case .unsearched: unsearched += 1
        case .text: text += 1
        }
    }
}

extension Selection.Projection {
    fileprivate var title: String {
        let titles: [(Selection.Projection, String)] = [
            (.lines, "lines"), (.timestampsAndLengths, "times and lengths"),
            (.timestamps, "times"), (.minuteCounts, "minute counts, else times"),
        ]
        return titles.first { $0.0 == self }?.1 ?? "\(self)"
    }
}
