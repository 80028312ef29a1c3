import LogModel
import Server
import Testing
import Wire

@Suite struct Validation {
    private static let now = Timestamp(nanoseconds: 1_793_512_800_000_000_000)

    private func limits(_ change: (inout Limits) -> Void = { _ in }) -> Limits {
        var limits = Limits()
        limits.discoverServiceName = []
        limits.discoverLogLevels = false
        change(&limits)
        return limits
    }

    private func entries(
        _ lines: [String], at time: Int64 = now.nanoseconds, metadata: [String: String] = [:]
    ) -> Entries {
        var entries = Entries()
        for line in lines {
            entries.append(timestamp: time, line: line.utf8, metadata: Labels(metadata))
        }
        return entries
    }

    private func judge(
        _ limits: Limits, _ labels: [Label], _ entries: Entries
    ) -> PushValidation {
        var validation = PushValidation(limits: limits, now: Self.now)
        validation.add(.init(labels: labels, entries: entries))
        return validation
    }

    private let app = [Label("app", "x")]

    @Test func labelsAreLimited() {
        func text(_ labels: [Label]) -> String {
            judge(limits(), labels, entries(["l"])).errors.text
        }
        #expect(text([]) == "error at least one label pair is required per stream")
        #expect(text((0..<15).map { Label("l\($0)", "v") }) == "")
        #expect(
            text((10..<26).map { Label("l\($0)", "v") }).hasSuffix("' has 16 label names; limit 15")
        )
        let name = String(repeating: "n", count: 1024)
        #expect(text([Label(name, "v")]) == "")
        #expect(
            text([Label(name + "n", "v")])
                == "stream '{\(name)n=\"v\"}' has label name too long: '\(name)n'")
        let value = String(repeating: "v", count: 2048)
        #expect(text([Label("a", value)]) == "")
        #expect(
            text([Label("a", value + "v")])
                == "stream '{a=\"\(value)v\"}' has label value too long: '\(value)v'")
        #expect(
            text([Label("a", "1"), Label("a", "2")])
                == "stream '{a=\"1\", a=\"2\"}' has duplicate label name: 'a'")
    }

    @Test func linesAreLimited() {
        let bounds = limits { $0.maxLineSize = 10 }
        let lines = ["123456789", "1234567890", "12345678901"]
        let judged = judge(bounds, app, entries(lines))
        #expect(
            judged.errors.text
                == "max entry size '10' bytes exceeded for stream '{app=\"x\"}' "
                + "while adding an entry with length '11' bytes")
        #expect(judged.batches.map(\.entries.count) == [2])
        #expect(judged.lines == 2)
        #expect(judged.bytes == 19)
        let cut = judge(
            limits {
                $0.maxLineSize = 10
                $0.maxLineSizeTruncate = true
            }, app, entries(["12345678901", "12345678한", "short"]))
        #expect(cut.errors.isEmpty)
        #expect(
            (0..<3).map { String(decoding: cut.batches[0].entries.line($0), as: UTF8.self) }
                == ["1234567890", "12345678", "short"])
    }

    @Test func timesAreLimited() {
        let second = Nanoseconds.second
        func text(_ offset: Int64, _ limits: Limits) -> String {
            judge(limits, app, entries(["l"], at: Self.now.nanoseconds + offset)).errors.text
        }
        let strict = limits { $0.rejectOldSamples = true }
        #expect(text(600 * second, strict) == "")
        #expect(
            text(600 * second + 1, strict)
                == "entry for stream '{app=\"x\"}' has timestamp too new: 2026-11-01T06:10:00Z")
        #expect(text(-7 * 86_400 * second, strict) == "")
        #expect(
            text(-7 * 86_400 * second - 1, strict)
                == "entry for stream '{app=\"x\"}' has timestamp too old: 2026-10-25T05:59:59Z, "
                + "oldest acceptable timestamp is: 2026-10-25T06:00:00Z")
        #expect(text(-900 * 86_400 * second, limits()) == "")
        #expect(judge(strict, app, entries(["l"], at: .min)).batches.isEmpty)
        #expect(judge(strict, app, entries(["l"], at: .max)).batches.isEmpty)
    }

    @Test func metadataIsLimited() {
        func text(_ metadata: [String: String], _ limits: Limits) -> String {
            judge(limits, app, entries(["l"], metadata: metadata)).errors.text
        }
        let bounds = limits {
            $0.maxStructuredMetadataSize = 10
            $0.maxStructuredMetadataEntriesCount = 2
        }
        #expect(text(["a": "123456789"], bounds) == "")
        #expect(
            text(["a": "1234567890"], bounds).hasPrefix(
                "stream '{app=\"x\"}' has structured metadata too large: '11' bytes, limit: '10' bytes."
            ))
        #expect(
            text(["a": "1", "b": "1", "c": "1"], bounds).hasPrefix(
                "stream '{app=\"x\"}' has too many structured metadata labels: '3', limit: '2'."))
        #expect(
            text(["a": "1"], limits { $0.allowStructuredMetadata = false }).hasPrefix(
                "stream '{app=\"x\"}' includes structured metadata, but this feature is disallowed."
            ))
        #expect(
            text(["--": "1"], limits())
                == "normalization for label name \"--\" resulted in invalid name \"_\"")
    }

    @Test(arguments: [
        ("trace.id", "trace_id"), ("a-.-b", "a_b"), ("a__b", "a_b"), ("9lives", "key_9lives"),
        ("한글a", "_a"), ("plain_name", "plain_name"), ("__error__", "__error__"),
    ])
    func metadataNames(_ given: String, _ stored: String) {
        #expect(MetadataSets.normalised(name: given) == stored)
    }

    @Test func equalErrorsAreCounted() {
        let bounds = limits { $0.maxLineSize = 2 }
        let judged = judge(bounds, app, entries(["ok", "abc", "def", "ghij"]))
        let text =
            "max entry size '2' bytes exceeded for stream '{app=\"x\"}' "
            + "while adding an entry with length"
        #expect(
            judged.errors.text
                == "2 errors like: \(text) '3' bytes; 1 errors like: \(text) '4' bytes")
        var many = GroupedErrors()
        for i in 0..<1000 { many.add("\(i)") }
        #expect(many.text.hasSuffix("; 1 errors like: 19; 980 other errors"))
    }

    @Test func servicesGetAName() {
        var limits = limits()
        limits.discoverServiceName = ["service", "app"]
        func labels(_ given: [Label]) -> Labels? {
            judge(limits, given, entries(["l"])).batches.first?.labels
        }
        #expect(labels(app) == Labels(["app": "x", "service_name": "x"]))
        #expect(labels([Label("z", "1")]) == Labels(["z": "1", "service_name": "unknown_service"]))
        let named = [Label("app", "x"), Label("service_name", "mine")]
        #expect(labels(named) == Labels(sorted: named))
        // It does not count as one of the fifteen.
        #expect(labels((10..<25).map { Label("l\($0)", "v") })?.count == 16)
        #expect(labels([]) == nil)
    }

    @Test func levelsBecomeMetadata() {
        var limits = limits()
        limits.discoverLogLevels = true
        var given = entries(["an INFO", "nothing"])
        given.append(
            timestamp: 1, line: "an INFO".utf8, metadata: Labels(["level": "WRN", "k": "v"]))
        given.append(timestamp: 1, line: "an INFO".utf8, metadata: Labels(["k": "v"]))
        given.append(timestamp: 1, line: "".utf8, metadata: Labels(["detected_level": "dbg"]))
        given.append(timestamp: 1, line: "".utf8, metadata: Labels(["severity_number": "17"]))
        func metadata(_ labels: [Label]) -> [Labels] {
            let entries = judge(limits, labels, given).batches[0].entries
            return (0..<entries.count).map(entries.metadata)
        }
        #expect(
            metadata(app) == [
                Labels(["detected_level": "info"]), Labels(["detected_level": "unknown"]),
                Labels(["level": "WRN", "k": "v", "detected_level": "warn"]),
                Labels(["k": "v", "detected_level": "info"]), Labels(["detected_level": "debug"]),
                Labels(["severity_number": "17", "detected_level": "error"]),
            ])
        let ofStream = metadata([Label("Severity", "odd")])
        #expect(ofStream[0] == Labels(["detected_level": "odd"]))
        #expect(ofStream[4] == Labels(["detected_level": "debug"]))
    }

    @Test func metadataUnderALabelsNameIsRenamed() {
        let judged = judge(limits(), app, entries(["l"], metadata: ["app": "y", "z": "1"]))
        #expect(
            judged.batches[0].entries.metadata(0) == Labels(["app_extracted": "y", "z": "1"]))
    }

    @Test func equalTimesCanBeSpread() {
        let spread = limits { $0.incrementDuplicateTimestamp = true }
        let judged = judge(spread, app, entries(["a", "b", "c", "c"], at: 5))
        #expect(judged.batches[0].entries.timestamps == [5, 6, 7, 5])
    }
}

@Suite struct Tenants {
    @Test func areJudgedLikeLokis() throws {
        let open = Tenancy(required: false)
        #expect(try open.tenant(nil) == "fake")
        #expect(try open.tenant("") == "fake")
        #expect(try open.tenant("a-Z0!_.*'()") == "a-Z0!_.*'()")
        #expect(try open.tenant(String(repeating: "t", count: 150)).count == 150)
        for (id, text) in [
            ("a|b", "multiple org IDs present"), ("..", "tenant ID is '.' or '..'"),
            ("../etc", "tenant ID '../etc' contains unsupported character '/'"),
            (String(repeating: "t", count: 151), "tenant ID is too long: max 150 characters"),
        ] {
            #expect(throws: WireError.badRequest(text)) { _ = try open.tenant(id) }
        }
        #expect(throws: WireError(status: 401, message: "no org id")) {
            _ = try Tenancy(required: true).tenant(nil)
        }
    }

    @Test func haveARate() {
        var limits = Limits()
        let start = ContinuousClock.now
        #expect(RateLimits(limits: limits).take(.max, lines: 1, tenant: "a", now: start) == nil)
        limits.ingestionRateMB = 1
        limits.ingestionBurstSizeMB = 2
        let rates = RateLimits(limits: limits)
        let megabyte = 1 << 20
        #expect(rates.take(2 * megabyte, lines: 1, tenant: "a", now: start) == nil)
        #expect(
            rates.take(1, lines: 9, tenant: "a", now: start)
                == "ingestion rate limit exceeded for user a (limit: 1048576 bytes/sec) while "
                + "attempting to ingest '9' lines totaling '1' bytes, reduce log volume or contact "
                + "your Loki administrator to see if the limit can be increased")
        #expect(rates.take(megabyte, lines: 1, tenant: "b", now: start) == nil)
        let later = start + .milliseconds(500)
        #expect(rates.take(megabyte / 2, lines: 1, tenant: "a", now: later) == nil)
        #expect(rates.take(megabyte / 2, lines: 1, tenant: "a", now: later) != nil)
    }
}
