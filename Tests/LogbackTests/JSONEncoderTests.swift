import LogModel
import Logback
import Testing

/// Lines of encoders that Debian does not have, in the form that their documentation gives:
/// ch.qos.logback.classic.encoder.JsonEncoder (Logback's API documentation, since 1.3.8), Spring Boot's
/// `logging.structured.format.file` (its reference on structured logging, since 3.4), and
/// de.siegmar.logbackgelf (its README).
@Suite struct JSONEncoderTests {
    private func event(
        _ encoder: JSONLayout.Encoder, _ line: String
    ) -> (event: FileEvent?, fields: [String: String]) {
        let layout = LayoutRule(json: JSONLayout(encoder))
        var assembler = EventAssembler(layout: layout, zone: .utc, offset: 0, events: 0)
        let events = assembler.add(Array((line + "\n").utf8), now: 7) + assembler.finish(now: 7)
        #expect(events.count == 1)
        let labels = Array(line.utf8).withUnsafeBytes { layout.fields(of: $0) }
        return (events.first, Dictionary(labels.map { ($0.name, $0.value) }) { $1 })
    }

    private static let second = Nanoseconds.second

    @Test func logbacksOwn() {
        let found = event(
            .logback,
            #"{"sequenceNumber":7,"timestamp":1795258800123,"nanoseconds":123456789,"level":"WARN","#
                + #""threadName":"pool 1","loggerName":"a.B","context":{"name":"default","birthdate":1,"#
                + #""properties":{}},"mdc": {"traceId":"t-1","user.id":"9"},"message":"{} is gone","#
                + #""arguments":["x"],"throwable":null}"#)
        #expect(found.event?.timestamp == 1_795_258_800_123 * Nanoseconds.millisecond)
        #expect(found.event?.level == "WARN")
        #expect(
            found.fields == [
                "thread": "pool 1", "logger": "a.B", "traceId": "t-1", "user_id": "9",
                "message": "x is gone",
            ])
    }

    @Test func listsOfLogbacksOwn() {
        func fields(_ members: String) -> [String: String] {
            event(.logback, #"{"timestamp":1795258800123,"level":"INFO","# + members + "}").fields
        }
        #expect(
            fields(
                #""markers": ["AUDIT","SLOW"],"mdc": {},"kvpList": [{"order.id":"7"},{"who":"김 \"A\""},"#
                    + #"{"none":"null"},{"":"x"}],"message":"a","arguments": ["x"],"throwable":null"#
            )
                == [
                    "marker": "AUDIT SLOW", "order_id": "7", "who": "김 \"A\"", "none": "null",
                ])
        #expect(
            fields(#""message":"{} of {}","formattedMessage":"1 of 9","arguments": ["1","9"]"#)
                == [:])
        #expect(fields(#""message":"no arguments {}","kvpList": []"#) == [:])
        // No lists at all, and lists of other things, are passed over.
        #expect(fields(#""kvpList":{"a":"b"},"markers":7,"message":"{}","arguments":[1]"#) == [:])
        #expect(
            fields(#""kvpList": [{"a":"1"},5,{"b":"2"}],"mdc": {"c":"3"}"#) == ["a": "1", "c": "3"])
    }

    /// As org.slf4j.helpers.MessageFormatter has it.
    @Test(arguments: [
        (#"{} of {}"#, #"1 of 9"#), (#"{}"#, #"1"#), (#"{}{}{}"#, #"19{}"#),
        (#"a { } {}"#, #"a { } 1"#),
        (#"\\{} and {}"#, #"{} and 1"#), (#"\\\\{} and {}"#, #"\1 and 9"#),
        (#"주문 {}: {}"#, #"주문 1: 9"#),
    ])
    func messagesWithArguments(_ message: String, _ expected: String) {
        let found = event(
            .logback,
            #"{"timestamp":1795258800123,"level":"INFO","message":""# + message
                + #"","arguments": ["1","9"],"throwable":null}"#)
        #expect(found.fields["message"] == expected)
    }

    @Test func gelfOfSpring() {
        let found = event(
            .gelf,
            #"{"version":"1.1","short_message":"up","timestamp":1795258800.857,"level":6,"#
                + #""_level_name":"INFO","_process_pid":4,"_process_thread_name":"main","host":"shop","#
                + #""_log_logger":"a.B","_userId":"1","_error_type":"x"}"#)
        #expect(found.event?.timestamp == 1_795_258_800 * Self.second + 857_000_000)
        #expect(found.event?.level == "INFO")
        #expect(found.fields == ["thread": "main", "logger": "a.B", "userId": "1"])
    }

    @Test func gelfOfSiegmar() {
        let found = event(
            .gelf,
            #"{"version":"1.1","host":"h","short_message":"up","full_message":"up\n\tat a.B","#
                + #""timestamp":1795258800.8,"level":3,"_logger_name":"a.B","_thread_name":"main","#
                + #""_traceId":"t"}"#)
        #expect(found.event?.timestamp == 1_795_258_800 * Self.second + 800_000_000)
        #expect(found.event?.level == "3")
        #expect(found.fields == ["thread": "main", "logger": "a.B", "traceId": "t"])
    }

    /// Nested objects since 3.5, dotted keys before.
    @Test(arguments: [
        #""log":{"level":"ERROR","logger":"a.B"},"process":{"pid":4,"thread":{"name":"main"}},"ecs":{"version":"8.11"}"#,
        #""log.level":"ERROR","log.logger":"a.B","process.pid":4,"process.thread.name":"main","ecs.version":"8.11""#,
    ])
    func ecsOfSpring(_ members: String) {
        let found = event(
            .ecs,
            #"{"@timestamp":"2026-11-21T10:20:30.123456789Z","# + members
                + #","service":{"name":"shop"},"message":"gone","traceId":"t","error":{"type":"x"}}"#
        )
        #expect((found.event?.timestamp ?? 0) % Self.second == 123_456_789)
        #expect(found.event?.level == "ERROR")
        #expect(found.fields == ["thread": "main", "logger": "a.B", "traceId": "t"])
    }
}
