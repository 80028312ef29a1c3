"""Logback deletes rolls that nobody read while the agent is away: the ledger names exactly those."""
import contextlib
import gzip
import json
import os
import pathlib
import random
import re
import threading
import time
import unittest

from harness import PATIENCE, Worker, keep_clear_of_midnight, wait_until
from logback_case import LogbackCase, files_below, runs_of
from logback_scenarios import FILE, TIME

EVENTS = int(os.environ.get("CORDWOOD_LOGBACK_DELETED_EVENTS", "20000"))
PER_SECOND = 4000
# The newest 120 KB, packed, are kept: four files or so.
CAPPED = "<maxHistory>30</maxHistory><totalSizeCap>120KB</totalSizeCap>"
SEARCH_SECONDS = 3
# Where nobody can know how many rolls there were.
BEHIND = "whatever was rolled between it and"


class Witness:
    """Opens every file at first sight, and so has it when Logback has deleted it. It paces the application: what
    lives for a few rolls only must be seen on any machine."""

    def __init__(self, logs, go):
        self.logs, self.go = logs, go
        # By inode, which is not used again as long as its file is open.
        self.open, self.names = {}, {}
        self.stop = threading.Event()
        self.watching = Worker(self.watch)

    def watch(self):
        while not self.stop.wait(0.002):
            self.look()
            with contextlib.suppress(FileNotFoundError):  # the application has not begun
                os.utime(self.go)
        self.look()

    def look(self):
        for path in files_below(self.logs):
            try:
                if (inode := path.stat().st_ino) not in self.open:
                    file = open(path, "rb")
                    # Another file may have taken the name.
                    inode = os.fstat(file.fileno()).st_ino
                    if self.open.setdefault(inode, file) is not file:
                        file.close()
                self.names.setdefault(path, set()).add(inode)
            except FileNotFoundError:
                continue

    def finish(self):
        """What each file holds, unpacked, by inode."""
        self.stop.set()
        self.watching.finish()
        packed = {inode for path, inodes in self.names.items() if path.suffix == ".gz" for inode in inodes}
        held = {}
        for inode, file in self.open.items():
            with file:
                data = file.read()
            held[inode] = gzip.decompress(data) if inode in packed else data
        return held


def numbers(data, start=0, end=None):
    """Numbers of the events that stand between two offsets."""
    return {int(n) for n in re.findall(rb"seq=(\d+);", data[start:end])}


class DeletedByLogback(LogbackCase):
    def away(self, name, kills=0, **changes):
        """Kills the agent until the application has ended; what Logback deleted, as the ledger names it and as it
        is missing."""
        keep_clear_of_midnight()
        witness = Witness(self.folder / "logs", self.folder / "go")
        self.addCleanup(witness.stop.set)
        self.begin(name, events=EVENTS, per_second=PER_SECOND, settings={"search_seconds": SEARCH_SECONDS},
                   held_at=EVENTS // 5, is_paced=True, **changes)
        wait_until(lambda: self.count() > EVENTS // 10, PATIENCE, "the first events")
        self.follower.kill()
        inodes = self.sources()
        self.release()
        self.application.finish(EVENTS / PER_SECOND + 2 * PATIENCE)
        held = witness.finish()
        self.follow()
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        for _ in range(kills):
            time.sleep(chance.uniform(0, 1.5 * SEARCH_SECONDS))
            self.follower.kill()
            self.follow()
        with contextlib.suppress(AssertionError):  # told below, in numbers
            wait_until(lambda: self.is_accounted_for(witness, held, inodes), PATIENCE, "all that is lost to be told")
        self.settled(2 * PATIENCE, quiet=5)
        found, rows = self.arrived()
        self.assertEqual([n for n, c in found.items() if c > 1], [], "nothing is repeated")
        missing, (named, lost) = self.written - found.keys(), self.named(witness, held, inodes)
        told = [(pathlib.Path(l["file"]).name, l["from"], l.get("to")) for l in lost]
        print(f"\n{name}, {kills} kills after (seed {seed}): {len(self.written)} written, lost {len(missing)}, "
              f"named {len(named)} in {told}", flush=True)
        self.assertEqual(len(told), len(set(told)), "no file is named twice")
        self.assertEqual(self.follower.stop(), 0)
        return missing, named, lost

    def named(self, witness, held, inodes):
        """Numbers of the events that the ledger says are lost, and what it says."""
        lost, out = self.lost(), set()
        for row in lost:
            data = held[inodes[row["source"]]] if "source" in row else self.rolled(row, witness, held)
            self.assertLessEqual(row.get("to", 0), len(data), row)
            out |= numbers(data, row["from"], row.get("to"))
        return out, lost

    def is_accounted_for(self, *evidence):
        """Losses are told when the search is over, all at once, however long that takes."""
        named, lost = self.named(*evidence)
        return self.written <= self.arrived()[0].keys() | named or any(BEHIND in row["why"] for row in lost)

    def rolled(self, row, witness, held):
        """What stood in a rolled file that no source is known of."""
        self.assertEqual(row["from"], 0)
        contents = {held[inode] for inode in witness.names.get(pathlib.Path(row["file"]), ())}
        self.assertEqual(len(contents), 1, f"{row} was there")
        return contents.pop()

    def sources(self):
        """Inodes of the files in which sources stood when the agent was killed, by source."""
        records = json.loads((self.state / "sources.json").read_text())["sources"]
        journal = self.state / "sources.journal"
        if journal.exists():
            # The last line may be cut off by the kill.
            whole = journal.read_text().rpartition("\n")[0].splitlines()
            records += [json.loads(line) for line in whole if '"identity"' in line]
        return {r["id"]: r["identity"]["inode"] for r in records}

    def lost(self):
        ledger = self.state / "ledger.jsonl"
        # The last line may be half written.
        lines = ledger.read_text().rpartition("\n")[0].splitlines() if ledger.exists() else []
        rows = [json.loads(line) for line in lines]
        return [r for r in rows if r.get("what") == "lost"]

    def exactly(self, kills, pattern):
        policy = FILE + TIME % (pattern, CAPPED)
        missing, named, _ = self.away("size and time, gz, 2 MB", kills, policy=policy, size="100KB")
        self.assertGreater(len(missing), 0, "Logback has deleted files")
        self.assertEqual((runs_of(missing - named), runs_of(named - missing)), ("", ""),
                         "lost and not named; named and not lost")

    def test_numbered_rolls(self):
        self.exactly(0, "app-%d{{yyyy-MM-dd}}.%i.log.gz")

    def test_numbered_rolls_and_kills(self):
        self.exactly(5, "app-%d{{yyyy-MM-dd}}.%i.log.gz")

    def test_numbered_rolls_without_a_file_element(self):
        policy = TIME % ("app.%d{{yyyy-MM-dd}}.%i.log.gz", CAPPED)
        missing, named, _ = self.away("dated names, gz", policy=policy, size="100KB")
        self.assertGreater(len(missing), 0, "Logback has deleted files")
        self.assertEqual((runs_of(missing - named), runs_of(named - missing)), ("", ""),
                         "lost and not named; named and not lost")

    def unnumbered(self, name, **changes):
        """How many rolls there were nobody can know: the last file that was seen stands for them."""
        missing, named, lost = self.away(name, **changes)
        self.assertGreater(len(missing), 0, "Logback has deleted files")
        self.assertEqual(runs_of(named - missing), "", "named and not lost")
        if missing - named:
            self.assertTrue(any(BEHIND in row["why"] for row in lost), lost)

    def test_a_fixed_window(self):
        self.unnumbered("fixed window", size="200KB", window=3)

    def test_a_fixed_window_packed(self):
        self.unnumbered("fixed window, gz", size="200KB", window=3)

    def test_dated_folders(self):
        self.unnumbered("dated folders", history=1)


if __name__ == "__main__":
    unittest.main()
