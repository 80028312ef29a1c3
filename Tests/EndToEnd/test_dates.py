"""Layouts that write the time of the day alone, `%d{HH:mm:ss.SSS}`: entries have the date of their file."""
import datetime
import gzip
import os
import time
import unittest

from harness import PATIENCE, EndToEndCase, SECOND, wait_until

PATTERN = "%d{HH:mm:ss.SSS} [%thread] %-5level %logger - %msg%n"


class Dates(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        self.expected = {}
        self.configuration = self.folder / "logback.xml"
        self.configuration.write_text(
            '<configuration><appender name="F" class="ch.qos.logback.core.rolling.RollingFileAppender">'
            f"<file>{self.logs}/app.log</file>"
            '<rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy">'
            f"<fileNamePattern>{self.logs}/app-%d{{yyyy-MM-dd}}.log.gz</fileNamePattern></rollingPolicy>"
            f"<encoder><charset>UTF-8</charset><pattern>{PATTERN}</pattern></encoder></appender>"
            '<root><appender-ref ref="F"/></root></configuration>')

    def line(self, moment, text):
        self.expected[text] = int(moment.timestamp()) * SECOND
        return f"{moment:%H:%M:%S}.000 [main] INFO  a.B - {text}\n"

    def write(self, path, moments, prefix, modified=None, mode="ab"):
        text = "".join(self.line(m, f"{prefix} {n}") for n, m in enumerate(moments)).encode()
        opened = gzip.open(path, mode) if path.suffix == ".gz" else open(path, mode)
        with opened as file:
            file.write(text)
        seconds = (modified or moments[-1]).timestamp()
        os.utime(path, (seconds, seconds))

    def follow(self, server, name):
        config = self.folder / "agent.yaml"
        config.write_text(
            f"server: http://127.0.0.1:{server.port}\nstate: {self.folder}/state\nzone: UTC\nlabels: {{ app: dates }}\n"
            f"sources:\n  - paths: ['{self.logs}/*.log.gz', '{self.logs}/*.log']\n    layout: {{ pattern: '{PATTERN}' }}\n")
        return self.agent("--config", config, name=name)

    def found(self, server):
        start = int((self.today - datetime.timedelta(days=20)).timestamp()) * SECOND
        rows = server.lines('{app="dates"}', start, time.time_ns() + 3600 * SECOND)
        return [(line.split(" - ")[1], ns) for _, ns, line in rows]

    def check(self, server):
        wait_until(lambda: len(self.found(server)) >= len(self.expected), PATIENCE, f"{len(self.expected)} entries")
        found = self.found(server)
        self.assertEqual(len(found), len(self.expected), "repeated or invented entries")
        for text, ns in found:
            self.assertLess(abs(ns - self.expected[text]), SECOND // 100,
                            f"{text}: {datetime.datetime.fromtimestamp(ns / SECOND, datetime.timezone.utc)}")

    def test_rolled_files_of_other_days_and_a_live_one(self):
        hours, days = (lambda n: datetime.timedelta(hours=n)), (lambda n: datetime.timedelta(days=n))
        yesterday = self.today - days(1)
        # Quiet from noon to the first event after a weekend, which packed it: its name tells the day.
        self.write(self.logs / f"app-{self.today - days(5):%Y-%m-%d}.log.gz",
                   [self.today - days(5) + hours(h) for h in (9, 11, 12)], "packed", modified=self.today - days(2) + hours(8))
        self.write(self.logs / f"app-{yesterday:%Y-%m-%d}.log.gz", [yesterday + hours(h) for h in (1, 9, 10)], "yesterday")
        # Never rolled for three days, and last written an hour ago.
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        moments = [now - hours(h) for h in range(80, 0, -5)] + [now - hours(1)]
        self.write(self.logs / "app.log", moments, "live")
        server = self.serve()
        first = self.follow(server, "first")
        self.check(server)
        # What comes now is of now, whether the agent was killed in between or not.
        self.write(self.logs / "app.log", [now], "grown")
        self.check(server)
        first.kill()
        self.write(self.logs / "app.log", [now + datetime.timedelta(seconds=1)], "later")
        second = self.follow(server, "second")
        self.check(server)
        self.assertEqual(second.stop(), 0)

    def test_explain_shows_the_dates(self):
        moments = [self.today - datetime.timedelta(days=n, hours=h) for n, h in ((9, 1), (8, 4), (7, 12))]
        self.write(self.logs / "app.log", moments, "old")
        result = self.run_cordwood("agent", "explain", "--logback", self.configuration, env={**os.environ, "TZ": "UTC"})
        text = result.stdout.decode()
        for moment in moments:
            self.assertIn(f"{moment:%Y-%m-%dT%H:%M:%S}.000Z INFO", text)
        self.assertIn("the date is counted back from when the file was last written", text)


if __name__ == "__main__":
    unittest.main()
