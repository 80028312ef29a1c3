"""The agent says what became of every byte: shipped, set aside, lost; and how far it is."""
import gzip
import json
import os
import re
import time

from harness import PATIENCE, SECOND, EndToEndCase, descriptors_of, free_port, metrics, wait_for_metric, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Ledger(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.logs, self.state = self.folder / "logs", self.folder / "state"
        self.logs.mkdir()

    def follow(self, port, *more, name="agent"):
        return self.agent("--server", f"http://127.0.0.1:{port}", "--label", "app=x", "--state", self.state, *more,
                          f"{self.logs}/*.log", name=name)

    def status(self):
        run = self.run_cordwood("agent", "status", "--state", self.state, "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def arrived(self, server):
        return server.count('{app="x"}', time.time_ns() + SECOND)

    def write(self, path, numbers):
        with open(path, "a") as f:
            f.write("".join(f"{STAMP}{i}\n" for i in numbers))

    def test_what_was_truncated_while_nobody_looked_is_told(self):
        port = free_port()
        server = self.serve(port=port)
        config = self.folder / "agent.yaml"
        config.write_text(f"server: http://127.0.0.1:{port}\nstate: {self.state}\nlabels: {{ app: x }}\nsearch_seconds: 2\n"
                          f"sources: [{{ paths: ['{self.logs}/*.log'] }}]\n")
        path = self.logs / "app.log"
        self.write(path, range(100))
        size = path.stat().st_size
        agent = self.agent("--config", config)
        wait_until(lambda: self.arrived(server) == 100, PATIENCE, "the first lines")
        time.sleep(1)
        self.assertEqual(agent.stop(), 0)
        self.write(path, range(100, 150))
        path.write_text("")
        self.write(path, range(150, 160))
        self.agent("--config", config, name="again")
        wait_until(lambda: self.arrived(server) == 110, PATIENCE, "what came since")
        ledger = self.state / "ledger.jsonl"
        lost = lambda: [row for row in map(json.loads, ledger.read_text().splitlines()) if row["what"] == "lost"] if ledger.exists() else []
        wait_until(lost, PATIENCE, "what was lost")
        self.assertEqual([(row["from"], row.get("to")) for row in lost()], [(size, None)])
        self.assertIn("truncated", lost()[0]["why"])

    def test_the_lag_grows_while_no_server_answers(self):
        """Whoever looks sees it, whether the agent has just tried once more or not."""
        telling, path, updates = free_port(), self.logs / "app.log", 20
        agent = self.follow(free_port(), "--metrics-listen", f"127.0.0.1:{telling}")
        for number in range(updates):
            self.write(path, range(number * 10, number * 10 + 10))
            wait_for_metric(telling, f'cordwood_agent_file_lag_bytes{{path="{path}"}} {path.stat().st_size}\n')
        self.assertEqual(self.status()["files"][0]["lagBytes"], path.stat().st_size)
        self.assertLess(agent.told().count("does not answer yet"), updates)

    def test_times_before_1970_beside_one_that_is_refused(self):
        port = free_port()
        server = self.serve(port=port)
        path = self.logs / "app.log"
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
        stamps = ["1969-12-31 03:00:00.000", f"{day} 10:00:00.000", f"{time.gmtime().tm_year + 4}-01-01 00:00:00.000",
                  f"{day} 10:00:01.000", "1969-12-31 04:00:00.000"]
        for at, stamp in enumerate(stamps):
            with open(path, "a") as f:
                f.write(f"{stamp} INFO  a.B - line {at}\n")
        agent = self.follow(port)
        wait_until((self.state / "lock").exists, PATIENCE, "the agent's state")
        wait_until(lambda: [f["lagBytes"] for f in self.status()["files"]] == [0], PATIENCE, "all to be done")
        # The last one is alone, and its clock is all that the server has.
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.arrived(server), 2)
        refused = [json.loads(row) for row in (self.state / "refused.jsonl").read_text().splitlines()]
        self.assertEqual(len(refused), 1, refused)
        self.assertIn("line 2", str(refused[0]))
        agent = self.follow(port, name="again")
        self.write(path, range(5))
        wait_until(lambda: self.arrived(server) >= 7, PATIENCE, "what came later")
        self.assertEqual(self.arrived(server), 7)
        self.assertNotIn("other positions", agent.told())

    def test_status_tells_the_lag_whether_the_agent_runs_or_not(self):
        port, telling = free_port(), free_port()
        server = self.serve(port=port)
        path = self.logs / "app.log"
        self.write(path, range(1000))
        agent = self.follow(port, "--metrics-listen", f"127.0.0.1:{telling}")
        wait_until(lambda: self.arrived(server) == 1000, PATIENCE, "the first lines")
        server.kill()
        self.write(path, range(1000, 2000))
        lag = sum(len(f"{STAMP}{i}\n") for i in range(1000, 2000))
        # The agent tells what it has read; how many lines that is it estimates.
        behind = lambda: [f for f in self.status()["files"] if f["lagBytes"] == lag and 900 <= f["lagLines"] <= 1100]
        wait_until(behind, PATIENCE, "the lag")
        wait_until(lambda: (self.status().get("lastError") or "") != "", PATIENCE, "the error of the push")
        self.assertTrue(self.status()["isRunning"])
        wait_for_metric(telling, f'cordwood_agent_file_lag_bytes{{path="{path}"}} {lag}\n')
        lines = r"cordwood_agent_file_lag_lines\{.*\} (9|10)\d\d\n"
        wait_until(lambda: re.search(lines, metrics(telling)), PATIENCE, "the lag in lines")
        # What went wrong, in the same words; a push that fails is a matter of the files in it.
        def told():
            words = {re.sub(r"\\(.)", r"\1", found) for found in
                     re.findall(r'^cordwood_agent_last_error\{error="(.*)"\} 1$', metrics(telling), re.M)}
            return words == {self.status()["lastError"]}
        wait_until(told, PATIENCE, "the error among the metrics")
        wait_until(lambda: re.search(rf'(?m)^cordwood_agent_file_last_error\{{path="{path}",error="[^"]+', metrics(telling)),
                   PATIENCE, "the error of the file")
        wait_until(lambda: self.status()["files"][0].get("lastError") == self.status()["lastError"], PATIENCE, "the same in the status")
        agent.kill()
        self.write(path, range(2000, 2100))
        lag += sum(len(f"{STAMP}{i}\n") for i in range(2000, 2100))
        status = self.status()
        self.assertFalse(status["isRunning"])
        self.assertEqual([f["lagBytes"] for f in status["files"]], [lag])
        people = self.run_cordwood("agent", "status", "--state", self.state).stdout.decode()
        self.assertIn("agent not running", people)
        self.assertIn(str(path), people)
        server = self.serve(port=port)
        self.follow(port, name="again")
        wait_until(lambda: self.arrived(server) == 2100, PATIENCE, "all lines")
        wait_until(lambda: all(f["lagBytes"] == 0 for f in self.status()["files"]), PATIENCE, "no lag")
        self.assertEqual([f.get("lastError") for f in self.status()["files"]], [None])

    def test_files_that_wait_behind_others_are_behind_too(self):
        port, telling = free_port(), free_port()
        server = self.serve(port=port)
        path = self.logs / "app.log"
        self.write(path, range(10))
        self.follow(port, "--metrics-listen", f"127.0.0.1:{telling}")
        wait_until(lambda: self.arrived(server) == 10, PATIENCE, "the first lines")
        server.kill()
        # More than the agent has under way at a time.
        rolls, lines = 12, 20_000
        for roll in range(rolls):
            self.write(path, range(10 + roll * lines, 10 + (roll + 1) * lines))
            path.rename(self.logs / f"app-2026-01-08.{roll}.log")
        total = sum(f.stat().st_size for f in self.logs.iterdir()) - sum(len(f"{STAMP}{i}\n") for i in range(10))
        behind = lambda: sum(int(n) for n in re.findall(r"(?m)^cordwood_agent_file_lag_bytes\{.*\} (\d+)$", metrics(telling)))
        wait_until(lambda: behind() == total, PATIENCE, f"{total} bytes of lag")
        files = lambda: [f for f in self.status()["files"] if f["lagBytes"] > 0]
        wait_until(lambda: sum(f["lagBytes"] for f in files()) == total and all(f["lagSeconds"] > 0 for f in files()),
                   PATIENCE, "the same in the status, with its seconds")

    def test_a_server_that_never_answered_is_told(self):
        port, telling = free_port(), free_port()
        self.write(self.logs / "app.log", range(10))
        agent = self.follow(port, "--metrics-listen", f"127.0.0.1:{telling}")
        wait_until((self.state / "lock").exists, PATIENCE, "the agent")
        wait_until(lambda: "refused" in (self.status().get("lastError") or ""), PATIENCE, "the error")
        self.assertEqual((self.status()["pid"], self.status()["isRunning"]), (agent.process.pid, True))
        self.assertIn(str(port), self.status()["server"])
        self.assertRegex(metrics(telling), r'(?m)^cordwood_agent_last_error\{error=".*refused.*"\} 1$')
        wait_until(lambda: [f["path"] for f in self.status()["files"]] == [str(self.logs / "app.log")], PATIENCE, "the file")
        server = self.serve(port=port)
        wait_until(lambda: self.arrived(server) == 10, PATIENCE, "the lines")
        wait_until(lambda: self.status().get("lastError") is None, PATIENCE, "no error any more")

    def test_packed_files_of_before_the_first_start_are_told_and_left(self):
        old = self.logs / "app-2026-01-08.0.log.gz"
        old.write_bytes(gzip.compress(f"{STAMP}7\n".encode()))
        hour_ago = time.time() - 3600
        os.utime(old, (hour_ago, hour_ago))
        self.write(self.logs / "app.log", range(10))
        port = free_port()
        server = self.serve(port=port)
        agent = self.follow(port)
        wait_until(lambda: "left as they are: name them in the paths" in agent.log.read_text() and str(old) in agent.log.read_text(),
                   PATIENCE, "the notice")
        wait_until(lambda: self.arrived(server) >= 10, PATIENCE, "the lines")
        self.assertEqual(self.arrived(server), 10)

    def test_the_deletion_of_unread_files_is_forecast_from_that_of_others(self):
        port = free_port()
        server = self.serve(port=port)
        path = self.logs / "app.log"
        self.write(path, range(10))
        agent = self.follow(port)
        wait_until(lambda: self.arrived(server) == 10, PATIENCE, "the first lines")
        self.write(self.logs / "app-2026-01-08.0.log", range(10, 20))
        wait_until(lambda: self.arrived(server) == 20, PATIENCE, "the rolled file")
        hour_ago = time.time() - 3600
        os.utime(self.logs / "app-2026-01-08.0.log", (hour_ago, hour_ago))
        self.write(self.logs / "other.log", range(20, 21))
        wait_until(lambda: self.arrived(server) == 21, PATIENCE, "a look at the folder")
        unlinked = time.time()
        (self.logs / "app-2026-01-08.0.log").unlink()
        server.kill()
        written = time.time()
        self.write(path, range(30, 1000))
        expected = lambda: [f.get("deletionExpected") for f in self.status()["files"] if f["path"] == str(path)]
        found = wait_until(lambda: (expected() or [None])[0], PATIENCE, "the forecast")
        # As long after the last line as the other file was deleted after its own; file times are whole seconds.
        self.assertGreater(found, written + unlinked - hour_ago - 2)
        self.assertLess(found, time.time() + time.time() - hour_ago + 2)
        self.assertIn("deleted about", self.run_cordwood("agent", "status", "--state", self.state).stdout.decode())
        agent.kill()

    def test_the_deletion_of_unread_files_is_forecast_from_what_the_application_keeps(self):
        """By its age, by the tempo of the rolls, or by their size; before any of them is gone."""
        # Four rolls of 1,000 bytes, a minute apart, in a folder of their own.
        rolls, now = self.logs / "2026-01", int(time.time())
        rolls.mkdir()
        for i in range(4):
            roll = rolls / f"app-{i}.log"
            roll.write_text(STAMP + str(i) * (999 - len(STAMP)) + "\n")
            os.utime(roll, (now - 60 * (5 - i),) * 2)
        path = self.logs / "app.log"
        for keys, seconds in (({"age_seconds": 7200}, 7200), ({"count": 5}, 300), ({"bytes": 10_000}, 600),
                              ({"age_seconds": 100, "count": 5, "bytes": 10_000}, 100)):
            with self.subTest(keys=keys):
                self.state = self.folder / f"state{seconds}"
                config = self.folder / "agent.yaml"
                config.write_text(json.dumps({
                    "server": f"http://127.0.0.1:{free_port()}", "state": str(self.state),
                    "sources": [{"paths": [str(path), f"{rolls}/app-*.log"], "rolled_files": keys}]}))
                self.write(path, range(10))
                written = int(path.stat().st_mtime)
                agent = self.agent("--config", config, name=f"agent{seconds}")
                expected = lambda: [f.get("deletionExpected") for f in self.agent_status("--state", self.state).get("files", [])
                                    if f["path"] == str(path)]
                wait_until(lambda: expected() == [written + seconds], PATIENCE, "the forecast")
                agent.kill()

    def test_every_range_is_shipped_set_aside_or_lost(self):
        server = self.serve(config="limits_config:\n  max_line_size: 1KB\n")
        path = self.logs / "app.log"
        self.write(path, range(10))
        good = path.stat().st_size
        with open(path, "a") as f:
            f.write(STAMP + "x" * 5000 + "\n")
        end = path.stat().st_size
        agent = self.follow(server.port)
        wait_until(lambda: self.arrived(server) == 10 and self.status()["notShipped"], PATIENCE, "the refused line")
        # Read to its end and deleted: the whole file is accounted for.
        path.unlink()
        wait_until(lambda: "shipped" in self.status()["totals"], PATIENCE, "the end of the file")
        self.assertEqual(agent.stop(), 0)
        lines = [json.loads(l) for l in (self.state / "ledger.jsonl").read_text().splitlines()]
        self.assertEqual([(l["what"], l["from"], l["to"]) for l in lines],
                         [("set aside", good, end), ("shipped", 0, end)])
        self.assertIn("max entry size", lines[0]["why"])
        # It survives a restart, and is not noted twice.
        self.follow(server.port, name="again")
        self.write(self.logs / "b.log", range(10, 11))
        wait_until(lambda: self.arrived(server) == 11, PATIENCE, "the new line")
        self.assertEqual(self.status()["totals"]["set aside"], {"ranges": 1, "bytes": end - good})

    def test_a_source_that_is_gone_is_lost_from_the_byte_it_was_read_to(self):
        server = self.serve()
        path = self.logs / "app.log"
        self.write(path, range(100))
        agent = self.follow(server.port)
        wait_until(lambda: self.arrived(server) == 100, PATIENCE, "the first lines")
        wait_until(lambda: (self.state / "sources.json").exists(), PATIENCE, "the registry")
        size = path.stat().st_size
        wait_until(lambda: [f["acknowledged"] for f in self.status()["files"]] == [size], PATIENCE, "the position")
        agent.kill()
        self.write(path, range(100, 200))
        path.unlink()
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps({
            "server": f"http://127.0.0.1:{server.port}", "state": str(self.state), "labels": {"app": "x"},
            "search_seconds": 1, "sources": [{"paths": [f"{self.logs}/*.log"]}]}))
        self.agent("--config", config, name="again")
        lost = wait_until(lambda: self.status()["notShipped"], PATIENCE, "the loss")
        self.assertEqual([(l["what"], l["file"], l["from"], l.get("to")) for l in lost],
                         [("lost", str(path), size, None)])

    def test_deleted_files_that_pin_a_disk_move_to_the_spool(self):
        port = free_port()
        server = self.serve(port=port)
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps({
            "server": f"http://127.0.0.1:{port}", "state": str(self.state), "labels": {"app": "x"},
            "spool": {"pinned_bytes": 100_000, "bytes": 10_000_000},
            "sources": [{"paths": [f"{self.logs}/*.log"]}]}))
        path = self.logs / "app.log"
        self.write(path, range(100))
        agent = self.agent("--config", config)
        wait_until(lambda: self.arrived(server) == 100, PATIENCE, "the first lines")
        server.kill()
        self.write(path, range(100, 60_000))
        wait_until(lambda: "a push failed" in agent.told(), PATIENCE, "a push that fails")
        held = lambda: [fd for fd in descriptors_of(agent) if fd.endswith("app.log (deleted)")]
        path.unlink()
        self.write(path, range(60_000, 60_010))
        wait_until(lambda: any((self.state / "spool").glob("*.gz")) and not held(), PATIENCE, "the spool")
        # Killed and started again, it goes on in the spool, under the offsets of the file.
        agent.kill()
        agent = self.agent("--config", config, name="again")
        server = self.serve(port=port)
        wait_until(lambda: self.arrived(server) == 60_010, PATIENCE, "all lines")
        wait_until(lambda: not any((self.state / "spool").glob("*.gz")), PATIENCE, "the spool to be cleared")
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
