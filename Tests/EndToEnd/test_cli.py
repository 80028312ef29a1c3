"""The command line as a person uses it."""
import gzip
import json
import re
import shlex
import subprocess
import threading
import time

from harness import BINARY, PATIENCE, EndToEndCase

CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class CommandLine(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.now = time.time_ns()

    def query(self, *arguments, **keywords):
        return self.run_cordwood("query", "--server", self.url, *arguments, **keywords)

    def test_finds_prints_and_tells_by_its_exit_code(self):
        rows = [(self.now - (12_000 - i) * 1_000_000, f"line {i}") for i in range(12_000)]
        self.assertEqual(self.server.push({(("app", "shop"),): rows}).status, 204)
        found = self.query('{app="shop"} |~ "line 42$"', "--since", "1h", "-o", "raw")
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(found.stdout, b"line 42\n")
        everything = self.query('{app="shop"}', "--since", "1h", "--limit", "0", "-o", "raw", "--forward")
        self.assertEqual(everything.stdout.splitlines(), [l.encode() for _, l in rows])
        nothing = self.query('{app="shop"} |= "absent"', "--since", "1h")
        self.assertEqual((nothing.returncode, nothing.stdout), (1, b""))
        document = self.query('{app="shop"}', "--since", "1h", "--limit", "1", "-o", "jsonl")
        self.assertEqual(json.loads(document.stdout)["line"], "line 11999")
        metric = self.query('sum by (app) (count_over_time({app="shop"}[1h]))', "--instant")
        self.assertEqual(metric.returncode, 0, metric.stderr)
        self.assertIn(b"12000", metric.stdout)

    def test_errors_name_what_and_where(self):
        broken = self.query('{app="shop"', "--since", "1h")
        self.assertEqual(broken.returncode, 2)
        self.assertIn(b"parse error", broken.stderr)
        self.assertIn(b"^", broken.stderr)
        unreachable = self.run_cordwood("query", "--server", "http://127.0.0.1:1", '{app="shop"}')
        self.assertEqual(unreachable.returncode, 2)
        self.assertIn(b"127.0.0.1:1", unreachable.stderr)
        self.assertEqual(self.query('{app="shop"}', "--since", "soon").returncode, 2)

    def test_control_characters_do_not_reach_a_terminal(self):
        evil = "title \x1b]0;owned\x07 clear \x1b[2J back \x08 bell \x07 c1 \x9b31m bidi \u202e end"
        self.assertEqual(self.server.push({(("app", "shop"),): [(self.now, evil)]}).status, 204)
        command = shlex.join([BINARY, "query", "--server", self.url, '{app="shop"}', "--since", "1h"])
        # `script` gives the program a terminal.
        shown = subprocess.run(["script", "-qec", command, "/dev/null"],
                               capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE).stdout
        plain = re.sub(rb"\x1b\[[0-9;]*m", b"", shown.replace(b"\r\n", b"\n"))  # our own colours
        self.assertIn(b"title", plain)
        self.assertIsNone(CONTROL.search(plain), plain)
        for hidden in ("\x9b", "\u202e"):
            self.assertNotIn(hidden.encode(), plain)

    def test_labels_and_series(self):
        self.assertEqual(self.server.push({(("app", "shop"), ("host", "blue-1")): [(self.now, "x")],
                                           (("app", "shop"), ("host", "blue-2")): [(self.now, "x")]}).status, 204)
        names = self.run_cordwood("labels", "--server", self.url)
        self.assertEqual(names.stdout.split(), [b"app", b"host", b"service_name"])
        values = self.run_cordwood("labels", "host", "--server", self.url)
        self.assertEqual(values.stdout.split(), [b"blue-1", b"blue-2"])
        series = self.run_cordwood("series", '{app="shop"}', "--server", self.url)
        self.assertEqual(len(series.stdout.splitlines()), 2, series.stdout)

    def test_tail_follows_without_losing_or_repeating(self):
        tail = subprocess.Popen([BINARY, "tail", "--server", self.url, '{app="shop"}', "-o", "raw", "--since", "10m"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (tail.kill(), tail.wait(), tail.stdout.close(), tail.stderr.close()))
        expected = []
        for i in range(20):
            at = time.time_ns()
            rows = [(at, f"twin {i} {k}") for k in range(5)]
            expected += [l for _, l in rows]
            self.assertEqual(self.server.push({(("app", "shop"),): rows}).status, 204)
            time.sleep(0.05)
        # Lines that do not come are none when it is ended.
        end = threading.Timer(PATIENCE, tail.kill)
        end.start()
        got = [tail.stdout.readline().decode().rstrip("\n") for _ in expected]
        end.cancel()
        self.assertEqual(sorted(got), sorted(expected))

    def test_files_need_no_server(self):
        logs = self.folder / "logs"
        logs.mkdir()
        first = "2026-11-20 10:00:00.000 [main] INFO  a.B - start\n2026-11-20 10:00:01.000 [main] ERROR a.B - failed\njava.lang.Error: x\n\tat a.B.c(B.java:1)\n"
        (logs / "app-0.log.gz").write_bytes(gzip.compress(first.encode()))
        (logs / "app.log").write_text("2026-11-20 11:00:00.000 [main] INFO  a.B - later\n")
        found = self.run_cordwood("query", "--file", f"{logs}/*.log*", '|= "ERROR"', "-o", "raw")
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(found.stdout.decode().count("failed"), 1)
        self.assertIn(b"\tat a.B.c", found.stdout)
        count = self.run_cordwood("query", "--file", f"{logs}/*.log*", 'sum(count_over_time({filename=~".+"}[24h]))', "--instant")
        self.assertRegex(count.stdout, rb"\b3\b")
        self.assertEqual(self.run_cordwood("query", "--file", f"{logs}/*.log*", '|= "absent"').returncode, 1)
        self.assertEqual(self.run_cordwood("query", "--file", f"{logs}/none*", '|= "x"').returncode, 2)


if __name__ == "__main__":
    import unittest
    unittest.main()
