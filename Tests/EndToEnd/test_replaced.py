"""Files whose name is given to a longer copy of them, as rsync does with what it fetches, while the agent follows them."""
import json
import os
import random
import shutil
import subprocess
import time
import unittest

from harness import PATIENCE, EndToEndCase, wait_until

DAY = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))


def line(i):
    return f"{DAY} 12:00:{i // 1000:02}.{i % 1000:03} [main] INFO  a.B - line {i}\n"


class Replaced(EndToEndCase):
    def setUp(self):
        super().setUp()
        for name in ("there", "logs"):
            (self.folder / name).mkdir()
        self.log = self.folder / "logs" / "app.log"
        self.source = self.folder / "there" / "app.log"
        self.shipped = self.folder / "shipped.jsonl"
        self.server = self.serve()
        self.config = self.folder / "agent.yaml"
        self.config.write_text(f"""outputs:
  - {{ name: ours, server: 'http://127.0.0.1:{self.server.port}' }}
  - {{ name: copy, kind: file, path: '{self.shipped}' }}
state: {self.folder}/state
zone: UTC
labels: {{ app: x }}
sources:
  - paths: ['{self.folder}/logs/*.log']
""")

    def write(self, text):
        with open(self.source, "a") as f:
            f.write(text)

    def fetch(self):
        subprocess.run(["rsync", "-t", self.source, self.log], check=True)

    def found(self, lines):
        return [int(text.rsplit(" ", 1)[1]) for text in lines]

    def expect(self, numbers):
        """Both outputs have these lines, and no others."""
        copy = lambda: [json.loads(row)["line"] for row in self.shipped.read_text().splitlines()] if self.shipped.exists() else []
        now = time.time_ns()
        ours = lambda: [text for _, _, text in self.server.lines('{app="x"}', now - 3 * 86_400 * 10**9, now)]
        wait_until(lambda: len(copy()) >= len(numbers) and len(ours()) >= len(numbers), PATIENCE, f"{len(numbers)} lines")
        self.assertEqual(sorted(self.found(copy())), sorted(numbers))
        self.assertEqual(sorted(self.found(ours())), sorted(numbers))

    def test_a_file_that_is_fetched_again_and_again(self):
        """Whatever rsync fetches of a live file ends within a line as often as not."""
        rng = random.Random(20261123)
        self.write("".join(map(line, range(3))))
        self.fetch()
        agent = self.agent("--config", self.config)
        self.expect(range(3))
        time.sleep(2)
        self.write("".join(map(line, range(3, 50))))
        self.fetch()
        self.expect(range(50))
        text, end = "".join(map(line, range(50, 1000))), 0
        while end < len(text):
            step = rng.randrange(1, 15_000)
            self.write(text[end:end + step])
            end += step
            self.fetch()
            time.sleep(rng.choice([0, 0.05, 0.5, 2.5]))
        self.expect(range(1000))
        self.assertEqual(agent.stop(), 0)
        # Nobody looks, and then it is followed on.
        self.write("".join(map(line, range(1000, 1100))))
        self.fetch()
        agent = self.agent("--config", self.config, name="second")
        self.expect(range(1100))
        self.write("".join(map(line, range(1100, 1200))))
        self.fetch()
        self.expect(range(1200))
        self.assertEqual(agent.stop(), 0)
        self.assertNotIn("gone before", agent.told())

    def rolled(self, names, paths):
        """What rolls where it comes from is fetched as a copy of what had another name here. `names`: those of the latest
        rolls, the oldest last."""
        self.config.write_text(self.config.read_text().replace("/logs/*.log", f"/logs/{paths}"))
        agent = self.agent("--config", self.config)
        end = 0

        def add(count):
            nonlocal end
            self.write("".join(map(line, range(end, end + count))))
            end += count

        def fetch(pause=1.5):
            subprocess.run(["rsync", "-a", f"{self.folder}/there/", f"{self.folder}/logs/"], check=True)
            time.sleep(pause)

        add(40)
        fetch()
        for turn in range(4):
            add(20)
            fetch()
            # With something in it that nobody has seen, and without.
            add(7 * (turn % 2))
            names(turn)
            add(10)
            fetch(turn)
            add(10)
            fetch()
        self.expect(range(end))
        self.assertEqual(agent.stop(), 0)
        self.assertNotIn("gone before", agent.told())

    def test_a_folder_with_dated_rolls(self):
        self.rolled(lambda turn: self.source.rename(self.source.with_name(f"app-2026-11-23.{turn}.log")), "*.log")

    def test_a_folder_with_numbered_rolls(self):
        def roll(turn):
            for at in range(turn, -1, -1):
                name = f"app.log.{at}" if at else "app.log"
                self.source.with_name(name).rename(self.source.with_name(f"app.log.{at + 1}"))
        self.rolled(roll, "app.log")

    def test_while_the_server_is_away(self):
        self.write("".join(map(line, range(50))))
        self.fetch()
        agent = self.agent("--config", self.config)
        self.expect(range(50))
        self.server.kill()
        for at in range(50, 550, 100):
            self.write("".join(map(line, range(at, at + 100))))
            self.fetch()
            time.sleep(1)
        agent.kill()
        self.server = self.serve(port=self.server.port)
        agent = self.agent("--config", self.config, name="second")
        self.write("".join(map(line, range(550, 600))))
        self.fetch()
        self.expect(range(600))
        self.assertEqual(agent.stop(), 0)

    def test_other_content_is_a_file_of_its_own(self):
        """An editor's copy lacks a line, an application begins anew, and one writes on to the file that has no name any more."""
        first = [line(i) for i in range(100)]
        self.log.write_text("".join(first))
        agent = self.agent("--config", self.config)
        self.expect(range(100))

        def replace(lines):
            (self.folder / "logs" / "next").write_text("".join(lines))
            os.rename(self.folder / "logs" / "next", self.log)

        replace(first[:50] + first[51:] + [line(100)])
        numbers = [*range(100), *range(50), *range(51, 101)]
        self.expect(numbers)
        replace([line(200)])
        self.expect(numbers := numbers + [200])
        with open(self.log, "a") as f:
            f.write("".join(line(i) for i in range(201, 240)))
            f.flush()
            self.expect(numbers := numbers + [*range(201, 240)])
            shutil.copy(self.log, self.folder / "logs" / "next")
            os.rename(self.folder / "logs" / "next", self.log)
            time.sleep(0.3)
            f.write(line(240))
        self.expect(numbers + [240, *range(200, 240)])
        self.assertEqual(agent.stop(), 0)

    def test_a_job_that_writes_much_the_same_every_day(self):
        """Its file begins and ends with what is always there, and goes when it is done."""
        head = "".join(f"** Nightly export, rule {i:02} {'*' * 50}\n" for i in range(20))
        tail = "".join(f"    summary: partition {i} was checked, no difference {'.' * 40}\n" for i in range(6))
        agent = self.agent("--config", self.config)
        whole = lambda: [json.loads(row)["line"] for row in self.shipped.read_text().splitlines()] if self.shipped.exists() else []
        for day in range(3):
            (self.folder / "next").write_text(head + "".join(line(day * 30 + i) for i in range(30)) + tail)
            os.rename(self.folder / "next", self.log)
            numbered = lambda: [text for text in whole() if " line " in text]
            wait_until(lambda: len(numbered()) >= 30 * (day + 1), PATIENCE, f"day {day}")
            time.sleep(2)
            self.log.unlink()
            time.sleep(2)
        self.assertEqual(self.found(text.splitlines()[0] for text in numbered()), list(range(90)))
        self.assertEqual(agent.stop(), 0)

    def test_a_roll_that_is_fetched_long_before_its_file(self):
        self.write("".join(map(line, range(100))))
        self.fetch()
        agent = self.agent("--config", self.config)
        self.expect(range(100))
        self.write("".join(map(line, range(100, 150))))
        subprocess.run(["rsync", "-t", self.source, self.log.with_name("app.1.log")], check=True)
        # As long as other files take.
        time.sleep(5)
        self.source.write_text("".join(map(line, range(150, 200))))
        self.fetch()
        self.expect(range(200))
        self.assertEqual(agent.stop(), 0)

    def test_what_is_lost_of_one_that_came_again_is_told(self):
        self.config.write_text("search_seconds: 2\n" + self.config.read_text())
        self.write("".join(map(line, range(100))))
        self.fetch()
        agent = self.agent("--config", self.config)
        self.expect(range(100))
        self.log.unlink()
        time.sleep(4)
        self.write("".join(map(line, range(100, 150))))
        self.fetch()
        self.expect(range(150))
        with open(self.log, "a") as f:
            f.write("".join(map(line, range(150, 200))))
        self.expect(range(200))
        time.sleep(1)
        self.assertEqual(agent.stop(), 0)
        with open(self.log, "a") as f:
            f.write("".join(map(line, range(200, 300))))
        self.log.unlink()
        self.agent("--config", self.config, name="second")
        ledger = self.folder / "state" / "ledger.jsonl"
        lost = lambda: [row for row in map(json.loads, ledger.read_text().splitlines()) if row["what"] == "lost"] if ledger.exists() else []
        wait_until(lambda: lost(), PATIENCE, "what was lost")
        self.assertEqual([row["from"] for row in lost()], [sum(len(line(i)) for i in range(200))])


if __name__ == "__main__":
    unittest.main()
