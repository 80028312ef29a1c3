import LogModel
import Segment

/// What a selection asks for of the minutes that segments have counted.
struct WantedMinutes: Sendable {
    /// Nanoseconds, both inclusive.
    let first: Int64
    let last: Int64
    let trace: ScanTrace?

    /// Those of a segment's streams. `shared`: minutes that are left out.
    func run(
        _ reader: SegmentReader, _ streams: [Int], without shared: Set<Int64> = []
    ) throws -> MinuteRun {
        trace?.note(reader, .rollups)
        let run = try reader.minutes(ofStreams: streams)
        return MinuteRun(levels: run.levels, hasUntold: run.hasUntold) { [first, last] body in
            run.forEach { start, level, rows, bytes in
                let end = start.addingReportingOverflow(Nanoseconds.minute)
                guard end.overflow || end.partialValue >= first, start < last,
                    !shared.contains(start)
                else { return }
                body(start, level, rows, bytes)
            }
        }
    }
}
