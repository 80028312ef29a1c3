"""Real Loki's recorded answers, asked of the real binary over HTTP."""
import json
import re
import subprocess
import sys
import unittest

from harness import PATIENCE, ROOT, EndToEndCase, metrics, wait_until

CONFORMANCE = ROOT / "Tests/Conformance"
# The settings with which Loki's answers were recorded.
CONFIG = """
limits_config:
  discover_service_name: []
  discover_log_levels: false
  reject_old_samples: false
  max_query_series: 100000
"""


class Conformance(EndToEndCase):
    def test_answers_like_loki(self):
        """First from the text of level 0, then from the columns that compaction has made of it."""
        server = self.serve(config=CONFIG)
        self.check(server, "--push", CONFORMANCE / "dataset.jsonl.gz")
        server.kill()
        server = self.serve(config=CONFIG + "storage:\n  compact_after: 0s\n")
        level = lambda levels: re.search(rf'^cordwood_segments\{{level="[{levels}]"\}} [1-9]', metrics(server.port), re.M)
        wait_until(lambda: level("12") and not level("0"), PATIENCE, "the end of compaction")
        self.check(server)

    def check(self, server, *arguments):
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        run = subprocess.run(
            [sys.executable, CONFORMANCE / "check.py", "--base", f"http://127.0.0.1:{server.port}",
             "--queries", CONFORMANCE / "queries.jsonl.gz", "--golden", CONFORMANCE / "golden.jsonl.gz",
             "--json", report, "--max-fail", "1", "--timeout", str(PATIENCE), *arguments],
            capture_output=True, text=True, timeout=10 * PATIENCE)
        print("\n" + run.stdout, flush=True)
        self.assertTrue(report.exists(), run.stderr)
        failed = {case["id"] for case in json.loads(report.read_text())["failures"]}
        listed = (CONFORMANCE / "known-differences.txt").read_text().splitlines()
        known = {line.split()[0] for line in listed if line.strip() and not line.startswith("#")}
        self.assertEqual(failed - known, set(), "cases that used to be answered like Loki")
        self.assertEqual(known - failed, set(), "cases that pass now: take them off known-differences.txt")
        self.assertIsNone(server.process.poll(), server.tail())


if __name__ == "__main__":
    unittest.main()
