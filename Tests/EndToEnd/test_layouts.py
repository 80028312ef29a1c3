"""Every layout that people write, written by real Logback: each event is found, and its fields."""
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time
import unittest
import xml.sax.saxutils

from harness import PATIENCE, EndToEndCase, SECOND, wait_until

JARS = [pathlib.Path("/usr/share/java") / f"{jar}.jar" for jar in (
    "logback-classic", "logback-core", "slf4j-api", "janino", "commons-compiler",
    "logstash-logback-encoder", "jackson-core", "jackson-databind", "jackson-annotations")]
SOURCE = pathlib.Path(__file__).parent / "logback/PatternSource.java"
EVENTS = int(os.environ.get("CORDWOOD_LAYOUT_EVENTS", "300"))
SEED = int(os.environ.get("CORDWOOD_SEED", "20261121"))
BOOT2 = "%d{yyyy-MM-dd HH:mm:ss.SSS} %5p ${PID} --- [%t] %-40.40logger{39} : %m%n%ex"
BOOT3 = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p ${PID} --- [shop] [%t] %-40.40logger{39} : %m%n%ex"

# Pattern, and the fields that it tells: l logger as it is, a logger abbreviated, t thread, T thread cut,
# i traceId, u user, m marker.
PATTERNS = [
    ("%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n", "tai"),
    ("%d [%t] %p %c - %m%n", "tl"),
    ("%date{ISO8601} %le [%thread] %lo{0}: %message%n", "ta"),
    ("%d{HH:mm:ss.SSS} [%thread] %-5level %logger{36} - %msg%n", "ta"),
    ("%d{HH:mm:ss} %level - %msg%n", ""),
    ("%level %d{yyyy-MM-dd HH:mm:ss} %logger - %msg%n%ex", "l"),
    ("[%level] [%d{yyyy/MM/dd HH:mm:ss.SSS}] [%thread] [%logger] %msg%n", "tl"),
    ("%d{dd/MMM/yyyy:HH:mm:ss Z} [%thread] %level %logger - %msg%n", "tl"),
    ("%d{dd MMM yyyy HH:mm:ss,Asia/Seoul} %level %logger - %msg%n", "l"),
    ("%d{EEE MMM dd HH:mm:ss.SSS yyyy} %level %logger - %msg%n", "l"),
    ("%d{yyyy-DDD HH:mm:ss.SSS zzzz} %level %logger - %msg%n", "l"),
    ("%d{yyyy-MM-dd hh:mm:ss.SSS a} %level %logger - %msg%n", "l"),
    ("%d{yyyy-MM-dd HH:mm:ss,SSS} %level %logger - %msg%n", "l"),
    ('%d{"yyyy-MM-dd HH:mm:ss,SSS"} %level %logger - %msg%n', "l"),
    ("%d{yyyy-MM-dd HH:mm:ss.SSSSSS} %level %logger - %msg%n", "l"),
    ("%d{yyyyMMddHHmmssSSS}|%level|%thread|%logger|%msg%n", "tl"),
    ("%d{MM-dd HH:mm:ss.SSS} %level %logger - %msg%n", "l"),
    ("%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5p %c{1} - %msg%n", "a"),
    ("%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z', UTC} %-5p %c - %msg%n", "l"),
    ("%d{yyyy-MM-dd} %d{HH:mm:ss.SSS} %-5p %c - %msg%n", "l"),
    ("%d{yyyy-MM-dd HH:mm:ss.SSS} %d{HH:mm:ss.SSS, America/New_York} %-5p %c - %msg%n", "l"),
    (BOOT2, "ta"),
    (BOOT3, "ta"),
    ("%d %5p [%15.15t] %-40.40logger{39} : %m%n", "Ta"),
    ("%highlight(%-5level) %d %cyan(%logger{36}) - %msg%n", "a"),
    ("%d %boldRed(%level) %green([%thread]) %logger - %msg%n", "tl"),
    ("%clr(%d{yyyy-MM-dd HH:mm:ss.SSS}){faint} %clr(%5p) %clr(---){faint} %clr([%t]){faint} %clr(%logger){cyan} %clr(:){faint} %m%n", "tl"),
    ("%d %-5level [%X{traceId}] [%X{user}] %logger - %msg%n", "iul"),
    ("%d %-5level [%X{traceId:-none},%X{user:-nobody}] %logger - %msg%n", "iul"),
    ("%d %-5level {%mdc} %logger - %msg%n", "iul"),
    ("%d %-5level {%X} [%thread] %logger - %msg%n", "iutl"),
    ("%d %-5level [%marker] %logger - %msg%n", "ml"),
    ("%d \\(%thread\\) %level %logger - %msg%n", "tl"),
    ("%-30(%d{HH:mm:ss.SSS} [%level]) %logger - %msg%n", "l"),
    ("%30(%level [%thread]) %d %logger - %msg%n", "tl"),
    ("%d %.-1level %logger - %msg%n", "l"),
    ("%d %-20.20thread %level %logger - %msg%n", "T"),
    ("%d %level %-25logger{15} %msg%n", ""),
    ("%relative [%thread] %d %level %logger - %msg%n", "tl"),
    ("%r %d %level %logger - %msg %ex{short}%n", "l"),
    ("%d %level %logger.%method:%line - %msg%n", "l"),
    ("%d %level [%file:%L] %class{0} [%thread] %logger - %msg%n%rEx", "tl"),
    ("%d %level %contextName [%thread] %logger - %msg%nopex%n", "tl"),
    ("%d %level [%property{HOSTNAME}] [%thread] %logger - %msg%n%xEx", "tl"),
    ("%d{yyyy-MM-dd HH:mm:ss.SSS} | %level | %thread | %logger | %msg%n", "tl"),
    ("%d\t%level\t%thread\t%logger\t%msg%n", "tl"),
    ("%d %level [%thread] [%replace(%logger){'acme','x'}] %msg%n", "t"),
    ("time=%d{yyyy-MM-dd'T'HH:mm:ss.SSSZ} level=%level thread=\"%thread\" logger=%logger msg=\"%msg\"%n", "tl"),
    ("%d %level %logger%n%msg%n", "l"),
]
JSON = [
    ("<encoder class=\"net.logstash.logback.encoder.LogstashEncoder\"/>", "tliu"),
    ("<encoder class=\"net.logstash.logback.encoder.LogstashEncoder\"><fieldNames><timestamp>at</timestamp><level>sev</level>"
     "<thread>th</thread><logger>lg</logger></fieldNames></encoder>", "tliu"),
    ("<encoder class=\"net.logstash.logback.encoder.LoggingEventCompositeJsonEncoder\"><providers>"
     "<timestamp><fieldName>time</fieldName></timestamp><logLevel><fieldName>lvl</fieldName></logLevel><threadName/>"
     "<loggerName/><mdc/><message/><stackTrace/></providers></encoder>", "tliu"),
    ("<encoder class=\"net.logstash.logback.encoder.LoggingEventCompositeJsonEncoder\"><providers><pattern><pattern>"
     "{\"t\":\"%d{yyyy-MM-dd HH:mm:ss.SSS}\",\"lv\":\"%level\",\"thr\":\"%thread\",\"log\":\"%logger\",\"m\":\"%message\"}"
     "</pattern></pattern><stackTrace/></providers></encoder>", "tl"),
]


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogback-java, which Tests/run installs")
class Layouts(EndToEndCase):
    @classmethod
    def encoders(cls):
        out = [("<encoder><pattern>" + xml.sax.saxutils.escape(p) + "</pattern><charset>UTF-8</charset></encoder>", p, f)
               for p, f in PATTERNS]
        return out + [(e, e, f) for e, f in JSON]

    def write(self):
        classes = self.folder / "classes"
        classes.mkdir()
        path = ":".join(map(str, JARS))
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, SOURCE], check=True)
        encoders = self.encoders()
        text = ["<configuration>", '<property name="PID" value="4242"/>',
                '<conversionRule conversionWord="clr" converterClass="ch.qos.logback.classic.pattern.color.HighlightingCompositeConverter"/>']
        for number, (encoder, _, _) in enumerate(encoders):
            text.append(f'<appender name="A{number}" class="ch.qos.logback.core.FileAppender">'
                        f"<file>{self.folder}/logs/{number:02}.log</file>{encoder}</appender>")
        text.append('<root level="TRACE">' + "".join(
            f'<appender-ref ref="A{n}"/>' for n in range(len(encoders))) + "</root></configuration>")
        configuration = self.folder / "logback.xml"
        configuration.write_text("\n".join(text))
        truth = self.folder / "truth"
        (self.folder / "logs").mkdir()
        result = subprocess.run(
            ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Duser.timezone=Asia/Seoul", "-Duser.language=en",
             "-cp", f"{classes}:{path}", "PatternSource", configuration, str(EVENTS), str(SEED), truth],
            capture_output=True, text=True, timeout=2 * PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr[-2000:])
        events = [line.split("\t") for line in truth.read_text().splitlines()]
        self.assertEqual(len(events), EVENTS)
        return configuration, events, encoders

    def test_every_layout(self):
        print(f"\nseed {SEED}", flush=True)
        started = time.time_ns()
        configuration, events, encoders = self.write()
        server = self.serve()
        # Debian's Logback is 1.2; a configuration alone does not tell, so the library lies beside it.
        (self.folder / "logback-classic-1.2.11.jar").symlink_to(JARS[0])
        yaml = self.explained(configuration, server, "layout")
        (self.folder / "agent.yaml").write_text("zone: Asia/Seoul\n" + yaml)
        agent = self.agent("--config", self.folder / "agent.yaml")
        until = time.time_ns() + 3600 * SECOND
        total = EVENTS * len(encoders)
        try:
            wait_until(lambda: server.count('{app="shop"}', until, "20d") >= total, 2 * PATIENCE, "all entries")
            time.sleep(1)  # one too many would come now
        except AssertionError as error:
            print(error, agent.tail())
        failures = []
        for number, (_, pattern, letters) in enumerate(encoders):
            problem = self.compare(server, f"{number:02}", events, letters, started, until)
            if problem:
                failures.append(f"{pattern}\n    {problem}")
        self.assertEqual(agent.stop(), 0, agent.tail())
        self.assertFalse(failures, f"{len(failures)} of {len(encoders)} layouts:\n" + "\n".join(failures))
        print(f"{len(encoders)} layouts x {EVENTS} events: every event and every field")

    def compare(self, server, name, events, letters, started, until):
        answer = server.range(f'{{app="shop", layout="{name}"}}', started - 20 * 86400 * SECOND, until,
                              limit=5000, direction="forward")
        if answer.status != 200:
            return answer.text
        rows = []
        for stream in answer.json["data"]["result"]:
            for value in stream["values"]:
                rows.append((int(value[0]), value[1], stream["stream"]))
        found = {}
        for at, line, fields in rows:
            numbers = re.findall(r"seq=(\d+);", line)
            if len(numbers) != 1:
                return f"an entry with {len(numbers)} events: {line[:200]!r}"
            found[int(numbers[0])] = (at, line, fields)
        if len(rows) != len(events):
            return f"{len(rows)} entries of {len(events)}"
        for number, level, thread, logger, trace, user, marker in events:
            at, line, fields = found[int(number)]
            if not started - 5 * SECOND <= at <= until:
                return f"the time {at} of {line[:120]!r}"
            expected = {"level": level}
            if "t" in letters:
                expected["thread"] = thread
            if "l" in letters:
                expected["logger"] = logger
            if "i" in letters:
                expected["traceId"] = trace
            if "u" in letters:
                expected["user"] = user
            if "m" in letters:
                expected["marker"] = marker
            for key, value in expected.items():
                if fields.get(key, "") != value:
                    return f"{key}: {fields.get(key)!r}, not {value!r}, of {line[:160]!r}"
            if "a" in letters and not self.abbreviates(fields.get("logger", ""), logger):
                return f"logger: {fields.get('logger')!r} for {logger!r} of {line[:160]!r}"
            if "T" in letters and not thread.endswith(fields.get("thread", "?").strip()):
                return f"thread: {fields.get('thread')!r} for {thread!r}"
        return None

    @staticmethod
    def abbreviates(short, full):
        """True when each part of the short name begins the part of the full one, counted from the end."""
        shorts, fulls = short.split("."), full.split(".")
        if len(shorts) == 1:
            return bool(short) and (fulls[-1].endswith(short) or full.endswith(short))
        tails = fulls[-len(shorts):] if len(shorts) <= len(fulls) else []
        return bool(tails) and fulls[-1].endswith(shorts[-1]) and all(
            f.startswith(s) or f.endswith(s) for s, f in zip(shorts[:-1], tails[:-1]))


if __name__ == "__main__":
    unittest.main()
