import Foundation
import Logback
import Testing

/// Where Spring Boot's settings come from, and which of them counts: by the name of the file that they
/// make the application write.
@Suite struct SpringSettingsTests {
    private func files(
        _ files: [String: String], _ change: (inout Application, String) -> Void = { _, _ in }
    ) throws -> LogbackConfiguration {
        let folder = try ConfigurationFolder(files)
        defer { folder.remove() }
        return try folder.read { change(&$0, folder.path) }
    }

    private func file(
        _ files: [String: String], _ change: (inout Application, String) -> Void = { _, _ in }
    ) throws -> String? {
        try self.files(files, change).appenders.first?.file?.value
    }

    private let own = ["BOOT-INF/classes/application.yml": "logging.file.name: /x/own.log"]

    /// Each source with all weaker ones beside it.
    @Test func theStrongerSourceCounts() throws {
        var seen: [String?] = []
        var origins: [String] = []
        for strength in 0..<5 {
            let found = try files(own) { application, _ in
                if strength > 0 { application.environment["LOGGING_FILE_NAME"] = "/x/env.log" }
                if strength > 1 {
                    application.systemProperties["logging.file.name"] = Derived("/x/d.log", "-D")
                }
                if strength > 2 {
                    application.environment["SPRING_APPLICATION_JSON"] =
                        #"{"logging":{"file":{"name":"\/x\/json.log"}}}"#
                }
                if strength > 3 {
                    application.arguments["logging.file.name"] = Derived("/x/arg.log", "--")
                }
            }
            seen.append(found.appenders.first?.file?.value)
            origins.append(found.appenders.first?.file?.origin ?? "")
        }
        #expect(seen == ["/x/own.log", "/x/env.log", "/x/d.log", "/x/json.log", "/x/arg.log"])
        #expect(origins[3].contains("the environment variable SPRING_APPLICATION_JSON"))
    }

    /// As a container has it: each file a setting, behind links of which two points begin the names.
    @Test func treesOfFiles() throws {
        let tree = [
            "etc/..2026/file": "/x/hidden.log", "etc/logging/file/name": "/x/tree.log\n",
            "etc/logging.pattern/file": "%d %level %msg%n", "two/a/logging.file.name": "/x/a.log",
            "two/b/logging.file.name": "/x/b.log", "two/file": "x",
            "etc/big": String(repeating: "x", count: 70_000),
        ]
        func found(_ location: String) throws -> LogbackConfiguration {
            let settings = "logging.file.name: /x/own.log\nspring.config.import: \"\(location)\""
            return try files(
                tree.merging(["BOOT-INF/classes/application.yml": settings]) { $1 }
            ) { application, folder in
                application.workingDirectory = Derived(folder, "-")
            }
        }
        let appender = try #require(try found("configtree:etc/").appenders.first)
        #expect(appender.file?.value == "/x/tree.log")
        #expect(appender.file?.origin.hasSuffix("/etc/logging/file/name") == true)
        #expect(try found("configtree:./two/*/").appenders.first?.file?.value == "/x/b.log")
        #expect(
            try found("optional:configtree:none/").appenders.first?.file?.value == "/x/own.log")
        #expect(try found("optional:configtree:none/").remarks == [])
        #expect(
            try found("configtree:none/").remarks.contains { $0.contains("configtree:none/") })
    }

    @Test func namesOfTheEnvironmentAreRelaxed() throws {
        let found = try files(own) { application, _ in
            application.environment = [
                "LOGGING_FILE_NAME": "/x/env.log",
                "LOGGING_PATTERN_FILE": "%d %level %msg%n",
                "LOGGING_LOGBACK_ROLLINGPOLICY_MAXHISTORY": "3",
                "LOGGING_LOGBACK_ROLLINGPOLICY_MAX_FILE_SIZE": "2MB",
                "LOGGING_CHARSET_FILE": "UTF-8",
            ]
        }
        let appender = try #require(found.appenders.first)
        #expect(appender.maxHistory?.value == 3)
        #expect(appender.maxFileSize?.value == "2MB")
        guard case .pattern(let pattern) = appender.format.value else {
            Issue.record("no pattern")
            return
        }
        #expect(pattern == "%d %level %msg%n")
        let path = try file(own.mapValues { _ in "a: b" }) { application, _ in
            application.environment["LOGGING_FILE_PATH"] = "/y"
        }
        #expect(path == "/y/spring.log")
    }

    @Test func whatIsImportedCountsMoreThanWhoImportsIt() throws {
        let inside = [
            "BOOT-INF/classes/application.yml": """
            spring:
              config:
                import: [ "classpath:logs.yml", "optional:file:./none.yml", "optional:configserver:" ]
            logging.file.name: /x/own.log
            """,
            "BOOT-INF/classes/logs.yml": "logging.file.name: /x/imported-${tail:none}.log",
        ]
        let found = try files(inside)
        #expect(found.appenders.first?.file?.value == "/x/imported-none.log")
        #expect(found.remarks.contains { $0.contains("configserver:") })
        let nested = try file([
            "BOOT-INF/classes/application.properties":
                "spring.config.import=file:${user.dir:.}/a,optional:more/b.properties\ntail=0",
            "BOOT-INF/classes/more/b.properties":
                "spring.config.import=c.yml\nlogging.file.name=/x/b.log",
            "BOOT-INF/classes/more/c.yml":
                "logging.file.name: /x/c-${tail}.log\nspring.config.import: b.properties",
        ])
        #expect(nested == "/x/c-0.log")
    }

    @Test func profilesAndDocuments() throws {
        let all = [
            "BOOT-INF/classes/application.yml": """
            logging.file.name: /x/general.log
            ---
            spring.config.activate.on-profile: prod & !eu
            spring.config.import: classpath:extra.yml
            logging.file.name: /x/prod.log
            ---
            spring.config.activate.on-profile: eu
            logging.file.name: /x/eu.log
            """,
            "BOOT-INF/classes/extra.yml": "extra: yes",
            "BOOT-INF/classes/extra-prod.yml": "logging.file.name: /x/extra-prod.log",
            "BOOT-INF/classes/application-test.yml": "logging.file.name: /x/test.log",
        ]
        func named(_ profiles: String?) throws -> String? {
            try file(all) { application, _ in
                if let profiles {
                    application.systemProperties["spring.profiles.active"] = Derived(profiles, "-D")
                }
            }
        }
        #expect(try named(nil) == "/x/general.log")
        #expect(try named("prod") == "/x/extra-prod.log")
        #expect(try named("prod,eu") == "/x/eu.log")
        #expect(try named("prod,test") == "/x/test.log")
    }

    @Test func aLocationStandsInPlaceOfTheUsualOnes() throws {
        var all = own
        all["etc/shop.yml"] = "logging.file.name: /x/etc.log"
        all["etc/shop-prod.yml"] = "logging.file.name: /x/etc-prod.log"
        all["more/application.yml"] = "logging.file.path: /more"
        func named(_ key: String, _ value: String, profile: String? = nil) throws -> String? {
            try file(all) { application, _ in
                application.arguments[key] = Derived(value, "--\(key)")
                if let profile {
                    application.arguments["spring.profiles.active"] = Derived(profile, "--")
                }
            }
        }
        #expect(try named("spring.config.location", "file:etc/shop.yml") == "/x/etc.log")
        #expect(
            try named("spring.config.location", "file:etc/shop.yml", profile: "prod")
                == "/x/etc-prod.log")
        #expect(try named("spring.config.location", "optional:more/") == "/more/spring.log")
        #expect(try named("spring.config.additional-location", "more/") == "/x/own.log")
        #expect(
            try named("spring.config.location", "classpath:/;file:./etc/shop.yml")
                == "/x/etc.log")
    }

    @Test func aBrokenObjectIsToldAndPassedOver() throws {
        let found = try files(own) { application, _ in
            application.environment["SPRING_APPLICATION_JSON"] = "logging=1"
        }
        #expect(found.appenders.first?.file?.value == "/x/own.log")
        #expect(found.remarks.contains { $0.contains("spring.application.json is no JSON object") })
    }
}
