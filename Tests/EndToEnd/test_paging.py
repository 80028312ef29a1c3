"""`query --limit 0`: every entry once, whatever shares its time and whatever the server allows."""
import collections
import time

from harness import SECOND, EndToEndCase


class Paging(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.now = time.time_ns() // SECOND * SECOND

    def all_lines(self, server, *arguments):
        run = self.run_cordwood("query", "--server", f"http://127.0.0.1:{server.port}",
                                '{app="tie"}', "--limit", "0", "-o", "raw", "--since", "1h", *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return collections.Counter(run.stdout.decode().splitlines())

    def test_streams_that_share_times_are_neither_repeated_nor_lost(self):
        server = self.serve()
        streams = {(("app", "tie"), ("host", str(host))): [
            (self.now - (1 + i // 300) * SECOND, f"host {host} line {i}") for i in range(1500)]
            for host in range(3)}
        self.assertEqual(server.push(streams).status, 204)
        expected = collections.Counter(line for rows in streams.values() for _, line in rows)
        for direction in ([], ["--forward"]):
            self.assertEqual(self.all_lines(server, *direction), expected, direction)

    def test_equal_lines_of_different_entries_are_all_printed(self):
        server = self.serve()
        rows = [(self.now - SECOND, f"{i} twin") for i in range(1500)]
        self.assertEqual(server.push({(("app", "tie"),): rows}).status, 204)
        run = self.run_cordwood("query", "--server", f"http://127.0.0.1:{server.port}",
                                '{app="tie"} | line_format "twin"', "--limit", "0", "-o", "raw", "--since", "1h")
        self.assertEqual(run.stdout.splitlines(), [b"twin"] * 1500)

    def test_pages_grow_to_what_the_server_allows(self):
        server = self.serve()
        rows = [(self.now - SECOND, f"line {i}") for i in range(4900)] + [(self.now, "last")]
        self.assertEqual(server.push({(("app", "tie"),): rows}).status, 204)
        expected = collections.Counter(line for _, line in rows)
        for direction in ([], ["--forward"]):
            self.assertEqual(self.all_lines(server, *direction), expected, direction)

    def test_more_than_the_server_allows_at_one_time_is_an_error(self):
        server = self.serve()
        rows = [(self.now - SECOND, f"line {i}") for i in range(5100)]
        self.assertEqual(server.push({(("app", "tie"),): rows}).status, 204)
        run = self.run_cordwood("query", "--server", f"http://127.0.0.1:{server.port}",
                                '{app="tie"}', "--limit", "0", "--since", "1h")
        self.assertEqual(run.returncode, 2)
        self.assertIn(b"5000 entries or more share the time", run.stderr)

    def test_pages_shrink_to_what_the_server_allows(self):
        server = self.serve(config="limits_config: {max_entries_limit_per_query: 500}\n")
        rows = [(self.now - (5000 - i) * 1_000_000, f"line {i}") for i in range(2600)]
        self.assertEqual(server.push({(("app", "tie"),): rows}).status, 204)
        self.assertEqual(self.all_lines(server), collections.Counter(line for _, line in rows))
        run = self.run_cordwood("query", "--server", f"http://127.0.0.1:{server.port}",
                                '{app="tie"}', "--limit", "700", "-o", "raw", "--since", "1h")
        self.assertEqual(run.stdout.decode().splitlines(), [l for _, l in rows[:-701:-1]])


if __name__ == "__main__":
    import unittest
    unittest.main()
