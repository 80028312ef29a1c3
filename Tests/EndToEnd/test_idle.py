"""What the agent costs when little happens, and that it sees at once what does."""
import os
import re
import time

from harness import PATIENCE, SECOND, EndToEndCase, free_port, metrics, wait_for_metric, wait_until

FILES = int(os.environ.get("CORDWOOD_IDLE_FILES", "5000"))
SECONDS = int(os.environ.get("CORDWOOD_IDLE_SECONDS", "20"))
# Of a core.
MOST = 0.01
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
        wait_until(lambda: count() == FILES, PATIENCE, "all files")
        # What was read is looked at a while longer, for more lines of the last event and for a roll; how long that
        # takes is up to the machine. An agent that does not come to rest is over the mark for ever.
        shares = []
        wait_until(lambda: shares.append(self.share(agent)) or shares[-1] < MOST, PATIENCE, "the agent to rest")
        print(f"\nidle with {FILES} files: {', '.join(f'{s:.2%}' for s in shares)} of a core, "
              f"{agent.status('VmRSS') / 1024:.0f} MiB", flush=True)
        # A few KiB for each file, whatever the size of the blocks that it is read by.
        self.assertLess(agent.status("VmRSS"), 30 * 1024 + 8 * FILES)
        wait_for_metric(port, "cordwood_agent_watched_folders 1\n")
        expected = FILES

        def comes_at_once():
            """A line in any of them is news, and so is a file: no sweep of all files was waited for."""
            nonlocal expected
            before = self.sweeps(port)
            with open(logs / f"user-{FILES // 2}.log", "a") as f:
                f.write(f"{STAMP}more\n")
            (logs / f"new-{expected}.log").write_text(f"{STAMP}new\n")
            expected += 2
            wait_until(lambda: count() == expected, PATIENCE, "two lines more")
            return self.sweeps(port) == before
        # A sweep may come by chance; they are ten seconds apart at least.
        wait_until(comes_at_once, PATIENCE, "news without a sweep")

    def share(self, agent):
        """Of a core, for a while."""
        before, began = agent.cpu_seconds(), time.monotonic()
        time.sleep(SECONDS)
        return (agent.cpu_seconds() - before) / (time.monotonic() - began)

    def sweeps(self, port):
        return re.search(r"^cordwood_agent_sweep_seconds_total \S+", metrics(port), re.M).group()


if __name__ == "__main__":
    import unittest
    unittest.main()
