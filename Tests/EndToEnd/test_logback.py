"""Real Logback writes and rolls, the server stalls, the agent is killed: 0 lost, 0 repeated."""
import collections
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
    "logback-classic", "logback-core", "slf4j-api", "janino", "commons-compiler")]
SOURCE = pathlib.Path(__file__).parent / "logback/EventSource.java"
PATTERN = "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n"

TIME_POLICY = """<rollingPolicy class="ch.qos.logback.core.rolling.SizeAndTimeBasedRollingPolicy">
  <fileNamePattern>{folder}/app{dash}%d{{yyyy-MM-dd}}.%i.log{gz}</fileNamePattern>
  <maxFileSize>{size}</maxFileSize></rollingPolicy>"""
WINDOW_POLICY = """<rollingPolicy class="ch.qos.logback.core.rolling.FixedWindowRollingPolicy">
  <fileNamePattern>{folder}/app.%i.log{gz}</fileNamePattern>
  <minIndex>1</minIndex><maxIndex>20</maxIndex></rollingPolicy>
<triggeringPolicy class="ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy">
  <maxFileSize>{size}</maxFileSize></triggeringPolicy>"""
FILE = "<file>{folder}/app.log</file>"

SCENARIOS = {
    "size and time, gz, 200 KB": (FILE + TIME_POLICY, dict(dash="-", gz=".gz", size="200KB")),
    "size and time, gz, 2 MB": (FILE + TIME_POLICY, dict(dash="-", gz=".gz", size="2MB")),
    "fixed window": (FILE + WINDOW_POLICY, dict(gz="", size="2MB")),
    "fixed window, gz": (FILE + WINDOW_POLICY, dict(gz=".gz", size="2MB")),
    "dated names without a file element": (TIME_POLICY, dict(dash=".", gz="", size="200KB")),
}


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogback-java, which Tests/run installs")
class RealLogback(EndToEndCase):
    def compile(self):
        classes = self.folder / "classes"
        classes.mkdir()
        path = ":".join(map(str, JARS))
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, SOURCE], check=True)
        return f"{classes}:{path}"

    def write_events(self, classes, logs, policy, values):
        logs.mkdir()
        configuration, truth = self.folder / "logback.xml", self.folder / "truth"
        configuration.write_text(
            '<configuration><appender name="F" class="ch.qos.logback.core.rolling.RollingFileAppender">'
            + policy.format(folder=logs, **values)
            + f"<encoder><pattern>{PATTERN}</pattern><charset>UTF-8</charset></encoder></appender>"
            '<root level="DEBUG"><appender-ref ref="F"/></root></configuration>')
        java = subprocess.Popen(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", classes,
                                 "EventSource", configuration, str(EVENTS), str(PER_SECOND), truth],
                                stderr=subprocess.DEVNULL)
        self.addCleanup(java.kill)
        return java, truth

    def scenario(self, name):
        policy, values = SCENARIOS[name]
        classes, logs, state = self.compile(), self.folder / "logs", self.folder / "state"
        port, started = free_port(), time.time_ns()
        server = self.serve(port=port)
        arguments = ["--server", f"http://127.0.0.1:{port}", "--label", "app=shop", "--state", state, f"{logs}/*.log"]
        agent = self.agent(*arguments)
        java, truth = self.write_events(classes, logs, policy, values)
        seconds = EVENTS / PER_SECOND
        wait_until(lambda: logs.exists() and any(logs.iterdir()), 20, "the first log file")
        time.sleep(seconds * 0.2)
        agent.kill()
        agent = self.agent(*arguments, name="agent-2")
        time.sleep(seconds * 0.1)
        server.kill()
        time.sleep(5)  # the stall that the test is about
        server = self.serve(port=port)
        self.assertEqual(java.wait(120), 0)
        expected = {int(n) for n in truth.read_text().split()}
        self.assertEqual(len(expected), EVENTS)
        selector, until = '{app="shop"}', time.time_ns() + 600 * SECOND
        try:
            wait_until(lambda: server.count(selector, until) >= EVENTS, 60, "all events to arrive")
        except AssertionError:
            print(f"{name}: only {server.count(selector, until)} of {EVENTS} arrived", flush=True)
        found = collections.Counter()
        rows = 0
        for _, _, line in server.lines(selector, started - 60 * SECOND, until):
            rows += 1
            found.update(int(n) for n in re.findall(r"seq=(\d+);", line))
        missing, repeated = expected - found.keys(), [n for n, c in found.items() if c > 1]
        print(f"\n{name}: {len(expected)} written, {rows} entries, lost {len(missing)}, repeated {len(repeated)}", flush=True)
        self.assertEqual((len(missing), len(repeated), rows), (0, 0, EVENTS),
                         f"lost {sorted(missing)[:5]}, repeated {repeated[:5]}\n{agent.tail()}")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(server.stop(), 0)


def _case(name):
    return lambda self: self.scenario(name)


for _name in SCENARIOS:
    setattr(RealLogback, "test_" + re.sub(r"\W+", "_", _name), _case(_name))

if __name__ == "__main__":
    unittest.main()
