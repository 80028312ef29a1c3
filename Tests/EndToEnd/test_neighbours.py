"""Folders hold the files of several sources: each keeps its labels and its layout, whatever is turned while nobody looks."""
import gzip
import os
import shutil
import subprocess
import threading
import time
import unittest

from harness import PATIENCE, SECOND, EndToEndCase, Worker, free_port, wait_until

DAY = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
LOGROTATE = shutil.which("logrotate") or "/usr/sbin/logrotate"


class Neighbours(EndToEndCase):
    names = ("app", "biz", "error")

    def setUp(self):
        super().setUp()
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.logs.chmod(0o755)
        self.server = self.serve()

    def write(self, numbers, names=None):
        for name in names or self.names:
            with open(self.logs / f"{name}.log", "a") as f:
                f.writelines(f"{DAY} 12:00:{i // 1000:02}.{i % 1000:03} [main] INFO  a.B - {name} {i}\n" for i in numbers)

    def configure(self, order=None):
        config = self.folder / "agent.yaml"
        sources = "".join(f"  - paths: ['{self.logs}/{name}.log']\n    labels: {{ source: {name} }}\n"
                          for name in order or self.names)
        config.write_text(f"server: http://127.0.0.1:{self.server.port}\nstate: {self.folder}/state\nzone: UTC\n"
                          f"labels: {{ app: x }}\nsources:\n{sources}")
        return config

    def turn(self, options, names):
        paths = " ".join(f"{self.logs}/{name}.log" for name in names)
        config = self.folder / "logrotate.conf"
        config.write_text(f"{paths} {{\n su root root\n size 1\n rotate 20\n {options}\n}}\n")
        config.chmod(0o644)
        subprocess.run([LOGROTATE, "-f", "-s", self.folder / "lr.state", config], check=True)

    def arrived(self):
        now = time.time_ns()
        return sorted((dict(labels)["source"], *line.rsplit(" ", 2)[1:])
                      for labels, _, line in self.server.lines('{app="x"}', now - 3 * 86_400 * SECOND, now))

    def expect(self, wanted):
        wanted = sorted((name, name, str(i)) for name, numbers in wanted.items() for i in numbers)
        wait_until(lambda: len(self.arrived()) >= len(wanted), PATIENCE, f"{len(wanted)} lines")
        self.assertEqual(self.arrived(), wanted)

    def away(self, options, turns, turned, order=None, kill=False):
        """One agent ships, nobody looks while files are turned, and another agent goes on."""
        config = self.configure(order)
        written = {name: list(range(100)) for name in self.names}
        self.write(range(100))
        first = self.agent("--config", config)
        self.expect(written)
        (first.kill if kill else first.stop)()
        for at in range(turns + 1):
            numbers = range(100 * at + 100, 100 * at + 200)
            self.write(numbers)
            for name in self.names:
                written[name] += numbers
            if at < turns:
                self.turn(options, turned)
        second = self.agent("--config", config, name="second")
        self.expect(written)
        self.write(range(1000, 1050))
        for name in self.names:
            written[name] += range(1000, 1050)
        self.expect(written)
        self.assertEqual(second.stop(), 0)

    def test_a_restart(self):
        self.away("create", 0, [])

    def test_a_kill_and_another_order_of_sources(self):
        self.away("create", 0, [], order=("error", "biz", "app"), kill=True)

    @unittest.skipUnless(shutil.which(LOGROTATE), "needs logrotate, which Tests/run installs")
    def test_files_that_are_turned_meanwhile(self):
        for place, (options, turns, turned) in enumerate([
                ("create", 1, ["biz"]), ("create", 2, self.names), ("create\n compress", 2, self.names),
                ("create\n compress\n delaycompress", 2, ["app", "error"]), ("copytruncate", 2, ["biz"]),
                ("copytruncate\n compress", 2, self.names)]):
            with self.subTest(options=options.split(), turns=turns, turned=turned):
                # Each in a folder of its own; packed rolls of all of them hold the same.
                self.logs = self.folder / f"logs{place}"
                self.logs.mkdir()
                self.logs.chmod(0o755)
                shutil.rmtree(self.folder / "state", ignore_errors=True)
                self.server.stop()
                self.server = self.serve(data=self.folder / f"data{place}", name=f"server{place}")
                self.away(options, turns, turned)

    @unittest.skipUnless(shutil.which(LOGROTATE), "needs logrotate, which Tests/run installs")
    def test_files_that_are_turned_while_the_agent_looks(self):
        self.write(range(100))
        self.agent("--config", self.configure())
        numbers = 100
        for options in ["copytruncate", "create", "copytruncate\n compress", "create\n compress"] * 3:
            # Whoever copies and truncates loses what is written between: the agent has all of it before.
            self.expect({name: range(numbers) for name in self.names})
            self.write(range(numbers, numbers + 50))
            self.expect({name: range(numbers + 50) for name in self.names})
            self.turn(options, ["biz"])
            self.write(range(numbers + 50, numbers + 100))
            numbers += 100
        self.expect({name: range(numbers) for name in self.names})

    def sourced(self, *sources):
        config = self.folder / "agent.yaml"
        config.write_text(f"server: http://127.0.0.1:{self.server.port}\nstate: {self.folder}/state\nzone: UTC\nlabels: {{ app: x }}\n"
                          "sources:\n" + "".join(f"  - paths: ['{self.logs}/{pattern}']\n    labels: {{ source: {name} }}\n"
                                                 for name, pattern in sources))
        return config

    def test_a_name_with_a_number_that_is_a_source_of_its_own(self):
        self.names = ("app", "app-1", "app-2")
        config = self.sourced(*((name, f"{name}.log") for name in self.names))
        agent = self.agent("--config", config)
        wait_until(lambda: self.agent_status("--state", self.folder / "state").get("isRunning"), PATIENCE, "the agent")
        self.write(range(100))
        self.expect({name: range(100) for name in self.names})
        agent.kill()
        # The second roll is seen by nobody before it is one: it is that of the name that is closest.
        for at, date in ((1, "2026-11-20"), (2, "2026-11-21")):
            self.write(range(100 * at, 100 * at + 100))
            (self.logs / "app-2.log").rename(self.logs / f"app-2.{date}.log")
        self.write(range(300, 400))
        self.agent("--config", config, name="second")
        self.expect({name: range(400) for name in self.names})

    def test_a_roll_that_was_deleted_and_kept_is_its_sources(self):
        port = free_port()
        text = self.sourced(("app", "app.log"), ("biz", "biz.log")).read_text()
        config = self.folder / "agent.yaml"
        config.write_text(text.replace(f":{self.server.port}", f":{port}"))
        agent = self.agent("--config", config)
        wait_until(lambda: self.agent_status("--state", self.folder / "state").get("isRunning"), PATIENCE, "the agent")
        self.write(range(100), ["biz"])
        roll = self.logs / "biz.log.1"
        (self.logs / "biz.log").rename(roll)
        shown = lambda: [f["path"] for f in self.agent_status("--state", self.folder / "state").get("files", [])]
        wait_until(lambda: any("biz.log" in path for path in shown()), PATIENCE, "the roll held open")
        roll.unlink()
        self.assertEqual(agent.stop(), 0)
        config.write_text(text)
        self.agent("--config", config, name="second")
        self.expect({"biz": range(100)})

    def test_rolls_of_a_source_in_front_of_one_for_all_the_rest(self):
        """Those that came and went while nobody looked are the first one's; what was there before it is the other's."""
        (self.logs / "app-2020-01-01.log").write_text(f"{DAY} 11:00:00.000 [main] INFO  a.B - old 0\n")
        os.utime(self.logs / "app-2020-01-01.log", (1_577_880_000, 1_577_880_000))
        config = self.sourced(("app", "app.log"), ("rest", "*.log"))
        agent = self.agent("--config", config)
        self.write(range(10), ["app", "biz"])
        wanted = lambda count: sorted([("rest", "old", str(i)) for i in range(count // 10)] + [(source, name, str(i)) for source, name in (("app", "app"), ("rest", "biz"))
                                                                for i in range(count)])
        wait_until(lambda: len(self.arrived()) >= 21, PATIENCE, "the first lines")
        self.assertEqual(self.arrived(), wanted(10))
        agent.stop()
        for at in (1, 2, 3, 4, 5):
            self.write(range(10 * at, 10 * at + 10), ["app", "biz"])
            with open(self.logs / "app-2020-01-01.log", "a") as f:
                f.write(f"{DAY} 11:00:00.00{at} [main] INFO  a.B - old {at}\n")
            if at < 5:
                roll = self.logs / [f"app-{DAY}.1.log", f"app-{DAY}.2.log", f"app.log.{DAY}", f"app-{DAY}.4.log"][at - 1]
                (self.logs / "app.log").rename(roll)
                if at == 4:
                    subprocess.run(["gzip", roll], check=True)
        self.agent("--config", config, name="second")
        wait_until(lambda: len(self.arrived()) >= 126, PATIENCE, "the rest")
        self.assertEqual(self.arrived(), wanted(60))

    def test_a_source_that_is_asked_for_no_more_is_not_lost(self):
        config = self.configure()
        self.write(range(10))
        agent = self.agent("--config", config)
        self.expect({name: range(10) for name in self.names})
        agent.stop()
        self.write(range(10, 20))
        config = self.configure(order=("app", "error"))
        config.write_text(config.read_text() + "search_seconds: 1\n")
        agent = self.agent("--config", config, name="second")
        self.expect({"app": range(20), "error": range(20), "biz": range(10)})
        log = lambda: (self.folder / "state" / "sources.journal").read_text()
        wait_until(lambda: '"isLeft":true' in log(), PATIENCE, "the source that is left")
        self.assertEqual(agent.stop(), 0)
        self.assertNotIn("gone before", agent.told())
        self.agent("--config", self.configure(), name="third")
        self.expect({name: range(20) for name in self.names})

    def test_packed_rolls_that_hold_the_same(self):
        """They were never seen plain: only where they stand tells them apart."""
        folders = [self.folder / "one", self.folder / "two"]
        config = self.folder / "agent.yaml"
        sources = "".join(f"  - paths: ['{folder}/app.log']\n    labels: {{ source: {folder.name} }}\n" for folder in folders)
        config.write_text(f"server: http://127.0.0.1:{self.server.port}\nstate: {self.folder}/state\nzone: UTC\n"
                          f"labels: {{ app: x }}\nsources:\n{sources}")
        for folder in folders:
            folder.mkdir()
            (folder / "app.log").write_text(f"{DAY} 12:00:00.000 [main] INFO  a.B - start 0\n")
        first = self.agent("--config", config)
        wait_until(lambda: len(self.arrived()) == 2, PATIENCE, "the first lines")
        first.stop()
        for folder in folders:
            with gzip.open(folder / "app.log.1.gz", "wt") as f:
                f.write(f"{DAY} 12:00:01.000 [main] INFO  a.B - done 1\n")
        self.agent("--config", config, name="second")
        wait_until(lambda: len(self.arrived()) >= 4, PATIENCE, "the packed lines")
        self.assertEqual(self.arrived(), sorted(
            [(f.name, "start", "0") for f in folders] + [(f.name, "done", "1") for f in folders]))

    def test_files_that_begin_alike(self):
        """A banner longer than what sources are known by, with one stamp, in each file that is begun while the agent is killed."""
        log = self.logs / "app.log"
        banner = "".join(f"{DAY} 11:00:00.000 [main] INFO  a.B - banner {i:02} {'=' * 60}\n" for i in range(40))
        config = self.sourced(("app", "*.log"))
        log.write_text(banner)
        self.write(range(5), ["app"])
        for at in range(1, 6):
            agent = self.agent("--config", config, name=f"agent{at}")
            wait_until(lambda: self.agent_status("--state", self.folder / "state").get("isRunning"), PATIENCE, "the agent")
            agent.kill()
            self.write(range(10 * at, 10 * at + 2), ["app"])
            for older in range(5, 0, -1):
                if (self.logs / f"app.log.{older}").exists():
                    (self.logs / f"app.log.{older}").rename(self.logs / f"app.log.{older + 1}")
            log.rename(self.logs / "app.log.1")
            log.write_text(banner)
            self.write(range(10 * at + 2, 10 * at + 5), ["app"])
        self.agent("--config", config, name="last")
        wanted = ([("app", "app", str(i)) for i in range(5)] + [("app", "app", str(10 * at + i)) for at in range(1, 6) for i in range(5)]
                  + 6 * [("app", f"{i:02}", "=" * 60) for i in range(40)])
        wait_until(lambda: len(self.arrived()) >= len(wanted), PATIENCE, f"{len(wanted)} lines")
        self.assertEqual(self.arrived(), sorted(wanted))

    def test_layouts_of_two_appenders(self):
        """The second one's lines are no text of the first one's layout, after a restart either."""
        configuration = self.folder / "logback.xml"
        patterns = {"app": "%d{yyyy-MM-dd HH:mm:ss.SSS, UTC} [%thread] %-5level %logger - %msg%n",
                    "biz": "%level|%X{user}|%d{yyyy-MM-dd HH:mm:ss.SSS, UTC}|%msg%n"}
        appenders = "".join(
            f'<appender name="{name}" class="ch.qos.logback.core.rolling.RollingFileAppender"><file>{self.logs}/{name}.log'
            f'</file><rollingPolicy class="ch.qos.logback.core.rolling.TimeBasedRollingPolicy"><fileNamePattern>'
            f'{self.logs}/{name}.%d.log</fileNamePattern></rollingPolicy><encoder><charset>UTF-8</charset>'
            f'<pattern>{pattern}</pattern></encoder></appender>' for name, pattern in patterns.items())
        refs = "".join(f'<appender-ref ref="{name}"/>' for name in patterns)
        configuration.write_text(f'<configuration>{appenders}<root level="INFO">{refs}</root></configuration>')

        def write(numbers):
            for name, line in (("app", "{stamp} [main] WARN  a.B - app {i}\n"), ("biz", "INFO|bob|{stamp}|biz {i}\n")):
                with open(self.logs / f"{name}.log", "a") as f:
                    f.writelines(line.format(stamp=f"{DAY} 12:00:{i:02}.000", i=i) for i in numbers)

        def arrived():
            """Seconds, level and words of each entry."""
            now = time.time_ns()
            answer = self.server.range('{app="x"}', now - 3 * 86_400 * SECOND, now, limit=1000).json["data"]["result"]
            return sorted((int(ns) // SECOND % 60, r["stream"].get("level"), r["stream"].get("user"),
                           line.replace("|", " ").rsplit(" ", 2)[1]) for r in answer for ns, line in r["values"])

        arguments = ["--logback", configuration, "--label", "app=x", "--state", self.folder / "state",
                     "--server", f"http://127.0.0.1:{self.server.port}"]
        wanted = lambda count: sorted([(i, "WARN", None, "app") for i in range(count)]
                                      + [(i, "INFO", "bob", "biz") for i in range(count)])
        write(range(10))
        first = self.agent(*arguments)
        wait_until(lambda: len(arrived()) >= 20, PATIENCE, "the first lines")
        first.stop()
        write(range(10, 20))
        for name in patterns:
            (self.logs / f"{name}.log").rename(self.logs / f"{name}.{DAY}.log")
        write(range(20, 30))
        self.agent(*arguments, name="second")
        wait_until(lambda: len(arrived()) >= 60, PATIENCE, "the rest")
        self.assertEqual(arrived(), wanted(30))


class PrintedAllTheTime(EndToEndCase):
    def test_lines_without_headers_are_not_waited_for_without_end(self):
        """One that comes every now and then keeps the event open that it belongs to; whoever looks sees it soon."""
        server, log = self.serve(), self.folder / "app.log"
        log.write_text(time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - start\n"))
        self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--state", self.folder / "state", log)
        printed, stop = [], threading.Event()

        def write():
            with open(log, "a", buffering=1) as f:
                while not stop.wait(0.3):
                    printed.append(len(printed))
                    f.write(f"print {printed[-1]}\n")

        writer = Worker(write)
        text = lambda: "\n".join(line for _, _, line in server.lines(
            '{app="x"}', time.time_ns() - 3600 * SECOND, time.time_ns() + SECOND)).splitlines()
        wait_until(lambda: "print 10" in text(), PATIENCE, "what is printed, while more is printed")
        stop.set()
        writer.finish()
        wait_until(lambda: len(text()) > len(printed), PATIENCE, "all lines")
        self.assertEqual(sorted(text()[1:]), sorted(f"print {i}" for i in printed))


class WhatCannotBe(EndToEndCase):
    def check(self, *lines, outputs=None, paths="logs/*.log"):
        config = self.folder / "agent.yaml"
        server = f"outputs: [{outputs}]\n" if outputs else ""
        config.write_text(server + "\n".join((f"state: {self.folder}/state", f"sources: [{{ paths: ['{self.folder}/{paths}'] }}]", *lines)))
        run = self.run_cordwood("agent", "check", "--config", config)
        return run.returncode, (run.stdout + run.stderr).decode()

    def test_faults_that_check_tells(self):
        (self.folder / "logs").mkdir()
        for server, said in [("http://h:99999", "from 1 to 65535"), ("http://h:0", "from 1 to 65535"),
                             ("http://h:3100/loki/api/v1/push", "the server alone"), ("http://h:3100?x=1", "the server alone"),
                             ("h:3100", "not an http:// or https:// address")]:
            code, text = self.check(f"server: '{server}'")
            self.assertEqual((code, said in text), (2, True), (server, text))
            run = self.run_cordwood("labels", "--server", server)
            self.assertEqual((run.returncode, said in run.stderr.decode()), (2, True), (server, run.stderr))
        for line, said in [("tenant: 'a/b'", "unsupported character '/'"), ("state: /dev/null", "/dev/null is no folder")]:
            code, text = self.check("server: http://h:3100", line) if "state" not in line else self.checked_state(line)
            self.assertEqual((code, said in text), (2, True), (line, text))
        self.assertEqual(self.check("server: http://h:3100/prefix")[0], 0)

    def checked_state(self, line):
        run = self.run_cordwood("agent", "check", "--server", "http://h:3100", "--state", line.split(": ")[1], self.folder / "x.log")
        return run.returncode, (run.stdout + run.stderr).decode()

    def test_an_output_that_is_followed_would_feed_itself(self):
        (self.folder / "logs").mkdir()
        (self.folder / "link").symlink_to(self.folder / "logs")
        (self.folder / "logs" / "2026").mkdir()
        for paths, path in [("logs/*.log", "logs/out.log"), ("logs/*.log", "link/out.log"), ("link/*.log", "logs/out.log"),
                            ("logs/**/*.log", "logs/out.log"), ("**/*.log", "logs/2026/out.log"), ("logs/app.log", "logs/app.1.log"),
                            ("logs/*.log", "logs/2026/out.log")]:
            code, text = self.check(outputs=f"{{ kind: file, path: '{self.folder}/{path}' }}", paths=paths)
            self.assertEqual((code, "is one of the files that are followed" in text), (2, True), (paths, path, text))
        self.assertEqual(self.check(outputs=f"{{ kind: file, path: '{self.folder}/out.log' }}")[0], 0)
        code, text = self.check(outputs=f"{{ kind: stdout, server: 'http://h:3100' }}")
        self.assertEqual((code, "goes to no server" in text), (2, True), text)
        code, text = self.check(outputs=f"{{ kind: file, path: '{self.folder}/nowhere/out.jsonl' }}")
        self.assertEqual((code, "nothing can be written into" in text), (0, True), text)


class DeletedAndStopped(EndToEndCase):
    def test_what_an_agent_holds_open_outlives_its_end(self):
        """The server is away, the files are deleted, the agent is stopped as for an upgrade: nothing is lost."""
        logs = self.folder / "logs"
        logs.mkdir()
        line = lambda name, i: f"{DAY} 12:00:{i // 1000:02}.{i % 1000:03} [main] INFO  a.B - {name} {i}\n"
        port = free_port()
        config = self.folder / "agent.yaml"
        config.write_text(f"server: http://127.0.0.1:{port}\nstate: {self.folder}/state\nzone: UTC\nlabels: {{ app: x }}\n"
                          f"sources: [{{ paths: ['{logs}/*.log', '{logs}/*.log.gz'] }}]\n")
        for name in ("plain", "other"):
            (logs / f"{name}.log").write_text("".join(line(name, i) for i in range(3000)))
        with gzip.open(logs / "packed.log.gz", "wt") as f:
            f.write("".join(line("packed", i) for i in range(3000)))
        agent = self.agent("--config", config)
        held = lambda: {f["path"].rsplit("/", 1)[1] for f in self.agent_status("--state", self.folder / "state").get("files", [])}
        wait_until(lambda: {"plain.log", "other.log", "packed.log.gz"} <= held(), PATIENCE, "all files open")
        for name in ("plain.log", "packed.log.gz"):
            (logs / name).unlink()
        self.assertEqual(agent.stop(), 0)
        self.assertIn("is kept in the spool", agent.told())
        server = self.serve(port=port)
        again = self.agent("--config", config, name="again")
        wait_until(lambda: server.count('{app="x"}', time.time_ns()) >= 9000, PATIENCE, "all lines")
        now = time.time_ns()
        found = sorted(tuple(text.rsplit(" ", 2)[1:]) for _, _, text in server.lines('{app="x"}', now - 3 * 86_400 * SECOND, now))
        self.assertEqual(found, sorted((n, str(i)) for n in ("plain", "other", "packed") for i in range(3000)))
        spool = self.folder / "state" / "spool"
        wait_until(lambda: not list(spool.iterdir()), PATIENCE, "an empty spool")
        self.assertEqual(again.stop(), 0)
        self.assertEqual([r for r in again.told().splitlines() if "gone before" in r], [])


if __name__ == "__main__":
    unittest.main()
