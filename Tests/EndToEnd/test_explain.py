"""`cordwood query --explain`: how an answer was found."""
import time

from harness import SECOND, EndToEndCase


class Explain(EndToEndCase):
    def setUp(self):
        super().setUp()
        # As it was written: no compaction meanwhile.
        self.server, self.now = self.serve(config="storage: {compact_after: 1h}\n"), time.time_ns()
        rows = [(self.now - 3 * SECOND + i, f"order {i} \x1b[2J") for i in range(100)]
        self.assertEqual(self.server.push({(("app", "shop"),): rows}).status, 204)

    def explain(self, *arguments):
        told = self.run_cordwood(
            "query", "--server", f"http://127.0.0.1:{self.server.port}", "--explain", *arguments)
        self.assertEqual(told.returncode, 0, told.stderr)
        return told.stdout.decode()

    def test_the_plan_takes_the_place_of_the_answer(self):
        told = self.explain('{app="shop"} |= "order 7" != "\x1b"', "--since", "1h")
        self.assertIn('scan {app="shop"}\n  wanted: lines\n  looked for: "order 7" and not ', told)
        self.assertIn("  segments\n    read: 1\n", told)
        self.assertIn("    lines as text (RAW), read: 1\n", told)
        self.assertNotIn("\x1b", told)
        self.assertNotIn("order 77", told)
        metric = self.explain('count_over_time({app="shop"} |= "order" [5m])', "--instant")
        self.assertIn("  wanted: times\n", metric)
        context = self.explain('{app="shop"} |= "order 7"', "-C", "1", "--limit", "1")
        self.assertEqual(context.count("scan {"), 2, context)

    def test_the_field_is_there_when_it_is_asked_for(self):
        bounds = (self.now - 3600 * SECOND, self.now + SECOND)
        data = self.server.range('{app="shop"}', *bounds).json["data"]
        self.assertNotIn("explain", data)
        data = self.server.range('{app="shop"} |= "order"', *bounds, explain="true").json["data"]
        scan, = data["explain"]["scans"]
        self.assertEqual(scan["segments"]["read"], 1)
        self.assertEqual(scan["rows"], 100)
        self.assertEqual(sum(len(s["values"]) for s in data["result"]), 100)
        answer = self.server.get("/loki/api/v1/query", query='count_over_time({app="shop"}[1h])',
                                 time=self.now + SECOND, explain="true")
        self.assertEqual(len(answer.json["data"]["explain"]["scans"]), 1)

    def test_files_are_read_from_front_to_back(self):
        log = self.folder / "app.log"
        log.write_text("2026-11-20 10:00:00.000 [main] INFO  a.B - start\n"
                       "2026-11-20 10:00:01.000 [main] ERROR a.B - failed\n")
        told = self.run_cordwood("query", "--file", log, '|= "ERROR"', "--explain")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn(b"files are read from front to back", told.stdout)
        self.assertIn(b'looked for: "ERROR"', told.stdout)
        self.assertNotIn(b"failed", told.stdout)


if __name__ == "__main__":
    import unittest
    unittest.main()
