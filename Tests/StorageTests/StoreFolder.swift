import Foundation
import LogModel
import Logging
import Storage

/// The folder of a store, which goes with the test.
final class StoreFolder {
    let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("cordwood-\(UUID().uuidString)").path
    let logger: Logger

    init() {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        self.logger = logger
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A store that merges at once whatever may be merged.
    func open(_ change: (inout StoreOptions) -> Void = { _ in }) throws -> Store {
        var options = StoreOptions(folder: path)
        options.level0AgeSeconds = 0
        change(&options)
        return try Store.open(options, logger: logger)
    }
}

/// The same numbers for the same state.
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

extension Store {
    /// Entries by minute, open on the left, as a query counts them: from minutes where they tell
    /// enough, from entries elsewhere. `fromMinutes` is told of each unit.
    func counted(
        _ selection: Selection, fromMinutes: (Bool) -> Void = { _ in }
    ) throws -> [Int64: Int] {
        var counted: [Int64: Int] = [:]
        for unit in try plan(selection) {
            if let runs = try unit.minutes?.runs(of: Array(unit.streams.indices)) {
                fromMinutes(true)
                for run in runs {
                    run.forEach { start, _, rows, _ in
                        counted[start / Nanoseconds.minute, default: 0] += rows
                    }
                }
                continue
            }
            fromMinutes(false)
            for at in try unit.load(.timestamps).timestamps {
                counted[(at - 1) / Nanoseconds.minute, default: 0] += 1
            }
        }
        return counted
    }
}
