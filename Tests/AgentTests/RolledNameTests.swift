import Agent
import Testing

@Suite struct RolledNameTests {
    @Test(arguments: [
        ("app-2026-11-21.7.log.gz", "app-%d.%i.log", "2026-11-21", 7, ".gz"),
        ("app.2026-11-21.0.log", "app.%d.%i.log", "2026-11-21", 0, ""),
        ("spring.log.2026-11-21.12.gz", "spring.log.%d.%i", "2026-11-21", 12, ".gz"),
        ("app-20261121.003.log.zip", "app-%d.%i.log", "20261121", 3, ".zip"),
        ("app-2026-11-21_2318.4.log", "app-%d.%i.log", "2026-11-21_2318", 4, ""),
        ("a1-app.2026-11.5.log", "a1-app.%d.%i.log", "2026-11", 5, ""),
        ("app-0930.1.log", "app-%d.%i.log", "0930", 1, ""),
        ("로그-2026-11-21.2.log", "로그-%d.%i.log", "2026-11-21", 2, ""),
    ])
    func numbersBehindDates(
        _ name: String, _ family: String, _ date: String, _ number: Int, _ packing: String
    ) throws {
        let found = try #require(RolledName.Numbered(name))
        #expect(found.family == family)
        #expect(found.date == date)
        #expect(found.number == number)
        #expect(found.packing == packing)
        let plain = RolledName.unpacked(name)
        if !name.contains("003") { #expect(found.name(number: number) == plain) }
        #expect(RolledName.Numbered(found.name(number: number + 1)).map { found < $0 } == true)
    }

    @Test(arguments: [
        // The last part of a date is no number; a number without a date, or not behind a point.
        "app.2026-11-21.log", "app-20261121.log.gz", "app.2026.11.21.log", "app.7.log", "app.log",
        "app-2026-11-21-7.log", "app.0003.log", "app.log.1", "", "2026", ".gz",
        "app-2026-11-21.99999999999999999999.log",
    ])
    func noNumbers(_ name: String) { #expect(RolledName.Numbered(name) == nil) }

    @Test func familiesShareARoot() {
        #expect(RolledName.family(of: "/logs/app-%d.%i.log") == "/logs/app.log")
        #expect(RolledName.family(of: "/logs/spring.log.%d.%i") == "/logs/spring.log")
        #expect(RolledName.family(of: "/logs/50%d-%d.%i.log") == "/logs/50%d.log")
    }

    /// Oldest first.
    @Test(arguments: [
        ["app.3.log.gz", "app.2.log.gz", "app.1.log.gz"],
        ["app.0010.log", "app.0009.log", "app.0001.log"],
        ["app.log.10", "app.log.9", "app.log.2"],
        ["app-2026-11-20.9.log.gz", "app-2026-11-20.10.log.gz", "app-2026-11-21.0.log"],
        ["app-20261120.log", "app-20261121.log"],
        ["app-0930.9.log", "app-0930.10.log", "app-1001.0.log"],
        [
            "app-2026-11-20.9.log1071503709821.tmp", "app-2026-11-20.10.log1071503709820.tmp",
            "app-2026-11-20.11.log",
        ],
    ])
    func ranks(_ names: [String]) {
        #expect(names.reversed().sorted { RolledName.Rank($0) < RolledName.Rank($1) } == names)
    }

    @Test(arguments: [
        ("app-2026-11-20.0.log.gz", 20_777), ("app.log-20261120", 20_777),
        ("app.2026_11_20", 20_777), ("node-12-2026.11.20.log", 20_777), ("1970-01-01", 0),
        ("app-1234-56-78-2026-11-20.log", 20_777),
    ])
    func days(_ name: String, _ day: Int64) { #expect(RolledName.day(of: name) == day) }

    @Test(arguments: [
        ("app-2026-11-20.log", "*.log"), ("app.log.2026-11-20", "*.log"), ("app.log.3", "app.log"),
        ("app.7", "app.log"), ("app.2026-11-20", "*.log"), ("my.app.20261120", "my.*.log"),
        ("app.2026-11-20.5.log", "app.log"),
    ])
    func rolls(_ name: String, _ pattern: String) {
        #expect(RolledName.takenOut(name, from: pattern).map { $0 > 0 } == true)
    }

    /// What lies in the folder too.
    @Test(arguments: [
        ("core.1234", "*.log"), ("dump-20261124.hprof", "*.log"),
        ("report-2026-11-24.csv", "*.log"), ("a.16.log.gz.tmp", "*.log"),
        ("app-20261124.hprof", "app.log"), ("core.1234", "app.log"),
        ("app.pid", "*.log"), ("hs_err_pid4711.mdmp", "*.log"),
    ])
    func noRolls(_ name: String, _ pattern: String) {
        #expect(RolledName.takenOut(name, from: pattern) == nil)
    }

    @Test(arguments: [
        "app.log", "app-2026-11.log", "app-2026-13-01.log", "app-2026-11.20.log", "app-2026-11-201",
        "app-202611200.log", "app-2026--11--20", "app-2026x11x20", "app-2026-1-20", "12026-11-20",
    ])
    func noDays(_ name: String) { #expect(RolledName.day(of: name) == nil) }
}
