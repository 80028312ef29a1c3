"""Thousands of rolls in a row: nothing is lost, and what the agent holds stays bounded."""
import os
import time

from harness import PATIENCE, SECOND, EndToEndCase, Worker, descriptors_of, wait_until

ROLLS = int(os.environ.get("CORDWOOD_ROLLS", "2000"))
LINES, KEPT, PER_SECOND = 10, 100, 100
# Rolled and not shipped, at most.
UNDER_WAY = 4 * PER_SECOND
STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Rotations(EndToEndCase):
    def test_many_rolls_in_a_row(self):
        server = self.serve()
        logs, state = self.folder / "logs", self.folder / "state"
        logs.mkdir()
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--state", state,
                           f"{logs}/*.log")
        wait_until(lambda: self.agent_status("--state", state).get("isRunning"), PATIENCE, "the agent")
        count = lambda: server.count('{app="x"}', time.time_ns() + SECOND)
        opened = set()

        def has_seen(roll):
            """Whether the agent had the file open, or has shipped it."""
            name = str(logs / f"app-2026-01-08.{roll}.log")
            if name not in opened:
                opened.update(descriptors_of(agent))
            return name in opened or count() >= (roll + 1) * LINES

        def write():
            due, shipped = time.monotonic(), 0
            for roll in range(ROLLS):
                with open(logs / "app.log", "a") as f:
                    f.write("".join(f"{STAMP}{roll * LINES + i}\n" for i in range(LINES)))
                # What a stall of this machine cost is not made up for.
                due = max(due + 1 / PER_SECOND, time.monotonic())
                time.sleep(due - time.monotonic() if due > time.monotonic() else 0)
                (logs / "app.log").rename(logs / f"app-2026-01-08.{roll}.log")
                # Deleted before it was seen a file is lost, whatever the agent does; and on the way there are no
                # more than it holds at rest.
                if roll >= KEPT:
                    wait_until(lambda: has_seen(roll - KEPT), PATIENCE, f"roll {roll - KEPT} to be opened")
                    (logs / f"app-2026-01-08.{roll - KEPT}.log").unlink()
                while roll - shipped // LINES > UNDER_WAY:
                    shipped = wait_until(lambda: count() > shipped and count(), PATIENCE, "what was rolled to arrive")

        began = time.monotonic()
        writer = Worker(write)
        descriptors, memory = [], []
        while writer.is_alive():
            time.sleep(0.5)
            descriptors.append(len(descriptors_of(agent)))
            memory.append(agent.status("VmRSS") / 1024)
        writer.finish()
        seconds = time.monotonic() - began
        total = ROLLS * LINES
        try:
            wait_until(lambda: count() >= total, PATIENCE, f"{total} lines")
        except AssertionError:
            print(f"only {count()} of {total} lines arrived\n{agent.tail()}", flush=True)
        found = sorted(int(line.rsplit(" ", 1)[1]) for _, _, line in
                       server.lines('{app="x"}', time.time_ns() - 86_400 * SECOND, time.time_ns() + SECOND))
        self.assertEqual(found, list(range(total)))
        size = sum(p.stat().st_size for p in state.iterdir())
        print(f"\n{ROLLS} rolls in {seconds:.0f} s: at most {max(descriptors)} descriptors, memory {memory[len(memory) // 4]:.0f} MiB "
              f"at a quarter, {memory[-1]:.0f} at the end; {agent.status('VmHWM') / 1024:.0f} at most; state folder {size} bytes", flush=True)
        # A renamed file is held for five seconds, a deleted one for half a second; and all that is not shipped.
        self.assertLess(max(descriptors), UNDER_WAY + KEPT + PER_SECOND + 100)
        # A source that is finished is remembered for days.
        self.assertLess(memory[-1] - memory[len(memory) // 4], 10 + ROLLS * 0.003)


if __name__ == "__main__":
    import unittest
    unittest.main()
