"""What the agent costs when little happens, and that it sees at once what does."""
import os
import time

from harness import SECOND, EndToEndCase, request, free_port, wait_until

FILES = int(os.environ.get("CORDWOOD_IDLE_FILES", "5000"))
SECONDS = int(os.environ.get("CORDWOOD_IDLE_SECONDS", "20"))
STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Idle(EndToEndCase):
    def test_thousands_of_files_at_rest_cost_next_to_nothing(self):
        server = self.serve()
        logs = self.folder / "logs"
        logs.mkdir()
        for i in range(FILES):
            (logs / f"user-{i}.log").write_text(f"{STAMP}{i}\n")
        port = free_port()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--metrics-listen",
                           f"127.0.0.1:{port}", "--state", self.folder / "state", f"{logs}/*.log")
        count = lambda: server.count('{app="x"}', time.time_ns() + SECOND)
        wait_until(lambda: count() == FILES, 60, "all files")
        # What was read is looked at a while longer, for more lines of the last event and for a roll.
        settled = time.monotonic()
        wait_until(lambda: time.monotonic() - settled > 15, 20, "the files to settle")
        before = agent.cpu_seconds()
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > SECONDS, SECONDS + 5, "time to pass")
        share = (agent.cpu_seconds() - before) / (time.monotonic() - began)
        print(f"\nidle with {FILES} files: {share:.2%} of a core, {agent.status('VmRSS') / 1024:.0f} MiB", flush=True)
        self.assertLess(share, 0.01)
        # A few KiB for each file, whatever the size of the blocks that it is read by.
        self.assertLess(agent.status("VmRSS"), 30 * 1024 + 8 * FILES)
        # A line in any of them is news at once, and so is a file.
        started = time.monotonic()
        with open(logs / f"user-{FILES // 2}.log", "a") as f:
            f.write(f"{STAMP}more\n")
        (logs / "new.log").write_text(f"{STAMP}new\n")
        wait_until(lambda: count() == FILES + 2, 10, "two lines more")
        # An event waits a second for more lines, and a batch a second for more events.
        self.assertLess(time.monotonic() - started, 4)
        self.assertIn("cordwood_agent_watched_folders 1\n", request(port, "GET", "/metrics").text)


if __name__ == "__main__":
    import unittest
    unittest.main()
