import LogModel
import Server
import Testing
import Wire

@Suite struct LevelDetectionInLines {
    private func level(_ line: String, depth: Int = 2) -> String {
        Array(line.utf8).withUnsafeBytes {
            LevelDetection(jsonDepth: depth).level(ofLine: $0).text
        }
    }

    @Test(arguments: [
        // Plain words: the first whole one counts.
        ("2026-11-01T00:00:37.924Z  INFO 77 --- [main] c.e.App : ready", "info"),
        ("[main] ERROR a.B - failed", "error"), ("Warning: low", "warn"), ("<WARN>", "unknown"),
        ("fatal error", "fatal"), ("critical, then fatal", "critical"), ("err=5", "error"),
        ("errs=5", "unknown"),
        ("an err: x", "error"), ("x|debug|y", "debug"), ("(trace)", "trace"), ("'info'!", "info"),
        ("information", "unknown"), ("infos", "unknown"), ("terror", "unknown"),
        ("at:error", "unknown"), ("a=error", "error"), ("", "unknown"), ("e", "unknown"),
        ("no level here", "unknown"), ("warning", "warn"), ("ERR", "error"),
        // logfmt: the key by its rank, whatever its case.
        ("ts=1 level=warn msg=\"an error\"", "warn"), ("LEVEL=Error x=1", "error"),
        ("lvl=dbg severity=fatal", "fatal"), ("severity=fatal level=info", "info"),
        ("msg=\"level=fatal\" level=info", "info"), ("level=\"WRN\" x", "warn"),
        ("sublevel=fatal an info", "fatal"), ("level=odd but error", "error"),
        ("level= info", "info"), ("severity_text=crt debug", "debug"), ("log.level=trc", "trace"),
        // JSON: the first field of a known name that is a string.
        (#"{"msg":"an error","level":"info"}"#, "info"), (#" {"a":{"severity":"WARN"}} "#, "warn"),
        (#"{"level":5,"lvl":"err"}"#, "error"), (#"{"LeVel":"dbg","x":"fatal"}"#, "fatal"),
        (#"{"a":{"b":{"level":"error"}},"c":1}"#, "error"),
        (#"{"a":["level","fatal"],"level":"debug"}"#, "debug"), (#"{"level":"odd"}"#, "unknown"),
        (#"{"level":"info""#, "info"), (#"{"x":"warn"}"#, "warn"), (#"{broken} error"#, "error"),
        (#"{ info }"#, "info"),
    ])
    func finds(_ line: String, _ expected: String) {
        #expect(level(line) == expected, "\(line)")
    }

    @Test func depthIsLimited() {
        let line = #"{"a":{"b":{"level":"errors"}},"x":"y"}"#
        #expect(level(line) == "unknown")
        let deep = #"{"a":{"b":{"level":"trc"}},"level":"dbg"}"#
        #expect(level(deep, depth: 2) == "debug")
        #expect(level(deep, depth: 3) == "trace")
        #expect(level(deep, depth: 0) == "trace")
    }

    @Test func nothingTraps() {
        var bytes: [UInt8] = []
        var state: UInt64 = 7
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            let alphabet = Array("{}\"=\\ leveltxysrinfo,:[".utf8)
            if bytes.count > 60 { bytes.removeAll() }
            bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            _ = bytes.withUnsafeBytes { LevelDetection(jsonDepth: 2).level(ofLine: $0) }
        }
    }
}
