import Logback
import Testing

/// What a configuration says and Logback does not do.
@Suite struct ConfigurationRemarkTests {
    private func read(_ inner: String, logback: String = "1.5.18") throws -> LogbackConfiguration {
        let folder = try ConfigurationFolder([
            "BOOT-INF/classes/logback.xml": "<configuration>\n\(inner)\n</configuration>",
            "BOOT-INF/lib/logback-classic-\(logback).jar": "",
        ])
        defer { folder.remove() }
        return try folder.read()
    }

    private func appender(_ name: String, _ inner: String) -> String {
        "<appender name=\"\(name)\" class=\"ch.qos.logback.core.rolling.RollingFileAppender\">\(inner)"
            + "<encoder><pattern>%d %msg%n</pattern></encoder></appender>"
    }

    private func root(_ names: String...) -> String {
        "<root>" + names.map { "<appender-ref ref=\"\($0)\"/>" }.joined() + "</root>"
    }

    private func window(_ pattern: String) -> String {
        "<rollingPolicy class=\"ch.qos.logback.core.rolling.FixedWindowRollingPolicy\">"
            + "<fileNamePattern>\(pattern)</fileNamePattern></rollingPolicy>"
    }

    @Test func theSecondAppenderOfAFileIsNotStarted() throws {
        let found = try read(
            appender("A", "<file>/x/a.log</file>") + "\n" + appender("B", "<file>/x/a.log</file>")
                + appender("C", "<file>/x/c.log</file>" + window("/x/old.%i.log"))
                + appender("D", "<file>/x/d.log</file>" + window("/x/old.%i.log"))
                + appender("E", "<file>/x/e.log</file>") + root("A", "B", "C", "D", "E"))
        #expect(found.appenders.map(\.name) == ["A", "C", "E"])
        #expect(
            found.remarks.contains {
                $0.contains("logback.xml:3: the appender B is left out: A (")
                    && $0.contains("/x/a.log")
            })
        #expect(found.remarks.contains { $0.contains("the appender D is left out: C (") })
    }

    /// Logback 1.2 starts what nobody refers to, and that one has the file.
    @Test(arguments: [("1.2.11", []), ("1.5.18", ["B"])])
    func anUnusedAppenderMayHaveTheFile(logback: String, kept: [String]) throws {
        let inner =
            appender("A", "<file>/x/a.log</file>") + appender("B", "<file>/x/a.log</file>")
            + appender("Z", "<file>/x/z.log</file>") + root("B", "Z")
        let found = try read(inner, logback: logback)
        #expect(found.appenders.map(\.name) == kept + ["Z"])
    }

    /// The application has one branch of it: neither appender takes the other's file.
    @Test func appendersOfAnUndecidedConditionAreKept() throws {
        let (one, other) = (
            appender("A", "<file>/x/a.log</file>"), appender("B", "<file>/x/a.log</file>")
        )
        let found = try read(
            "<if condition='new java.io.File(\"/x\").exists()'><then>\(one)</then>"
                + "<else>\(other)</else></if>" + root("A", "B"))
        #expect(found.appenders.map(\.name) == ["A", "B"])
    }

    @Test func whatIsNotThereIsNamed() throws {
        let found = try read(
            "<include file=\"/x/none.xml\"/><include resource=\"part.xml\"/>\n"
                + "<include file=\"/x/may-be.xml\" optional=\"true\"/>"
                + appender("A", "<file>/x/a.log</file>") + root("A", "CONSOLE"))
        let ends = found.remarks.map { $0.split(separator: "/").last.map(String.init) ?? "" }
        #expect(
            ends == [
                "none.xml\" is not there: what it would include is passed over",
                "logback.xml:2: \"part.xml\" is not there: what it would include is passed over",
                "logback.xml:3: there is no appender CONSOLE: what refers to it writes nothing",
            ])
    }
}
