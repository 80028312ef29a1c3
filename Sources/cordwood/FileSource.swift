import Foundation
import LogModel
import Synchronization

/// Plain and gzip files as a source of entries: one stream a file, labelled by its name.
final class FileSource: LogSource {
    /// Events of all files that stay in memory after the first reading, in bytes: what most
    /// questions about a few files need, and little beside what a query may take.
    private static let keptBytes = 64 * 1024 * 1024

    private static let remark = """
        files are read from front to back: they have no roll-ups, index or columns that could answer
        """

    private struct State {
        var warnings: [String] = []
        var searchedBytes = 0
    }

    private let files: [LogFile]
    private let tell: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// Reads all files once, to learn where their times lie. `tell` takes news of how far it is.
    init(patterns: [String], tell: @escaping @Sendable (String) -> Void) {
        self.tell = tell
        var warnings: [String] = []
        var paths: Set<String> = []
        for pattern in patterns {
            var found = glob_t()
            defer { globfree(&found) }
            guard glob(pattern, GLOB_NOSORT, nil, &found) == 0 else {
                warnings.append("--file \(pattern): no such file")
                continue
            }
            for i in 0..<Int(found.gl_pathc) {
                if let path = found.gl_pathv[i] { paths.insert(String(cString: path)) }
            }
        }
        var files: [LogFile] = []
        var room = Self.keptBytes
        var bytes: Int64 = 0
        for (number, path) in paths.sorted().enumerated() {
            do {
                let file = try LogFile(path, keeping: &room) {
                    bytes += $0
                    tell("read \(bytes >> 20) MB, file \(number + 1) of \(paths.count)")
                }
                files.append(file)
                if let damage = file.damage {
                    warnings.append("\(path): \(damage); what comes before it is searched")
                }
            } catch {
                warnings.append("\(path): left out: \(error)")
            }
        }
        self.files = files
        state = Mutex(State(warnings: warnings))
    }

    /// What could not be read, or not to its end: sentences for a person, each told once.
    func takeWarnings() -> [String] {
        state.withLock { state in
            defer { state.warnings = [] }
            return state.warnings
        }
    }

    /// The time of everything, end exclusive.
    func bounds() -> (start: Int64, end: Int64) {
        let units = files.flatMap(\.units)
        let last = units.map(\.last).max() ?? 0
        return (units.map(\.first).min() ?? 0, last == .max ? last : last + 1)
    }

    func plan(_ selection: Selection) throws -> [ScanUnit] {
        let low = selection.start.nanoseconds
        let high = selection.end.nanoseconds - 1
        var units: [ScanUnit] = []
        let trace = selection.trace
        trace?.note(remark: Self.remark)
        for file in files where selection.matchers.accept(file.labels) {
            for unit in file.units where unit.last >= low && unit.first <= high {
                units.append(
                    ScanUnit(
                        streams: [file.labels], first: max(low, unit.first),
                        last: min(high, unit.last),
                        bytes: unit.bytes, minutes: nil,
                        load: { [self] _, times in
                            let entries = load(file, unit, times.clamped(to: low...high))
                            trace?.note(pages: 1, bytes: unit.bytes)
                            trace?.note(rows: entries.count)
                            return entries
                        }
                    ))
            }
        }
        return units.sorted {
            selection.direction == .backward ? $0.last > $1.last : $0.first < $1.first
        }
    }

    private func load(
        _ file: LogFile, _ unit: LogFile.Unit, _ range: ClosedRange<Int64>
    ) -> Entries {
        let entries = file.entries(unit, in: range) { warning in
            state.withLock { state in
                // Every unit of a file may have the same to say.
                if !state.warnings.contains(warning) { state.warnings.append(warning) }
            }
        }
        let bytes = state.withLock { state in
            state.searchedBytes += unit.bytes
            return state.searchedBytes
        }
        tell("searched \(bytes >> 20) MB of text")
        return entries
    }
}
