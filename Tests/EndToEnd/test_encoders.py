"""JSON of logstash-logback-encoder as it writes it: markers, structured arguments, the context nested and renamed."""
import re
import shutil
import subprocess
import time
import unittest

from harness import PATIENCE, EndToEndCase, SECOND, wait_until
from test_layouts import JARS, SOURCE

ENCODER = "net.logstash.logback.encoder.LogstashEncoder"
COMPOSITE = "net.logstash.logback.encoder.LoggingEventCompositeJsonEncoder"
# Elastic's names, which people give to this encoder when they have not Elastic's own.
ECS = ("<fieldNames><timestamp>@timestamp</timestamp><level>log.level</level><thread>process.thread.name</thread>"
       "<logger>log.logger</logger><message>message</message><stackTrace>error.stack_trace</stackTrace>"
       "<levelValue>[ignore]</levelValue><version>[ignore]</version></fieldNames>")
ENCODERS = [
    f'<encoder class="{ENCODER}"/>',
    f'<encoder class="{ENCODER}"><fieldNames><mdc>mdc</mdc></fieldNames></encoder>',
    f'<encoder class="{ENCODER}">{ECS}</encoder>',
    f'<encoder class="{COMPOSITE}"><providers><timestamp/><logLevel/><threadName/><loggerName/><message/>'
    "<mdc><fieldName>context</fieldName></mdc><arguments/><logstashMarkers/><tags/><stackTrace/></providers></encoder>",
]
COMMON = {"thread": "worker 1", "logger": "com.acme.order.OrderService"}
CONTEXT = {"traceId": "t-1", "user_name": "홍길동"}
EXPECTED = [
    {"level": "INFO", "amount": "1200", "currency": "KRW", **CONTEXT},
    {"level": "WARN", "orderId": "77", "customer": "kim", **CONTEXT},
    {"level": "INFO", "tenant": "blue", "shard": "3", **CONTEXT},
    {"level": "INFO", **CONTEXT},
    {"level": "ERROR", "exception": "java.lang.IllegalStateException", "root_cause": "java.lang.RuntimeException", **CONTEXT},
    {"level": "DEBUG", "nested_deep": "x"},
]


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogstash-logback-encoder-java, which Tests/run installs")
class Encoders(EndToEndCase):
    def test_what_the_encoder_makes_fields_of(self):
        started = time.time_ns()
        classes, logs = self.folder / "classes", self.folder / "logs"
        classes.mkdir()
        logs.mkdir()
        path = ":".join(map(str, JARS))
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, SOURCE.parent / "StructuredSource.java"], check=True)
        configuration = self.folder / "logback.xml"
        configuration.write_text("<configuration>" + "".join(
            f'<appender name="A{n}" class="ch.qos.logback.core.FileAppender"><file>{logs}/{n}.log</file>{encoder}</appender>'
            for n, encoder in enumerate(ENCODERS)) + '<root level="TRACE">' + "".join(
                f'<appender-ref ref="A{n}"/>' for n in range(len(ENCODERS))) + "</root></configuration>")
        result = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{path}", "StructuredSource", configuration],
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr[-2000:])
        server = self.serve()
        (self.folder / "agent.yaml").write_text(self.explained(configuration, server, "encoder"))
        agent = self.agent("--config", self.folder / "agent.yaml")
        until = time.time_ns() + 3600 * SECOND
        wait_until(lambda: server.count('{app="shop"}', until, "1d") >= len(EXPECTED) * len(ENCODERS), PATIENCE, "all entries")
        for number, encoder in enumerate(ENCODERS):
            answer = server.range(f'{{app="shop", encoder="{number}"}}', started - 3600 * SECOND, until, limit=1000)
            found = {}
            for stream in answer.json["data"]["result"]:
                for at, line, *_ in stream["values"]:
                    found[int(re.search(r"seq=(\d)", line).group(1))] = (int(at), stream["stream"])
            self.assertEqual(sorted(found), list(range(len(EXPECTED))), encoder)
            for sequence, expected in enumerate(EXPECTED):
                at, fields = found[sequence]
                with self.subTest(encoder=encoder, event=sequence):
                    self.assertTrue(started - SECOND <= at <= until, "the time")
                    for name, value in {**COMMON, **expected}.items():
                        self.assertEqual(fields.get(name), value, f"{name} of {fields}")
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
