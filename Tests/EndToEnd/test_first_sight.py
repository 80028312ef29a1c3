"""What the agent finds when it comes first, or the folder does, and which files it is asked for."""
import json
import os
import time
import gzip
import zipfile

from harness import PATIENCE, SECOND, EndToEndCase, metrics, free_port, wait_until

STAMP = "2026-11-20 10:00:00.000 [main] INFO  a.B - "


class FirstSight(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.logs, self.state = self.folder / "logs", self.folder / "state"

    def begin(self, source, *arguments, name="agent"):
        """An agent whose output is a file."""
        self.shipped = self.folder / f"{name}.jsonl"
        config = self.folder / f"{name}.yaml"
        config.write_text(json.dumps({"state": str(self.folder / f"state-{name}"), "sources": [source],
                                      "outputs": [{"kind": "file", "path": str(self.shipped)}]}))
        return self.agent("--config", config, *arguments, name=name)

    def lines(self):
        if not self.shipped.exists():
            return []
        return sorted(int(json.loads(line)["line"].rsplit(" ", 1)[1]) for line in self.shipped.read_text().splitlines())

    def text(self, numbers):
        return "".join(f"{STAMP}{i}\n" for i in numbers)

    def test_packed_files_that_are_named_are_shipped_whatever_stands_before_them(self):
        self.logs.mkdir()
        (self.logs / "app.log").write_text(self.text(range(100)))
        with gzip.open(self.logs / "app.2026-01-20.0.log.gz", "wt") as pack:
            pack.write(self.text(range(100, 200)))
        with zipfile.ZipFile(self.logs / "app.2026-01-20.1.log.zip", "w") as pack:
            pack.writestr("app.2026-01-20.1.log", self.text(range(200, 300)))
        old = time.time() - 86_400
        for path in self.logs.glob("*.[gz]*"):
            os.utime(path, (old, old))
        for number, (names, expected) in enumerate([
                (("app.log",), range(100)), (("*.log", "*.gz"), range(200)), (("app.log", "app.[0-9]*.log.gz"), range(200)),
                (("*.log", "*.gz", "*.zip"), range(300)), (("*.zip", "*.gz", "app.log"), range(300))]):
            with self.subTest(names=names):
                agent = self.begin({"paths": [f"{self.logs}/{name}" for name in names]}, name=f"agent{number}")
                wait_until(lambda: len(self.lines()) >= len(expected), PATIENCE, f"{len(expected)} lines")
                self.assertEqual(agent.stop(), 0)
                self.assertEqual(self.lines(), list(expected))
        # What is only rolled to such names is history.
        agent = self.begin({"paths": [f"{self.logs}/app.log"], "rolled_paths": [f"{self.logs}/app.[0-9]*.log.gz"]}, name="rolled")
        wait_until(lambda: len(self.lines()) >= 100, PATIENCE, "the active file")
        wait_until(lambda: "left as they are" in agent.told(), PATIENCE, "the notice")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.lines(), list(range(100)))

    def test_plain_rolls_of_before_are_history_and_told(self):
        self.logs.mkdir()
        old = time.time() - 86_400
        for number in range(1, 4):
            (self.logs / f"app.log.{number}").write_text(self.text(range(100 * number, 100 * number + 10)))
            os.utime(self.logs / f"app.log.{number}", (old, old))
        (self.logs / "app.log").write_text(self.text(range(100)))
        agent = self.begin({"paths": [f"{self.logs}/*.log"]})
        wait_until(lambda: len(self.lines()) >= 100, PATIENCE, "the active file")
        wait_until(lambda: "left as they are" in agent.told(), PATIENCE, "the notice")
        self.assertEqual(agent.told().count("left as they are"), 1)
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.lines(), list(range(100)))

    def test_a_folder_that_comes_later_is_watched_from_its_first_moment(self):
        """Its first file is gone a second after it was written: long before anything is swept."""
        logs = self.folder / "not/yet/there"
        agent = self.begin({"paths": [f"{logs}/*.log"]})
        wait_until(lambda: (self.folder / "state-agent/status.json").exists(), PATIENCE, "the agent to run")
        time.sleep(1)  # until its first sweep is over, which nothing tells
        logs.mkdir(parents=True)
        (logs / "app.log").write_text(self.text(range(1000)))
        time.sleep(1)  # an agent that sees it in time has it open by then
        (logs / "app.log").unlink()
        (logs / "app.log").write_text(self.text(range(1000, 1010)))
        wait_until(lambda: len(self.lines()) >= 1010, PATIENCE, "all lines")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.lines(), list(range(1010)))

    def test_what_may_not_be_read_is_told(self):
        if os.geteuid() == 0:
            # Root may read everything, but for what an agent without its rights is denied.
            under = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        else:
            under = ()
        for folder in (self.logs, self.logs / "locked", self.state):
            folder.mkdir()
        (self.logs / "app.log").write_text(self.text(range(10)))
        (self.logs / "secret.log").write_text(self.text(range(10, 20)))
        os.chmod(self.folder, 0o755)
        if under:
            os.chown(self.state, 65534, 65534)
        (self.logs / "secret.log").chmod(0)
        (self.logs / "locked").chmod(0)
        telling = free_port()
        server = self.serve()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--state", self.state,
                           "--metrics-listen", f"127.0.0.1:{telling}", f"{self.logs}/*.log", f"{self.logs}/*/*.log", under=under)
        status = lambda: self.agent_status("--state", self.state).get("unreadable", {})
        told = {str(self.logs / "secret.log"): "Permission denied", str(self.logs / "locked"): "Permission denied"}
        wait_until(lambda: status() == told, PATIENCE, "both in the status")
        for path in told:
            self.assertIn(f'cordwood_agent_unreadable{{path="{path}",reason="Permission denied"}} 1\n', metrics(telling))
        self.assertIn(f"may not be read: {self.logs}/locked", self.run_cordwood("agent", "status", "--state", self.state).stdout.decode())
        (self.logs / "secret.log").chmod(0o644)
        (self.logs / "locked").chmod(0o755)
        wait_until(lambda: server.count('{app="x"}', time.time_ns() + SECOND, "30d") == 20, PATIENCE, "the other file")
        wait_until(lambda: not status(), PATIENCE, "nothing to tell")
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
