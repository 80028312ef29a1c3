import ArgumentParser
import Foundation
import LogModel
import LogQL
import Wire

/// `--since`, `--from`, `--to`.
struct TimeRange: ParsableArguments {
    @Option(help: "How far back from now, such as 15m or 2d.")
    var since: String?
    @Option(help: "Start: RFC 3339, or seconds or nanoseconds since the epoch.")
    var from: String?
    @Option(help: "End, written like --from. Default: now.")
    var to: String?

    /// Nanoseconds, end exclusive.
    func bounds(now: Int64) throws -> (start: Int64, end: Int64) {
        let end = try to.map { try Self.time($0, "--to") } ?? now
        if let from { return (try Self.time(from, "--from"), end) }
        guard let span = DurationText.parse(since ?? "1h"), span > 0 else {
            throw Failure("--since \(since ?? ""): expected a duration such as 15m, 6h or 2d")
        }
        return (end - span, end)
    }

    var isGiven: Bool { since != nil || from != nil || to != nil }

    private static func time(_ text: String, _ option: String) throws -> Int64 {
        switch TimeText.timestamp(text, default: .distantPast) {
        case .success(let time): return time.nanoseconds
        case .failure:
            throw Failure(
                "\(option) \(text): expected RFC 3339 such as 2026-11-21T08:00:00Z, or epoch seconds"
            )
        }
    }

    static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1e6) * 1000 }
}
