"""A file that the agent has open under a doubt is packed, and its name gone, before the doubt is over: on a busy
machine the agent may have no turn for longer than a roll lives. It is stopped for that here. No event comes twice."""
import collections
import gzip
import os
import re
import signal
import time

from harness import PATIENCE, SECOND, EndToEndCase, descriptors_of, wait_until

# Which of two threads of the agent is faster decides each of them.
ROUNDS = 40
LINES = 60


class PackedOnce(EndToEndCase):
    def begin(self):
        self.server = self.serve()
        self.logs, self.written, self.rolls = self.folder / "logs", 0, 0
        self.logs.mkdir()
        self.active = self.logs / "spring.log"
        self.active.write_bytes(self.events())
        self.follower = self.agent("--server", f"http://127.0.0.1:{self.server.port}", "--label", "app=x",
                                   "--state", self.folder / "state", f"{self.logs}/*.log")
        self.expect_open(self.active)

    def events(self):
        stamp = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.gmtime(time.time() - 3600))
        first, self.written = self.written, self.written + LINES
        return "".join(f"{stamp}seq={n}; {os.urandom(8).hex()}\n" for n in range(first, self.written)).encode()

    def expect_open(self, path):
        wait_until(lambda: str(path) in descriptors_of(self.follower), PATIENCE, f"{path} to be opened")

    def roll(self):
        """The next rolled name, without .gz."""
        self.rolls += 1
        return self.logs / f"spring.log.2026-11-22.{self.rolls}"

    def temporary(self, roll):
        """What Logback calls a roll while it packs it."""
        return roll.with_name(f"{roll.name}{time.monotonic_ns()}.tmp")

    def pack(self, path, roll, data):
        packed = roll.with_name(roll.name + ".gz")
        packed.write_bytes(gzip.compress(data))
        os.utime(packed, (time.time() - 1,) * 2)  # quiet for long enough to be judged at once
        path.unlink()

    def signal(self, number):
        self.follower.process.send_signal(number)

    def expect_once(self):
        count = lambda: self.server.count('{app="x"}', time.time_ns() + SECOND)
        wait_until(lambda: count() >= self.written, PATIENCE, "all events")
        # Whatever is still open under another name has been read by the time it has nothing left.
        wait_until(lambda: not any(f["lagBytes"] for f in self.agent_status("--state", self.folder / "state")["files"]),
                   PATIENCE, "the agent to have nothing left")
        found = collections.Counter(
            int(n) for _, _, line in self.server.lines('{app="x"}', time.time_ns() - 86_400 * SECOND, time.time_ns())
            for n in re.findall(r"seq=(\d+);", line))
        repeated = sorted(n for n, times in found.items() if times > 1)
        self.assertEqual((len(found), repeated[:5]), (self.written, []), self.follower.tail())
        self.assertEqual(self.follower.stop(), 0)

    def test_an_active_file_that_was_empty_beside_a_roll(self):
        self.begin()
        for _ in range(ROUNDS):
            self.signal(signal.SIGSTOP)
            self.active.rename(self.temporary(self.roll()))
            missed = self.temporary(self.roll())  # seen under this name first
            missed.write_bytes(self.events())
            self.active.touch()
            self.signal(signal.SIGCONT)
            self.expect_open(self.active)
            self.signal(signal.SIGSTOP)
            data = self.events()
            self.active.write_bytes(data)
            self.pack(self.active, self.roll(), data)
            missed.unlink()
            self.active.touch()
            self.signal(signal.SIGCONT)
            self.expect_open(self.active)
        self.expect_once()

    def test_a_file_that_may_be_a_copy_of_the_active_one(self):
        self.begin()
        for _ in range(ROUNDS):
            roll = self.roll()
            roll.touch()
            self.expect_open(roll)
            self.signal(signal.SIGSTOP)
            data = self.events()
            roll.write_bytes(data)
            self.pack(roll, roll, data)
            self.signal(signal.SIGCONT)
        self.expect_once()
