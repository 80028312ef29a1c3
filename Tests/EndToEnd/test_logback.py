"""Real Logback writes and rolls, the server stalls, the agent is killed: 0 lost, 0 repeated."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from harness import EndToEndCase, SECOND, free_port, wait_until

EVENTS = int(os.environ.get("CORDWOOD_LOGBACK_EVENTS", "60000"))
PER_SECOND = 6000
JARS = [pathlib.Path("/usr/share/java") / f"{jar}.jar" for jar in (
    "logback-classic", "logback-core", "slf4j-api", "janino", "commons-compiler", "logstash-logback-encoder",
    "jackson-core", "jackson-databind", "jackson-annotations")]
SOURCE = pathlib.Path(__file__).parent / "logback/EventSource.java"
PATTERN = "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n"

ROLLING = "ch.qos.logback.core.rolling"
TIME_POLICY = """<rollingPolicy class="ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy">
  <fileNamePattern>{folder}/app{dash}%d{{yyyy-MM-dd}}.%i.log{gz}</fileNamePattern>
  <maxFileSize>{size}</maxFileSize></rollingPolicy>"""
WINDOW_POLICY = """<rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
  <fileNamePattern>{folder}/app.%i.log{gz}</fileNamePattern>
  <minIndex>1</minIndex><maxIndex>20</maxIndex></rollingPolicy>
<triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
  <maxFileSize>{size}</maxFileSize></triggeringPolicy>"""
DATED_FOLDERS = """<rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy">
  <fileNamePattern>{folder}/%d{{yyyy/MM/dd/HHmm, aux}}/app.%d{{yyyyMMdd-HHmmss, Asia/Seoul}}.log.gz</fileNamePattern>
  <maxHistory>60</maxHistory></rollingPolicy>"""
PRUDENT = """<prudent>true</prudent><rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy">
  <fileNamePattern>{folder}/app.%d{{yyyy-MM-dd_HHmmss}}.log</fileNamePattern></rollingPolicy>"""
FILE = "<file>{folder}/app.log</file>"
SIFT = """<appender name="F" class="ch.qos.logback.classic.sift.SiftingAppender">
  <discriminator><key>traceId</key><defaultValue>none</defaultValue></discriminator><timeout>2 seconds</timeout>
  <maxAppenderCount>50</maxAppenderCount><sift><appender name="F-${{traceId}}" class="ch.qos.logback.core.FileAppender">
  <file>{folder}/trace-${{traceId}}.log</file><encoder><pattern>%d{{yyyy-MM-dd HH:mm:ss.SSS}} %-5level %logger - %msg%n</pattern>
  </encoder></appender></sift></appender>"""
TWO_MB = dict(dash="-", gz=".gz", size="2MB")
BOOT = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %5p 4711 --- [shop] [%t] %-40.40logger{39} : %m%n%ex"

# Policy, its values, and what else: pattern, charset, encoder, source (agent.yaml), buffer, header, jvms, appender.
SCENARIOS = {
    "size and time, gz, 200 KB": (FILE + TIME_POLICY, dict(dash="-", gz=".gz", size="200KB"), {}),
    "size and time, gz, 2 MB": (FILE + TIME_POLICY, TWO_MB, {}),
    "size and time, zip": (FILE + TIME_POLICY, dict(dash="-", gz=".zip", size="500KB"), {}),
    "fixed window": (FILE + WINDOW_POLICY, dict(gz="", size="2MB"), {}),
    "fixed window, gz": (FILE + WINDOW_POLICY, dict(gz=".gz", size="2MB"), {}),
    "dated names without a file element": (TIME_POLICY, dict(dash=".", gz="", size="200KB"), {}),
    "dated names, gz": (TIME_POLICY, dict(dash=".", gz=".gz", size="200KB"), {}),
    "dated folders": (FILE + DATED_FOLDERS, {}, {}),
    "prudent, two JVMs": (PRUDENT, {}, dict(jvms=2)),
    "buffered": (FILE + TIME_POLICY, TWO_MB, dict(extra="<immediateFlush>false</immediateFlush>")),
    "MS949": (FILE + TIME_POLICY, TWO_MB, dict(charset="MS949", source=dict(encoding="MS949"))),
    "UTF-16": (FILE + TIME_POLICY, TWO_MB, dict(charset="UTF-16", source=dict(encoding="UTF-16"))),
    "JSON": (FILE + TIME_POLICY, TWO_MB, dict(encoder='<encoder class="net.logstash.logback.encoder.LogstashEncoder"/>')),
    "header": (FILE + TIME_POLICY, TWO_MB, dict(header=True)),
    "Boot 3's pattern": (FILE + TIME_POLICY, TWO_MB, dict(pattern=BOOT)),
    "sift": (None, {}, dict(appender=SIFT)),
}


def runs_of(numbers):
    """The first runs of numbers that follow each other, as they come from one file: "17-2045, 3000-3100"."""
    runs = []
    for n in sorted(numbers):
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(f"{a}-{b}" for a, b in runs[:10]) + (f" and {len(runs) - 10} more" if len(runs) > 10 else "")


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogback-java, which Tests/run installs")
class RealLogback(EndToEndCase):
    def compile(self):
        classes = self.folder / "classes"
        classes.mkdir()
        path = ":".join(map(str, JARS))
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, SOURCE], check=True)
        return f"{classes}:{path}"

    def configuration(self, logs, policy, values, pattern=PATTERN, charset="UTF-8", encoder=None, extra="",
                      header=False, appender=None):
        if appender:
            return f'<configuration>{appender.format(folder=logs)}<root level="DEBUG"><appender-ref ref="F"/></root></configuration>'
        header = "<outputPatternAsHeader>true</outputPatternAsHeader>" if header else ""
        encoder = encoder or f"<encoder><pattern>{pattern}</pattern><charset>{charset}</charset>{header}</encoder>"
        return (f'<configuration><appender name="F" class="{ROLLING}.RollingFileAppender">'
                + policy.format(folder=logs, **values) + extra + encoder
                + '</appender><root level="DEBUG"><appender-ref ref="F"/></root></configuration>')

    def write_events(self, classes, logs, text, events=EVENTS, first=0, per_second=PER_SECOND, name=""):
        logs.mkdir(exist_ok=True)
        configuration, truth = self.folder / f"logback{name}.xml", self.folder / f"truth{name}"
        configuration.write_text(text)
        java = subprocess.Popen(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", classes,
                                 "EventSource", configuration, str(events), str(per_second), truth, str(first)],
                                stderr=subprocess.DEVNULL)
        self.addCleanup(java.kill)
        return java, truth

    def agent_arguments(self, port, logs, state, source):
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps({
            "server": f"http://127.0.0.1:{port}", "state": str(state), "labels": {"app": "shop"},
            "sources": [{"paths": [f"{logs}/*.log"], **source}]}))
        return ["--config", config]

    def scenario(self, name, kills=1, stall=5):
        policy, values, other = SCENARIOS[name]
        other = dict(other)
        source, jvms = other.pop("source", {}), other.pop("jvms", 1)
        classes, logs, state = self.compile(), self.folder / "logs", self.folder / "state"
        port, started = free_port(), time.time_ns()
        server = self.serve(port=port)
        arguments = self.agent_arguments(port, logs, state, source)
        agent = self.agent(*arguments)
        text = self.configuration(logs, policy, values, **other)
        share = EVENTS // jvms
        runs = [self.write_events(classes, logs, text, share, n * share, PER_SECOND / jvms, str(n)) for n in range(jvms)]
        seconds = EVENTS / PER_SECOND
        wait_until(lambda: logs.exists() and any(logs.iterdir()), 20, "the first log file")
        for n in range(kills):
            time.sleep(seconds * 0.2 / kills)
            agent.kill()
            agent = self.agent(*arguments, name=f"agent-{n + 2}")
        time.sleep(seconds * 0.1)
        if stall:
            server.kill()
            time.sleep(stall)  # the stall that the test is about
            server = self.serve(port=port)
        for java, _ in runs:
            self.assertEqual(java.wait(120), 0)
        expected = {int(n) for _, truth in runs for n in truth.read_text().split()}
        self.assertEqual(len(expected), EVENTS)
        self.expect_once(name, server, agent, expected, started, other)

    def expect_once(self, name, server, agent, expected, started, other):
        selector, until = '{app="shop"}', time.time_ns() + 600 * SECOND
        # A header is an entry of its own in each file, and has no number.
        if other.get("header"):
            selector += ' |= "seq="'
        try:
            wait_until(lambda: server.count(selector, until) >= len(expected), 60, "all events to arrive")
        except AssertionError:
            print(f"{name}: only {server.count(selector, until)} of {len(expected)} arrived", flush=True)
        found = collections.Counter()
        rows = 0
        for _, _, line in server.lines(selector, started - 60 * SECOND, until):
            rows += 1
            found.update(int(n) for n in re.findall(r"seq=(\d+);", line))
        missing, repeated = expected - found.keys(), [n for n, c in found.items() if c > 1]
        print(f"\n{name}: {len(expected)} written, {rows} entries, lost {len(missing)}, repeated {len(repeated)}", flush=True)
        self.assertEqual((len(missing), len(repeated), rows), (0, 0, len(expected)),
                         f"lost {runs_of(missing)}, repeated {runs_of(repeated)}\n{agent.tail()}")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(server.stop(), 0)

    def test_fifty_kills_of_the_agent(self):
        self.scenario("size and time, gz, 200 KB", kills=50, stall=0)

    def test_the_agent_is_away_for_many_rolls(self):
        """Nothing is deleted: all that was rolled meanwhile is found, plain, packed and being packed."""
        for name in ("size and time, gz, 200 KB", "fixed window", "dated names, gz", "dated folders"):
            with self.subTest(name):
                self.away(name)

    def away(self, name):
        policy, values, other = SCENARIOS[name]
        values = {**values, **({"size": "300KB"} if "size" in values else {})}
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        classes, logs, state = self.compile(), self.folder / "logs", self.folder / "state"
        server, started = self.serve(), time.time_ns()
        arguments = self.agent_arguments(server.port, logs, state, {})
        agent = self.agent(*arguments)
        java, truth = self.write_events(classes, logs, self.configuration(logs, policy, values), EVENTS // 3)
        count = lambda: server.count('{app="shop"}', time.time_ns() + 600 * SECOND)
        wait_until(lambda: count() > 500, 20, "the first events")
        agent.kill()
        rolled = lambda: sum(1 for p in logs.rglob("*") if p.is_file())
        before = rolled()
        wait_until(lambda: java.poll() is not None or rolled() >= before + 6, 60, "six rolls")
        agent = self.agent(*arguments, name="again")
        self.assertEqual(java.wait(120), 0)
        self.expect_once(name + ", agent away", server, agent, {int(n) for n in truth.read_text().split()}, started, {})


def _case(name):
    return lambda self: self.scenario(name)


for _name in SCENARIOS:
    setattr(RealLogback, "test_" + re.sub(r"\W+", "_", _name), _case(_name))

if __name__ == "__main__":
    unittest.main()
