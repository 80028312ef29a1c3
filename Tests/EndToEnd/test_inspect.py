"""`cordwood inspect`: what a segment consists of."""
import json
import os
import time

from harness import ROOT, EndToEndCase

COLUMNS = ROOT / "Tests/SegmentTests/Fixtures/v4.segment"


class Inspect(EndToEndCase):
    def test_a_segment_of_a_server_that_runs(self):
        # As it was written: no compaction meanwhile.
        server = self.serve(config="storage: {compact_after: 1h}\n")
        now = time.time_ns()
        rows = [(now + i, f"order {i} took={i * 7919 % 5003}ms") for i in range(3000)]
        self.assertEqual(server.push({(("app", "shop"),): rows}).status, 204)
        segments = list((self.data / "objects").glob("*.seg"))
        self.assertEqual(len(segments), 1)
        shown = self.run_cordwood("inspect", segments[0])
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(b"level 0, tenant fake, 1 stream\n", shown.stdout)
        self.assertIn(b"3,000 rows", shown.stdout)
        document = json.loads(self.run_cordwood("inspect", segments[0], "--json").stdout)
        self.assertEqual(document["storedBytes"], os.path.getsize(segments[0]))
        self.assertEqual(sum(p["bytes"] for p in document["parts"]), document["storedBytes"])
        self.assertEqual(document["rawBytes"], sum(len(line) for _, line in rows))

    def test_columns_and_templates(self):
        document = json.loads(self.run_cordwood(
            "inspect", COLUMNS, "--json", "--columns", "0", "--templates", "0").stdout)
        chunks = document["chunks"]["COLUMNS"]
        self.assertEqual(sum(p["bytes"] for p in document["parts"]), os.path.getsize(COLUMNS))
        self.assertEqual(sum(c["storedBytes"] for c in document["columns"]), chunks["columns"])
        self.assertEqual(len(document["columns"]), document["columnCount"])
        few = self.run_cordwood("inspect", COLUMNS, "--columns", "1", "--templates", "1")
        self.assertEqual(few.returncode, 0, few.stderr)
        self.assertIn(b"--columns 0 prints all", few.stdout)
        self.assertIn(b"--templates 0 prints all", few.stdout)

    def test_what_is_no_segment_is_one_error(self):
        damaged = self.folder / "damaged.seg"
        bytes_ = bytearray(COLUMNS.read_bytes())
        bytes_[len(bytes_) // 2] ^= 1
        damaged.write_bytes(bytes_)
        foreign = self.folder / "foreign.seg"
        foreign.write_text("no segment at all, but long enough for one\n")
        empty = self.folder / "empty.seg"
        empty.touch()
        for path, told in [(damaged, "checksum (at byte "),
                           (foreign, "no segment: its end has another mark (at byte 35)"),
                           (empty, "object is cut short (at byte 0)"),
                           (self.folder / "absent.seg", "No such file or directory"),
                           (self.folder, "not a file")]:
            failed = self.run_cordwood("inspect", path)
            self.assertEqual((failed.returncode, failed.stdout), (2, b""))
            self.assertIn(f"cordwood: {path}: ".encode(), failed.stderr)
            self.assertIn(told.encode(), failed.stderr)
            self.assertEqual(failed.stderr.count(b"\n"), 1, failed.stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
