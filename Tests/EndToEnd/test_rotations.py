"""Thousands of rolls in a row: nothing is lost, and what the agent holds stays bounded."""
import os
import time

from harness import SECOND, EndToEndCase, Worker, wait_until

ROLLS = int(os.environ.get("CORDWOOD_ROLLS", "2000"))
LINES, KEPT, PER_SECOND = 10, 100, 100
STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Rotations(EndToEndCase):
    def test_many_rolls_in_a_row(self):
        server = self.serve()
        logs, state = self.folder / "logs", self.folder / "state"
        logs.mkdir()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--state", state,
                           f"{logs}/*.log")
        wait_until(lambda: (state / "lock").exists(), 10, "the agent")

        def write():
            began = time.monotonic()
            for roll in range(ROLLS):
                with open(logs / "app.log", "a") as f:
                    f.write("".join(f"{STAMP}{roll * LINES + i}\n" for i in range(LINES)))
                time.sleep(max(0, began + roll / PER_SECOND - time.monotonic()))
                (logs / "app.log").rename(logs / f"app-2026-01-08.{roll}.log")
                if roll >= KEPT:
                    (logs / f"app-2026-01-08.{roll - KEPT}.log").unlink()

        began = time.monotonic()
        writer = Worker(write)
        descriptors, memory = [], []
        while writer.is_alive():
            time.sleep(0.5)
            descriptors.append(len(os.listdir(f"/proc/{agent.process.pid}/fd")))
            memory.append(agent.status("VmRSS") / 1024)
        writer.finish()
        seconds = time.monotonic() - began
        total = ROLLS * LINES
        count = lambda: server.count('{app="x"}', time.time_ns() + SECOND)
        try:
            wait_until(lambda: count() >= total, 60, f"{total} lines")
        except AssertionError:
            print(f"only {count()} of {total} lines arrived\n{agent.tail()}", flush=True)
        found = sorted(int(line.rsplit(" ", 1)[1]) for _, _, line in
                       server.lines('{app="x"}', time.time_ns() - 86_400 * SECOND, time.time_ns() + SECOND))
        self.assertEqual(found, list(range(total)))
        size = sum(p.stat().st_size for p in state.iterdir())
        print(f"\n{ROLLS} rolls in {seconds:.0f} s: at most {max(descriptors)} descriptors, memory {memory[len(memory) // 4]:.0f} MiB "
              f"at a quarter, {memory[-1]:.0f} at the end; {agent.status('VmHWM') / 1024:.0f} at most; state folder {size} bytes", flush=True)
        # A renamed file is held for five seconds, a deleted one for half a second.
        self.assertLess(max(descriptors), 6 * PER_SECOND + 100)
        # A source that is finished is remembered for days.
        self.assertLess(memory[-1] - memory[len(memory) // 4], 10 + ROLLS * 0.003)


if __name__ == "__main__":
    import unittest
    unittest.main()
