"""The agent where rolling is not Logback's, and in front of servers that refuse, stall or are not ours."""
import gzip
import http.server
import json
import threading
import time
from unittest import mock

from harness import BINARY, PATIENCE, SECOND, EndToEndCase, Process, free_port, wait_for_metric, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class ForeignServer(http.server.ThreadingHTTPServer):
    """Takes pushes as Loki does, knows nothing of positions, and is busy at first."""

    def __init__(self):
        self.lines, self.busy, self.asked_at = [], 1, []
        super().__init__(("127.0.0.1", 0), ForeignHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ForeignHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/loki/api/v1/push":
            return self.answer(404, b"404 page not found\n")
        self.server.asked_at.append(time.monotonic())
        if self.server.busy:
            self.server.busy -= 1
            return self.answer(503, b"busy", {"Retry-After": "2"})
        push = json.loads(gzip.decompress(body))
        assert "sources" not in push
        for stream in push["streams"]:
            self.server.lines += [value[1] for value in stream["values"]]
        self.answer(204, b"")

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Agent(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.log = self.folder / "app.log"

    def follow(self, url, *more, name="agent"):
        return self.agent("--server", url, "--label", "app=shop", "--state", self.folder / "state", *more, self.log, name=name)

    def arrived(self, server):
        start = time.time_ns() - 2 * 86_400 * SECOND
        return [line for _, _, line in server.lines('{app="shop"}', start, time.time_ns() + SECOND)]

    def ours(self, server):
        return f"http://127.0.0.1:{server.port}"

    def test_a_file_truncated_in_place_is_read_on_from_its_start(self):
        server = self.serve()
        self.log.write_text("".join(f"{STAMP}first {i}\n" for i in range(100)))
        self.follow(self.ours(server))
        wait_until(lambda: len(self.arrived(server)) == 100, PATIENCE, "the first lines")
        with open(self.log, "r+") as f:
            f.truncate(0)
        with open(self.log, "a") as f:
            f.write("".join(f"{STAMP}second {i}\n" for i in range(50)))
        wait_until(lambda: len(self.arrived(server)) == 150, PATIENCE, "the lines after the truncation")

    def test_only_the_bad_entry_is_set_aside(self):
        server = self.serve(config="limits_config:\n  max_line_size: 1KB\n")
        good = [f"{STAMP}good {i}" for i in range(60)]
        self.log.write_text("\n".join(good[:30] + [STAMP + "x" * 5000] + good[30:]) + "\n")
        port = free_port()
        agent = self.follow(self.ours(server), "--metrics-listen", f"127.0.0.1:{port}")
        wait_until(lambda: len(self.arrived(server)) >= 60, PATIENCE, "the good lines")
        refused = self.folder / "state/refused.jsonl"
        wait_for_metric(port, "cordwood_agent_set_aside_total 1\n")
        # Its position is passed by then: a restart sends nothing again.
        wait_for_metric(port, f'cordwood_agent_file_lag_bytes{{path="{self.log}"}} 0\n')
        self.assertEqual(sorted(self.arrived(server)), sorted(good))
        kept = [json.loads(line) for line in refused.read_text().splitlines()]
        self.assertEqual([len(k["line"]) for k in kept], [len(STAMP) + 5000])
        self.assertIn("max entry size", kept[0]["reason"])
        self.assertEqual(agent.stop(), 0)
        again = self.follow(self.ours(server), name="again")
        with open(self.log, "a") as f:
            f.write(STAMP + "last\n")
        wait_until(lambda: len(self.arrived(server)) == 61, PATIENCE, "the line after the restart")
        self.assertEqual(len(refused.read_text().splitlines()), 1)
        self.assertEqual(again.stop(), 0)

    def test_a_server_that_is_not_ours_gets_each_line_and_is_given_time(self):
        foreign = ForeignServer()
        self.addCleanup(foreign.server_close)
        self.addCleanup(foreign.shutdown)
        url = f"http://127.0.0.1:{foreign.server_port}"
        self.log.write_text("".join(f"{STAMP}{i}\n" for i in range(20)))
        agent = self.follow(url)
        wait_until(lambda: len(foreign.lines) == 20, PATIENCE, "the lines")
        self.assertGreaterEqual(foreign.asked_at[1] - foreign.asked_at[0], 1.9, "Retry-After was 2 s")
        # Where the agent keeps the positions, what it has no answer for is sent again.
        known = lambda: [f["acknowledged"] for f in self.agent_status("--state", self.folder / "state").get("files", [])]
        wait_until(lambda: known() == [self.log.stat().st_size], PATIENCE, "the acknowledgement")
        self.assertEqual(agent.stop(), 0)
        self.follow(url, name="again")
        with open(self.log, "a") as f:
            f.write(STAMP + "20\n")
        wait_until(lambda: len(foreign.lines) >= 21, PATIENCE, "the new line")
        self.assertEqual(foreign.lines, [f"{STAMP}{i}" for i in range(21)])

    def once(self, server, numbers):
        """Waits until each of these numbers has arrived; none may be there twice."""
        wait_until(lambda: len(self.arrived(server)) >= len(numbers), PATIENCE, f"{len(numbers)} lines")
        self.assertEqual(sorted(int(line.rsplit(" ", 1)[1]) for line in self.arrived(server)), list(numbers))

    def write(self, numbers):
        with open(self.log, "a") as f:
            f.write("".join(f"{STAMP}{i}\n" for i in numbers))

    def pack(self, name):
        with gzip.open(self.folder / name, "wb") as packed:
            packed.write(self.log.read_bytes())
        self.log.unlink()

    def test_rolled_to_spring_boots_names_while_the_agent_is_dead(self):
        server = self.serve()
        self.log = self.folder / "logs/app.log"
        self.log.parent.mkdir()
        arguments = ["--server", self.ours(server), "--label", "app=shop", "--state", self.folder / "state",
                     f"{self.log.parent}/*.log"]
        self.write(range(50))
        agent = self.agent(*arguments)
        wait_until(lambda: len(self.arrived(server)) == 50, PATIENCE, "the first lines")
        agent.kill()
        self.write(range(50, 100))
        self.pack("logs/app.log.2026-01-08.0.gz")
        self.write(range(100, 150))
        self.pack("logs/app.log.2026-01-08.1.gz")
        self.write(range(150, 160))
        self.agent(*arguments, name="again")
        self.once(server, range(160))

    def test_copied_and_truncated_while_the_server_is_dead(self):
        port = free_port()
        server = self.serve(port=port)
        agent = self.follow(self.ours(server))
        self.write(range(100))
        wait_until(lambda: len(self.arrived(server)) == 100, PATIENCE, "the first lines")
        server.kill()
        self.write(range(100, 60_000))
        wait_until(lambda: "a push failed" in agent.told(), PATIENCE, "a push that fails")
        (self.folder / "app.log.1").write_bytes(self.log.read_bytes())
        with open(self.log, "r+") as f:
            f.truncate(0)
        self.write(range(60_000, 60_500))
        self.once(self.serve(port=port), range(60_500))

    def test_more_files_than_descriptors(self):
        server = self.serve()
        logs = self.folder / "logs"
        logs.mkdir()
        for i in range(200):
            (logs / f"l{i}.log").write_text(f"{STAMP}{i}\n")
        # The hard limit is lowered, so the agent cannot raise it again.
        with mock.patch("harness.BINARY", "/bin/sh"):
            agent = Process(["-c", 'ulimit -n 128; exec "$0" "$@"', BINARY, "agent", "--server", self.ours(server),
                             "--label", "app=shop", "--state", self.folder / "state", f"{logs}/*.log"],
                            self.folder, "many")
        self.processes.append(agent)
        self.once(server, range(200))
        self.assertNotIn("Too many open files", agent.told())

    def test_one_agent_a_state_folder(self):
        server = self.serve()
        self.follow(self.ours(server))
        wait_until(lambda: self.agent_status("--state", self.folder / "state").get("isRunning"), PATIENCE, "the first agent")
        second = self.run_cordwood("agent", "--server", self.ours(server), "--state", self.folder / "state", self.log)
        self.assertEqual(second.returncode, 2)
        self.assertIn(b"in use by another agent", second.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
