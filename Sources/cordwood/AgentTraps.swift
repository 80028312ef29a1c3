import Foundation
import Logback

/// What may go wrong with the files of an appender, as far as it can be seen beforehand.
struct AgentTraps {
    private let appender: FileAppender
    private let files: FoundFiles

    init(_ appender: FileAppender, _ files: FoundFiles) {
        self.appender = appender
        self.files = files
    }

    /// Sentences. `owners`: files by the appender that writes them; this one's are added.
    func all(owners: inout [String: String]) -> [String] {
        var traps = appender.remarks
        traps += shared(&owners)
        traps += stamps
        traps += deletion
        if appender.isPrudent?.value == true {
            traps.append(
                "prudent: several applications write the same files, and an older one may still get "
                    + "lines when a newer one is there")
        }
        if appender.immediateFlush?.value == false {
            traps.append("immediateFlush is off: entries come late, 8 KiB at a time")
        }
        if appender.appends?.value == false, case .none = appender.policy.value {
            traps.append(
                "append is off: each start of the application deletes what is in the file, read or not"
            )
        }
        if appender.rolledNames?.value.compression == .xz {
            traps.append(
                "files are packed as xz, which the agent does not read: what is rolled while it is down is lost; "
                    + "let the pattern end in .gz")
        } else if appender.rolledNames?.value.compression != nil, appender.isPrudent?.value != true
        {
            traps.append(
                "files are packed the moment they are rolled: an agent that is down then reads them "
                    + "from the packed file")
        }
        if appender.charset == nil {
            traps.append(
                "no <charset>: the JVM's default counts, which is not UTF-8 before Java 18 on every "
                    + "machine; set <charset>UTF-8</charset>")
        }
        for path in files.unreadable {
            traps.append("\(path): may not be read: run the agent as a user who may")
        }
        if files.files.isEmpty {
            traps.append("no file is there yet: it is followed when it comes")
        }
        return traps
    }

    private func shared(_ owners: inout [String: String]) -> [String] {
        var out: [String] = []
        let me = "\(appender.name) (\(appender.place))"
        for glob in appender.globs {
            if let other = owners[glob], other != me {
                out.append("\(glob) is written by \(other) too: lines may be torn and files lost")
            }
            owners[glob] = me
        }
        return out
    }

    private var stamps: [String] {
        guard case .pattern(let pattern) = appender.format.value,
            let layout = try? CompiledLayout(
                pattern, dialect: appender.dialect, conversionRules: appender.conversionRules)
        else { return [] }
        var out: [String] = []
        switch layout.stampLacks {
        case nil:
            out.append(
                "the layout has no %d in front of the message: entries take the time of reading")
        case .date:
            out.append(
                "the layout writes the time of the day alone: the date is counted back from when the "
                    + "file was last written, which misses days without any line; use "
                    + "%d{yyyy-MM-dd HH:mm:ss.SSS}")
        case .year:
            out.append(
                "the layout writes no year: it is counted back from when the file was last written")
        case .nothing: break
        }
        if !layout.tellsBoundaries {
            out.append("nothing in front of the message tells where an event begins")
        }
        if pattern.contains(/%d(?:ate)?\{[^}]*YY/) {
            out.append(
                "YYYY is the year of the week: entries of the last days of December are stamped a year "
                    + "ahead; use yyyy")
        }
        if appender.zone == nil, layout.stampLacks != nil, !layout.stampTellsZone {
            out.append(
                "the layout names no zone, nor does the JVM: the zone of this machine, "
                    + "\(TimeZone.current.identifier), is taken; --pid tells the JVM's")
        }
        return out
    }

    /// Below this the reader must not be away for long.
    private static let shortMinutes = 24.0 * 60

    private var deletion: [String] {
        var out: [String] = []
        let history = appender.maxHistory?.value ?? 0
        if appender.totalSizeCap.flatMap({ FileAppender.bytes($0.value) }) ?? 0 > 0, history == 0 {
            out.append("totalSizeCap has no effect without maxHistory")
        }
        guard let retention = appender.retention else { return out }
        if let age = retention.age, age / 60 < Self.shortMinutes {
            let period = appender.rolledNames?.value.period?.rawValue ?? "period"
            out.append(
                "maxHistory \(history) deletes what is unread after \(Self.text(age / 60)) "
                    + "(\(history) x one \(period))")
        }
        guard let room = room(retention), let rate = files.bytesPerSecond, rate > 0 else {
            return out
        }
        let minutes = room.bytes / rate / 60
        let sentence =
            "\(room.what) deletes what is unread after \(Self.text(minutes)) at today's rate of "
            + "\(FigureText.grouped(Int(rate))) bytes a second"
        if minutes < Self.shortMinutes { out.append(sentence) }
        return out
    }

    /// What the files hold together before the oldest is deleted, in bytes of text.
    private func room(_ retention: RollRetention) -> (bytes: Double, what: String)? {
        if let count = retention.files {
            return appender.maxFileSize.flatMap { FileAppender.bytes($0.value) }.map {
                (Double($0) * Double(count), "the window of \(count) files")
            }
        }
        let packing = appender.rolledNames?.value.compression == nil ? 1.0 : 10.0
        return retention.bytes.map { (Double($0) * packing, "totalSizeCap") }
    }

    private static func text(_ minutes: Double) -> String {
        minutes < 1
            ? "\(Int(minutes * 60)) seconds"
            : minutes < 600
                ? "\(Int(minutes.rounded())) minutes" : "\(Int((minutes / 60).rounded())) hours"
    }
}
