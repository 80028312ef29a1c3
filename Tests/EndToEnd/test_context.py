"""Entries around matches: what grep -A, -B and -C give over the same lines."""
import json
import random
import subprocess
import time

from harness import SECOND, EndToEndCase

SEED = 20261121
MILLISECOND = 1_000_000


def lines(name, count):
    chance = random.Random(f"{SEED} {name}")
    return [f"{name} {i} {'MATCH ' if chance.random() < 0.03 else ''}{chance.randrange(10**6)}" for i in range(count)]


def grep(text, before, after):
    found = subprocess.run(
        ["grep", "-B", str(before), "-A", str(after), "MATCH"], input=text.encode(), capture_output=True, check=True)
    return found.stdout


class Context(EndToEndCase):
    def test_a_server_gives_what_grep_gives(self):
        print(f"seed: {SEED}")
        server, now = self.serve(), time.time_ns() // SECOND * SECOND
        mine, others = lines("mine", 3000), lines("other", 3000)
        # Two streams whose entries alternate, pushed in pieces out of order.
        pieces = list(range(0, 3000, 250))
        random.Random(SEED).shuffle(pieces)
        for start in pieces:
            self.assertEqual(server.push({
                (("app", "shop"), ("host", host)):
                    [(now - (3000 - i) * MILLISECOND + shift, rows[i]) for i in range(start, start + 250)]
                for host, rows, shift in (("mine", mine, 0), ("other", others, 500))}).status, 204)
        text = "\n".join(mine) + "\n"
        for before, after in ((0, 1), (2, 0), (3, 3), (40, 60)):
            found = self.run_cordwood(
                "query", "--server", f"http://127.0.0.1:{server.port}", '{host="mine"} |= "MATCH"', "--since", "1h",
                "--limit", "1000", "--forward", "-o", "raw", "-B", str(before), "-A", str(after))
            self.assertEqual(found.returncode, 0, found.stderr)
            self.assertEqual(found.stdout, grep(text, before, after), (before, after))
        # Context stays inside a stream, whichever streams match.
        both = self.run_cordwood(
            "query", "--server", f"http://127.0.0.1:{server.port}", '{app="shop"} |= "MATCH"', "--since", "1h",
            "--limit", "1000", "-C", "2", "-o", "jsonl")
        groups = {}
        for row in map(json.loads, both.stdout.splitlines()):
            groups.setdefault(row["labels"]["__group__"], []).append(row)
        self.assertGreater(len(groups), 50)
        for group in groups.values():
            self.assertEqual(len({row["labels"]["host"] for row in group}), 1)
            numbers = [int(row["line"].split()[1]) for row in group]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] - len(numbers), -1)))
            self.assertTrue(any("__match__" in row["labels"] for row in group))

    def test_files_and_wrong_input(self):
        path = self.folder / "app.log"
        text = "\n".join(f"2026-11-21T10:00:00.{i:03d} INFO {line}" for i, line in enumerate(lines("file", 900))) + "\n"
        path.write_text(text)
        found = self.run_cordwood(
            "query", "--file", str(path), '|= "MATCH"', "--limit", "0", "--forward", "-o", "raw", "-C", "3")
        self.assertEqual(found.stdout, grep(text, 3, 3))
        server = self.serve()
        url = f"http://127.0.0.1:{server.port}"
        for arguments, told in (
                (("-C", "1001"), b"max_context_entries"), (("-B=-1",), b"-B -1"),
                (("-A", "1", "--limit", "0"), b"--limit 1000")):
            answer = self.run_cordwood("query", "--server", url, '{app="shop"}', "--since", "1h", *arguments)
            self.assertEqual(answer.returncode, 2)
            self.assertIn(told, answer.stderr)
