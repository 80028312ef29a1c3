"""`tail` against servers that go away and entries that come late."""
import queue
import subprocess
import threading
import time

from harness import BINARY, PATIENCE, SECOND, EndToEndCase, free_port, wait_until


class Tail(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.server = self.serve(port=self.port)

    def tail(self, *arguments, since="10m"):
        """Begins longer ago than it takes to start, on any machine."""
        process = subprocess.Popen(
            [BINARY, "tail", "--server", f"http://127.0.0.1:{self.port}", '{app="shop"}', "-o", "raw", "--since", since,
             *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines, news = queue.Queue(), queue.Queue()

        def read(pipe, into):
            with pipe:
                for line in pipe:
                    into.put(line.decode().rstrip("\n"))

        readers = [threading.Thread(target=read, args=pair, daemon=True)
                   for pair in ((process.stdout, lines), (process.stderr, news))]
        for reader in readers:
            reader.start()
        self.addCleanup(lambda: (process.kill(), process.wait(), [r.join(10) for r in readers]))
        return lines, news

    def push(self, host, rows):
        self.assertEqual(self.server.push({(("app", "shop"), ("host", host)): rows}).status, 204)

    def read(self, lines, count, seconds=PATIENCE):
        end = time.monotonic() + seconds
        got = []
        while len(got) < count:
            try:
                got.append(lines.get(timeout=max(0.01, end - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"{len(got)} of {count} lines came: {got[-3:]}")
        return got

    def test_it_begins_as_long_ago_as_is_asked_for(self):
        now = time.time_ns()
        self.push("a", [(now - 1800 * SECOND, "before --late"), (now, "now")])
        lines, _ = self.tail(since="1h")
        self.assertEqual(self.read(lines, 2), ["before --late", "now"])

    def test_thousands_of_entries_of_one_time_are_printed_once(self):
        lines, _ = self.tail()
        now = time.time_ns()
        rows = [(now, f"line {i}") for i in range(3000)]
        self.push("a", rows)
        self.assertEqual(sorted(self.read(lines, 3000)), sorted(l for _, l in rows))
        self.push("a", [(time.time_ns(), "the next")])
        self.assertEqual(self.read(lines, 1), ["the next"])

    def test_a_time_with_more_than_the_server_gives_is_told_and_passed(self):
        self.server.stop()
        self.server = self.serve(port=self.port, config="limits_config: {max_entries_limit_per_query: 500}\n")
        lines, news = self.tail()
        now = time.time_ns()
        self.push("a", [(now, f"line {i}") for i in range(700)])
        self.push("a", [(now + 1, "the next")])
        got = self.read(lines, 501)
        self.assertEqual(got[-1], "the next")
        self.assertEqual(len(set(got)), 501)
        self.assertRegex(news.get(timeout=PATIENCE), "not all entries of the time .* are shown")

    def test_entries_of_late_agents_are_printed(self):
        # An entry may be five minutes late.
        lines, _ = self.tail()
        self.push("a", [(time.time_ns(), "at once")])
        self.assertEqual(self.read(lines, 1), ["at once"])
        self.push("b", [(time.time_ns() - 100 * SECOND, "after a minute and a half")])
        self.assertEqual(self.read(lines, 1), ["after a minute and a half"])

    def test_what_agents_kept_during_an_outage_is_printed(self):
        # What comes within --late after the outage is shown, and the outage is longer: without it nothing as old
        # as that would be asked for.
        late = 20
        lines, news = self.tail("--late", f"{late}s")
        self.push("a", [(time.time_ns(), "before")])
        self.assertEqual(self.read(lines, 1), ["before"])
        kept = time.time_ns()
        self.server.kill()
        self.assertIn("cannot reach", news.get(timeout=PATIENCE))
        wait_until(lambda: time.time_ns() - kept > (late + 2) * SECOND, PATIENCE, "the outage to last")
        self.server = self.serve(port=self.port)
        self.push("a", [(time.time_ns(), "after")])
        self.assertEqual(self.read(lines, 1), ["after"])
        self.assertIn("connected again", news.get(timeout=PATIENCE))
        self.push("b", [(kept, "kept by an agent")])
        self.assertEqual(self.read(lines, 1), ["kept by an agent"])
        self.assertTrue(lines.empty())

    def test_a_refusal_ends_it(self):
        run = self.run_cordwood("tail", "--server", f"http://127.0.0.1:{self.port}", "--org-id", "a/b", '{app="shop"}')
        self.assertEqual(run.returncode, 2, run.stderr)
        run = self.run_cordwood("tail", "--server", "nowhere", '{app="shop"}')
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"--server nowhere: not an http:// or https:// address", run.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
