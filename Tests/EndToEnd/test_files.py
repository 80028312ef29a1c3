"""`query --file`: logs without a server, some of them damaged."""
import gzip
import os
import pathlib
import random
import re
import subprocess

from harness import BINARY, PATIENCE, EndToEndCase


def text(first, count, words="some words of an ordinary line"):
    return "".join(f"2026-11-{1 + i // 86400:02} {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.000 [main] INFO  a.B - {i} {words}\n"
                   for i in range(first, first + count)).encode()


class Files(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.logs = self.folder / "logs"
        self.logs.mkdir()

    def query(self, query, *arguments, **keywords):
        return self.run_cordwood("query", "--file", f"{self.logs}/*", query, "--limit", "0", "-o", "raw",
                                 *arguments, timeout=3 * PATIENCE, **keywords)

    def test_one_bad_file_does_not_hide_the_others(self):
        (self.logs / "good.log").write_bytes(text(0, 5))
        (self.logs / "folder.log").mkdir()
        whole = gzip.compress(text(10, 20_000), 6)
        damaged = bytearray(whole)
        damaged[len(damaged) // 2] ^= 0xff
        (self.logs / "damaged.log.gz").write_bytes(damaged)
        run = self.query('|~ " - [0-4] "')
        self.assertEqual(run.returncode, 2)
        self.assertEqual(len(run.stdout.splitlines()), 5)
        self.assertIn(b"folder.log: left out: a folder", run.stderr)
        self.assertIn(b"damaged.log.gz: the gzip data is damaged", run.stderr)
        # What comes before the damage counts.
        self.assertEqual(len(self.query('|~ " - (10|11) "').stdout.splitlines()), 2)

    def test_a_file_that_is_cut_off_is_told(self):
        whole = gzip.compress(text(0, 20_000), 6)
        (self.logs / "cut.log.gz").write_bytes(whole[:len(whole) // 2])
        run = self.query('|~ " - 7 "')
        self.assertEqual((run.returncode, len(run.stdout.splitlines())), (2, 1))
        self.assertIn(b"cut.log.gz: the gzip data is cut off; what comes before it is searched", run.stderr)
        self.assertEqual(self.query('|= "absent"').returncode, 2)

    def test_a_pattern_without_files_does_not_hide_the_others(self):
        (self.logs / "good.log").write_bytes(text(0, 5))
        run = self.query('|= "INFO"', "--file", f"{self.logs}/none*")
        self.assertEqual((run.returncode, len(run.stdout.splitlines())), (2, 5))
        self.assertIn(b"none*: no such file", run.stderr)

    def test_large_files_of_many_units_are_read_whole_in_both_directions(self):
        # Larger than what stays in memory; units begin in the middle of the packed file.
        generator = random.Random(7)
        words = " ".join(f"{generator.getrandbits(64):x}" for _ in range(8))
        raw = text(0, 500_000, words)
        self.assertGreater(len(raw), 80 << 20)
        (self.logs / "large.log.gz").write_bytes(gzip.compress(raw, 1))
        lines = raw.splitlines()
        self.assertEqual(self.query('|= "99 "', "--forward").stdout.splitlines(),
                         [line for line in lines if b"99 " in line])
        backward = self.query('|= "7777 "').stdout.splitlines()
        self.assertEqual(backward, [line for line in reversed(lines) if b"7777 " in line])
        count = self.query('sum(count_over_time({filename=~".+"}[30d]))', "--instant")
        self.assertEqual(count.stdout, b"500000\n")

    def test_unpacking_costs_no_more_than_reading_twice(self):
        """Units begin in the middle of a packed file: whoever unpacked from its start for each of them would read
        it a dozen times. Bytes are counted, as time depends on what else runs."""
        packed = gzip.compress(text(0, 700_000), 1)
        (self.logs / "large.log.gz").write_bytes(packed)
        with subprocess.Popen([BINARY, "query", "--file", f"{self.logs}/*", '|= "never there"', "--limit", "0"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as run:
            self.assertEqual(run.stdout.read(), b"")
            # It has ended; until it is waited for the kernel knows what it has read.
            os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
            read = int(re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{run.pid}/io").read_text()).group(1))
        self.assertEqual(run.returncode, 1)
        self.assertGreater(read, len(packed))
        self.assertLess(read, 2.5 * len(packed))


if __name__ == "__main__":
    import unittest
    unittest.main()
