import Foundation
import Logback
import Testing

/// What configurations say in ways that real Logback and Spring Boot understand.
@Suite struct ConfigurationDetailTests {
    private func read(
        _ files: [String: String], _ change: (inout Application) -> Void = { _ in }
    ) throws -> LogbackConfiguration {
        let folder = try ConfigurationFolder(files)
        defer { folder.remove() }
        return try folder.read(change)
    }

    private func logback(_ appender: String, before: String = "") -> [String: String] {
        [
            "logback.xml": """
            <configuration>\(before)
            <appender name="F" class="ch.qos.logback.core.FileAppender">\(appender)</appender>
            <root level="INFO"><appender-ref ref="F"/></root></configuration>
            """
        ]
    }

    private func composite(_ providers: String) -> [String: String] {
        logback(
            """
            <file>/x/app.json</file>
            <encoder class="net.logstash.logback.encoder.LoggingEventCompositeJsonEncoder">
            <providers>\(providers)</providers></encoder>
            """)
    }

    private func settings(
        _ yaml: String, _ more: [String: String] = [:],
        _ change: (inout Application) -> Void = { _ in }
    ) throws -> String? {
        let files = more.merging(["BOOT-INF/classes/application.yml": yaml]) { $1 }
        return try read(files, change).appenders.first?.file?.value
    }

    /// An element of JSON's providers, and one of Logback's own of the same name.
    @Test func theProviderOfTimestamps() throws {
        let found = try read(
            composite(
                """
                <timestamp><fieldName>when</fieldName><timeZone>Asia/Seoul</timeZone>
                <pattern>yyyy-MM-dd HH:mm:ss.SSS</pattern></timestamp><message/>
                """))
        let one = try #require(found.appenders.first)
        guard case .json(let layout, let stamps) = one.format.value else {
            Issue.record("no JSON: \(one.format.value)")
            return
        }
        #expect(layout.names[.timestamp] == "when")
        #expect(stamps == "yyyy-MM-dd HH:mm:ss.SSS")
        #expect(one.zone?.value == "Asia/Seoul")
    }

    @Test func theZoneOfAStampInsideJSON() throws {
        let found = try read(
            composite(
                #"<pattern><pattern>{"ts":"%d{yyyy-MM-dd HH:mm:ss.SSS, Asia/Tokyo}"}</pattern></pattern>"#
            ))
        #expect(found.appenders.first?.zone?.value == "Asia/Tokyo")
    }

    @Test func elementsWithCapitalsAndPropertiesWithABody() throws {
        let found = try read([
            "logback.xml": """
            <configuration><Property name="HOME" value="/x"/><property name="P">body</property>
            <Appender name="F" class="ch.qos.logback.core.FileAppender"><File>${HOME}/${P}.log</File>
            <encoder><Pattern>%d %m%n</Pattern></encoder></Appender>
            <Root level="INFO"><Appender-Ref ref="F"/></Root></configuration>
            """
        ])
        #expect(found.appenders.first?.file?.value == "/x/P_IS_UNDEFINED.log")
    }

    /// `앱` in EUC-KR, and an encoding that nobody has.
    @Test func encodingsOfXML() throws {
        func read(_ name: String, _ bytes: [UInt8]) throws -> String? {
            let folder = try ConfigurationFolder([:])
            defer { folder.remove() }
            try FileManager.default.createDirectory(
                atPath: folder.path, withIntermediateDirectories: true)
            let head =
                "<?xml version=\"1.0\" encoding=\"\(name)\"?>"
                + "<configuration><appender name='F' class='ch.qos.logback.core.FileAppender'><file>/x/"
            let end =
                ".log</file><encoder><pattern>%d %m%n</pattern></encoder></appender>"
                + "<root><appender-ref ref='F'/></root></configuration>"
            try Data(head.utf8 + bytes + end.utf8).write(
                to: URL(fileURLWithPath: folder.path + "/logback.xml"))
            return try folder.read().appenders.first?.file?.value
        }
        #expect(try read("EUC-KR", [0xbe, 0xdb]) == "/x/앱.log")
        #expect(throws: LogbackError.self) { try read("x-nobody", [0x41]) }
    }

    /// Java reads them as ISO 8859-1: so does the name of the file that it writes.
    @Test func propertiesAreLatin1() throws {
        let folder = try ConfigurationFolder(["p.properties": "NM=주문\nOK=\\uC8FC"])
        defer { folder.remove() }
        let found = try read(
            logback(
                "<file>/x/${NM}-${OK}.log</file><encoder><pattern>%d %m%n</pattern></encoder>",
                before: "<property file=\"\(folder.path)/p.properties\"/>"))
        let latin = String(String.UnicodeScalarView("주문".utf8.map { UnicodeScalar($0) }))
        #expect(found.appenders.first?.file?.value == "/x/\(latin)-주.log")
    }

    @Test func documentsOfAPlatform() throws {
        let yaml = """
            logging.file.name: /x/base.log
            ---
            spring.config.activate.on-cloud-platform: kubernetes
            logging.file.name: /x/k8s.log
            """
        #expect(try settings(yaml) == "/x/base.log")
        #expect(
            try settings(yaml) { $0.environment["KUBERNETES_SERVICE_HOST"] = "10.0.0.1" }
                == "/x/k8s.log")
        #expect(
            try settings("spring.main.cloud-platform: kubernetes\n" + yaml) == "/x/k8s.log")
    }

    @Test func defaultProfilesAndGroupsOfGroups() throws {
        let yaml = """
            logging.file.name: /x/base.log
            spring.profiles.group: { prod: [common], common: [filelog] }
            """
        let own = [
            "BOOT-INF/classes/application-filelog.yml": "logging.file.name: /x/filelog.log",
            "BOOT-INF/classes/application-default.yml": "logging.file.name: /x/default.log",
            "BOOT-INF/classes/application-quiet.yml": "logging.file.name: /x/quiet.log",
        ]
        func found(_ variables: [String: String]) throws -> String? {
            try settings(yaml, own) { $0.environment.merge(variables) { $1 } }
        }
        #expect(try found([:]) == "/x/default.log")
        #expect(try found(["SPRING_PROFILES_ACTIVE": "prod"]) == "/x/filelog.log")
        #expect(try found(["SPRING_PROFILES_DEFAULT": "quiet"]) == "/x/quiet.log")
        #expect(
            try found(["SPRING_PROFILES_DEFAULT": "quiet", "SPRING_PROFILES_ACTIVE": "other"])
                == "/x/base.log")
    }

    @Test func placeholdersOfTheMachine() throws {
        #expect(
            try settings("logging.file.name: ${user.home:/opt}/app.log") {
                $0.environment["HOME"] = "/home/shop"
            } == "/home/shop/app.log")
        #expect(
            try settings("logging.file.name: ${java.io.tmpdir:zz}/app.log") == "/tmp/app.log")
        let folder = try ConfigurationFolder([
            "BOOT-INF/classes/application.yml": "logging.file.name: /x/${random.uuid}.log"
        ])
        defer { folder.remove() }
        #expect(try folder.read().appenders.first?.globs.first == "/x/*.log")
    }

    @Test func namesThatAreEmptyAndMergedKeys() throws {
        #expect(
            try settings("logging.file: { name: '', path: /var/lp }") == "/var/lp/spring.log")
        #expect(try settings("logging.file: { name: ~, path: /var/lp }") == "/var/lp/spring.log")
        #expect(
            try settings(
                "base: &b { file: { name: /x/merged.log } }\nlogging:\n  <<: *b\n  level: { root: INFO }"
            ) == "/x/merged.log")
    }
}
