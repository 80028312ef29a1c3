import Foundation
import LogModel
import Logback
import Testing

@Suite struct ConfigurationTests {
    private func read(
        _ files: [String: String], _ change: (inout Application) -> Void = { _ in }
    ) throws -> LogbackConfiguration {
        let folder = try ConfigurationFolder(files)
        defer { folder.remove() }
        return try folder.read(change)
    }

    private func configuration(_ inner: String) -> String {
        "<configuration>\n\(inner)\n<root level=\"INFO\"><appender-ref ref=\"F\"/></root></configuration>"
    }

    private func appender(_ inner: String, name: String = "F", type: String = "RollingFileAppender")
        -> String
    {
        "<appender name=\"\(name)\" class=\"ch.qos.logback.core.rolling.\(type)\">\(inner)</appender>"
    }

    private let encoder =
        "<encoder><pattern>%d [%thread] %-5level %logger - %msg%n</pattern><charset>MS949</charset></encoder>"

    private func pattern(_ appender: FileAppender) -> String? {
        if case .pattern(let pattern) = appender.format.value { pattern } else { nil }
    }

    @Test func everyValueTellsItsOrigin() throws {
        let found = try read([
            "logback.xml": configuration(
                """
                <property name="HOME" value="/var/log/${app:-shop}"/>
                \(appender("""
                    <file>${HOME}/app.log</file>
                    <rollingPolicy class="ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy">
                    <fileNamePattern>${HOME}/old/app-%d{yyyy-MM-dd, aux}/%d{yyyy-MM-dd_HH}.%i.log.gz</fileNamePattern>
                    <maxFileSize>5MB</maxFileSize><maxHistory>48</maxHistory><totalSizeCap>1GB</totalSizeCap>
                    </rollingPolicy>\(encoder)
                    """))
                """)
        ])
        let one = try #require(found.appenders.first)
        #expect(one.file?.value == "/var/log/shop/app.log")
        #expect(one.file?.origin.contains("logback.xml:3, HOME from ") == true)
        #expect(one.file?.origin.hasSuffix("logback.xml:2") == true)
        #expect(one.rolledNames?.value.period == .hour)
        #expect(one.rolledNames?.value.compression == .gzip)
        let day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
        #expect(
            one.globs == [
                "/var/log/shop/app.log",
                "/var/log/shop/old/app-\(day)/\(day)_[0-9][0-9].[0-9]*.log",
            ])
        #expect(one.policy.value == .sizeAndTime)
        #expect(one.maxHistory?.value == 48)
        #expect(one.totalSizeCap?.value == "1GB")
        #expect(one.charset?.value == "MS949")
    }

    @Test func windowsPrudenceAndOldNaming() throws {
        let found = try read([
            "logback.xml": """
            <configuration>
            \(appender("""
                    <file>/x/w.log</file><rollingPolicy class="FixedWindowRollingPolicy">
                    <fileNamePattern>/x/w.%i.log.zip</fileNamePattern><minIndex>1</minIndex><maxIndex>5</maxIndex>
                    </rollingPolicy><triggeringPolicy class="SizeBasedTriggeringPolicy"><maxFileSize>2MB</maxFileSize>
                    </triggeringPolicy>\(encoder)
                    """))
            \(appender("""
                    <prudent>true</prudent><rollingPolicy class="TimeBasedRollingPolicy">
                    <fileNamePattern>/x/%d{yyyy/MM, aux}/p-%d{dd}.log</fileNamePattern></rollingPolicy>\(encoder)
                    """, name: "P"))
            <root><appender-ref ref="F"/><appender-ref ref="P"/></root></configuration>
            """
        ])
        let window = try #require(found.appenders.first)
        #expect(window.policy.value == .fixedWindow)
        #expect(window.maxHistory?.value == 5)
        #expect(window.maxFileSize?.value == "2MB")
        #expect(window.globs == ["/x/w.log", "/x/w.[0-9]*.log"])
        let prudent = try #require(found.appenders.last)
        #expect(prudent.isPrudent?.value == true)
        #expect(prudent.file == nil)
        #expect(prudent.globs == ["/x/[0-9][0-9][0-9][0-9]/[0-9][0-9]/p-[0-9][0-9].log"])
        #expect(prudent.rolledNames?.value.period == .day)
        #expect(FileAppender.bytes("10 kb") == 10_240)
        #expect(FileAppender.bytes("9223372036854775807GB") == nil)
    }

    @Test func variablesNest() throws {
        let inner = """
            <property name="a" value="one"/><property name="b" value="a"/>
            <property file="${user.dir}/more.properties"/>
            <property resource="absent.properties"/>
            <timestamp key="started" datePattern="yyyyMMdd"/>
            \(appender("<file>/x/${${b}}-${none:-${deep:-d}}-${fromFile}-${started}.log</file>\(encoder)"))
            """
        let found = try read([
            "logback.xml": configuration(inner),
            "more.properties": "# a comment\nfromFile : \\\n   zw\\u00f6lf\n",
        ])
        #expect(found.appenders.first?.globs == ["/x/one-d-zwölf-*.log"])
        #expect(found.remarks.contains { $0.contains("\"absent.properties\" is not there") })
        let environment = try read([
            "logback.xml": configuration(appender("<file>/${D}/${E}.log</file>\(encoder)"))
        ]) {
            $0.environment = ["D": "env", "E": "env"]
            $0.systemProperties = ["E": Derived("system", "-DE")]
        }
        #expect(environment.appenders.first?.file?.value == "/env/system.log")
        #expect(
            environment.appenders.first?.file?.origin.contains("the environment variable D") == true
        )
    }

    @Test func variablesThatClassesCompute() throws {
        let own = "ch.qos.logback.core.property"
        let inner = """
            <define name="there" class="\(own).FileExistsPropertyDefiner"><path>${user.dir}/logback.xml</path></define>
            <define name="gone" class="\(own).FileExistsPropertyDefiner"><path>none.xml</path></define>
            <define name="found" class="\(own).ResourceExistsPropertyDefiner"><resource>logback.xml</resource></define>
            <define name="host" class="\(own).CanonicalHostNamePropertyDefiner"/>
            <define name="dir" class="com.acme.LogFolder"/>
            <define name="kind" class="com.acme.Kind"/>
            \(appender("<file>${dir:-/var/log}/${there}-${gone}-${found}-${kind}.log</file>\(encoder)"))
            """
        let found = try read(["logback.xml": configuration(inner)])
        #expect(found.appenders.first?.globs == ["/var/log/true-false-true-*.log"])
        #expect(found.remarks.count == 2)
        #expect(
            found.remarks[0].hasSuffix(
                "logback.xml:6: dir is computed by com.acme.LogFolder of the application: the default "
                    + "of ${dir:-…} counts in its place, or anything where none stands"))
    }

    @Test func asyncIsFollowedAndUnusedIsLeftOut() throws {
        let found = try read([
            "logback.xml": """
            <configuration>
            <appender name="A" class="ch.qos.logback.classic.AsyncAppender"><appender-ref ref="F"/></appender>
            \(appender("<file>/x/f.log</file>\(encoder)"))
            \(appender("<file>/x/unused.log</file>\(encoder)", name: "U"))
            <appender name="S" class="ch.qos.logback.classic.sift.SiftingAppender">
            <discriminator><key>user</key><defaultValue>none</defaultValue></discriminator>
            <sift><appender name="F-${user}" class="ch.qos.logback.core.FileAppender">
            <file>/x/by-${user}.log</file>\(encoder)</appender></sift></appender>
            <logger name="a.b"><appender-ref ref="S"/></logger>
            <root><appender-ref ref="A"/></root></configuration>
            """
        ])
        #expect(found.appenders.map { $0.globs } == [["/x/f.log"], ["/x/by-*.log"]])
        #expect(found.remarks.contains { $0.contains("appender U is left out") })
    }

    @Test func profilesSettingsIncludesAndConditions() throws {
        let files = [
            "BOOT-INF/classes/logback-spring.xml": """
            <configuration scan="true">
            <include resource="org/springframework/boot/logging/logback/defaults.xml"/>
            <include resource="part.xml"/>
            <springProperty name="dir" source="my.logDir" defaultValue="/none"/>
            <springProfile name="prod &amp; !eu | never"><property name="file" value="prod"/></springProfile>
            <springProfile name="dev, eu"><property name="file" value="dev"/></springProfile>
            <if condition='isDefined("file") &amp;&amp; property("file").contains("pro")'>
            <then><property name="end" value="yes"/></then><else><property name="end" value="no"/></else></if>
            <appender name="F" class="ch.qos.logback.core.FileAppender"><file>${dir}/${file}-${end}-${part}.log</file>
            <encoder><pattern>${FILE_LOG_PATTERN}</pattern></encoder></appender>
            <root><appender-ref ref="F"/></root></configuration>
            """,
            "BOOT-INF/classes/part.xml":
                "<included><property name=\"part\" value=\"p\"/></included>",
            "BOOT-INF/classes/application.yml": """
            spring:
              application: {name: shop}
              profiles: {active: prod}
            my:
              log-dir: /base
            ---
            spring.config.activate.on-profile: prod
            my.log-dir: ${root:/srv}/logs
            """,
            "BOOT-INF/lib/spring-boot-3.4.1.jar": "", "BOOT-INF/lib/logback-classic-1.5.12.jar": "",
        ]
        let found = try read(files)
        #expect(found.appenders.first?.globs == ["/srv/logs/prod-yes-p.log"])
        #expect(found.applicationName?.value == "shop")
        #expect(found.bootVersion?.value == "3.4.1")
        #expect(
            pattern(try #require(found.appenders.first))
                == "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p %pid --- [shop] [%t] %-40.40logger{39} : %m%n%wEx"
        )
        let other = try read(files) {
            $0.environment = ["SPRING_PROFILES_ACTIVE": "dev", "MY_LOGDIR": "/e"]
        }
        #expect(other.appenders.first?.globs == ["/e/dev-no-p.log"])
    }

    @Test func bothBranchesOfWhatNobodyCanTell() throws {
        let found = try read([
            "logback.xml": configuration(
                """
                <if condition='new java.io.File("/x").exists()'><then>
                \(appender("<file>/x/a.log</file>\(encoder)"))</then><else>
                \(appender("<file>/x/b.log</file>\(encoder)"))</else></if>
                """)
        ])
        #expect(found.appenders.map { $0.globs[0] } == ["/x/a.log", "/x/b.log"])
        #expect(found.remarks.contains { $0.contains("both branches") })
    }

    @Test(arguments: [
        (
            "2.7.18",
            "%d{yyyy-MM-dd HH:mm:ss.SSS} %5p %pid --- [%t] %-40.40logger{39} : %m%n%wEx"
        ),
        (
            "3.1.0",
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p %pid --- [%t] %-40.40logger{39} : %m%n%wEx"
        ),
        (
            "3.3.5",
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p %pid --- [shop] [%t] %correlationId%-40.40logger{39} : %m%n%wEx"
        ),
        (
            "4.0.1",
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p %pid --- [shop] [%t] %correlationId%-40.40logger{39} : %m%n%wEx"
        ),
    ])
    func defaultsOfEveryBoot(_ version: String, _ expected: String) throws {
        let found = try read([
            "BOOT-INF/classes/application.properties": """
            spring.application.name=shop
            logging.file.path=logs
            logging.expect-correlation-id=true
            logging.logback.rollingpolicy.max-history=3
            """,
            "BOOT-INF/lib/spring-boot-\(version).jar": "",
        ])
        let one = try #require(found.appenders.first)
        #expect(pattern(one) == expected)
        #expect(one.file?.value.hasSuffix("/logs/spring.log") == true)
        #expect(
            one.rolledNames?.value.text.hasSuffix("/logs/spring.log.%d{yyyy-MM-dd}.%i.gz") == true)
        #expect(one.maxHistory?.value == 3)
        #expect(one.maxFileSize?.value == "10MB")
        #expect(one.charset?.value == "UTF-8")
        _ = try one.layout()
    }

    @Test func structuredLogsOfBoot() throws {
        let found = try read([
            "BOOT-INF/classes/application.yaml":
                "logging:\n  file.name: /x/a.json\n  structured: {format: {file: ecs}}\n",
            "BOOT-INF/lib/spring-boot-3.5.0.jar": "",
        ])
        let one = try #require(found.appenders.first)
        guard case .json(let json, _) = one.format.value else {
            Issue.record("no JSON")
            return
        }
        let line =
            #"{"@timestamp":"2026-11-21T10:00:00.1Z","log":{"level":"WARN","logger":"a.B"},"process":{"pid":7,"thread":{"name":"main"}},"service":{"name":"shop"},"message":"x","traceId":"ab","ecs":{"version":"8.11"}}"#
        let fields = Array(line.utf8).withUnsafeBytes { json.fields(of: $0) }
        #expect(
            Dictionary(fields.map { ($0.name, $0.value) }) { $1 } == [
                "logger": "a.B", "thread": "main", "traceId": "ab",
            ])
    }

    @Test func whatIsRefused() throws {
        func error(_ files: [String: String]) -> String {
            do {
                _ = try read(files)
                return "nothing"
            } catch { return "\(error)" }
        }
        let bomb =
            "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><configuration>&c;</configuration>"
        #expect(
            error(["logback.xml": bomb]).contains(
                "logback.xml:1: a document type that defines something is refused"))
        #expect(
            error(["logback.xml": "<configuration>\n<a></configuration>"]).contains(
                "logback.xml:2: "))
        #expect(
            error([
                "logback.xml": "<configuration><include resource=\"logback.xml\"/></configuration>"
            ])
            .contains("includes itself"))
        #expect(
            error([
                "logback.xml": "<configuration><include url=\"http://x/y.xml\"/></configuration>"
            ]).contains("is not fetched"))
        let deep = String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100)
        #expect(
            error(["logback.xml": "<configuration>\(deep)</configuration>"]).contains(
                "within each other"))
        #expect(error(["logback.xml": "<log4j/>"]).contains("this is no configuration of Logback"))
        #expect(error(["readme.txt": ""]).contains("no logback.xml"))
        #expect(
            error([
                "BOOT-INF/classes/application.yml": "a: 1",
                "BOOT-INF/lib/spring-boot-3.0.0.jar": "",
            ])
            .contains("set logging.file.name"))
        let growing = (1..<40).map {
            "<property name=\"v\($0)\" value=\"${v\($0 - 1)}${v\($0 - 1)}\"/>"
        }.joined()
        #expect(
            error([
                "logback.xml": configuration(
                    "<property name=\"v0\" value=\"0123456789\"/>" + growing)
            ])
            .contains("longer than 64 KiB"))
        let circle = appender("<file>${a}</file>\(encoder)")
        let looping = error([
            "logback.xml": configuration("<property file=\"${user.dir}/c.properties\"/>\(circle)"),
            "c.properties": "a=\\${b}\nb=\\${a}\na=${b}",
        ])
        #expect(!looping.isEmpty)
    }

    /// Damaged configurations are read or refused, and nothing else.
    @Test func mutationsAreSurvived() throws {
        let seed: UInt64 = 20_261_121
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let good = Array(
            configuration(
                """
                <property name="a" value="${b:-${c:-x}}"/><springProfile name="(a|b) &amp; !c"/>
                <if condition='p("a").equals("b") || !isNull("x")'><then/><else/></if>
                \(appender("<file>${a}/%d{x}.log</file><rollingPolicy class=\"TimeBasedRollingPolicy\"><fileNamePattern>x%d{yyyy, aux}%i.gz</fileNamePattern></rollingPolicy>\(encoder)"))
                """
            ).utf8)
        let pieces = [
            "${", "}", ":-", "<", ">", "\"", "&amp;", "%d{", "(", ")", "!", "\u{E000}", "'", "%",
        ]
        var outcomes = Set<Bool>()
        let folder = try ConfigurationFolder(["logback.xml": ""])
        defer { folder.remove() }
        for _ in 0..<400 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + 5))
                default:
                    bytes.insert(
                        contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: at)
                }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/logback.xml"))
            do {
                let found = try folder.read()
                outcomes.insert(true)
                for appender in found.appenders { _ = try? appender.layout() }
            } catch { outcomes.insert(error is LogbackError) }
        }
        #expect(outcomes.contains(true))
    }

    /// Damaged settings are read or refused, and nothing else.
    @Test(arguments: ["application.yml", "application.properties"])
    func mutatedSettingsAreSurvived(_ name: String) throws {
        let seed: UInt64 = 31_337
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let good = Array(
            (name.hasSuffix("yml")
                ? "logging:\n  file: {name: '${a:${b:x}}/y.log'}\n---\nspring.config.activate.on-profile: 'p & !q'\na: [1, &k {b: c}, *k]\n"
                : "logging.file.name = ${a:${b:x}}/y\\u002elog\n#---\nspring.config.activate.on-profile=p & !q\na[0] : \\\n  c\n")
                .utf8)
        let folder = try ConfigurationFolder(["logback.xml": "", name: ""])
        defer { folder.remove() }
        try FileManager.default.removeItem(atPath: folder.path + "/logback.xml")
        var read = 0
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[at] = UInt8.random(in: .min ... .max, using: &random)
                } else {
                    bytes.insert(
                        contentsOf: ["${", "}", "\\u", ": ", "&k", "*k", "\n---\n"].randomElement(
                            using: &random)?.utf8 ?? "".utf8, at: at)
                }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: folder.path + "/" + name))
            do {
                _ = try folder.read()
                read += 1
            } catch { #expect(error is LogbackError) }
        }
        #expect(read > 0)
    }
}
