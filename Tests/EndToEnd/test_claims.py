"""What a change of agent.yaml does to files that are known: nothing is shipped twice, nothing is called lost."""
import gzip
import json
import os
import signal
import subprocess
import time
import unittest

from harness import PATIENCE, EndToEndCase, wait_until

DAY = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))


class Claims(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.shipped = self.folder / "shipped.jsonl"
        self.config = self.folder / "agent.yaml"

    def sourced(self, *sources, more=""):
        """Sources as (label, pattern), shipped into a file: it takes whatever it is given."""
        self.config.write_text(
            f"outputs: [{{ kind: file, path: '{self.shipped}' }}]\nstate: {self.folder}/state\nzone: UTC\n{more}sources:\n"
            + "".join(f"  - paths: ['{self.logs}/{pattern}']\n    labels: {{ source: {name} }}\n" for name, pattern in sources))
        return self.config

    def lines(self, numbers):
        return "".join(f"{DAY} 12:00:{i // 1000:02}.{i % 1000:03} [main] INFO  a.B - line {i}\n" for i in numbers)

    def arrived(self):
        if not self.shipped.exists():
            return []
        return sorted((entry["labels"]["source"], int(entry["line"].rsplit(" ", 1)[1]))
                      for entry in map(json.loads, self.shipped.read_text().splitlines()))

    def run_until(self, *wanted, name="agent", under=()):
        """An agent runs until the lines (source, numbers) are there, and no others."""
        wanted = sorted((source, i) for source, numbers in wanted for i in numbers)
        agent = self.agent("--config", self.config, name=name, under=under)
        wait_until(lambda: len(self.arrived()) >= len(wanted), PATIENCE, f"{len(wanted)} lines")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.arrived(), wanted)

    def test_a_source_in_front_takes_no_packed_file_once_more(self):
        for at in (1, 2, 3):
            with gzip.open(self.logs / f"biz.log.{at}.gz", "wt") as f:
                f.write(self.lines(range(100 * at, 100 * at + 100)))
            os.utime(self.logs / f"biz.log.{at}.gz", (time.time() - 60, time.time() - 60))
        self.sourced(("all", "*.gz"))
        self.run_until(("all", range(100, 400)))
        # The youngest roll is judged last: what would come twice stands in front of it.
        with gzip.open(self.logs / "biz.log.0.gz", "wt") as f:
            f.write(self.lines(range(400, 410)))
        self.sourced(("biz", "biz.log*"), ("all", "*.gz"))
        self.run_until(("all", range(100, 400)), ("biz", range(400, 410)), name="second")

    def test_what_two_sources_name_is_the_first_ones(self):
        """Whichever of them comes to a file first: here there are more files than descriptors."""
        for at in range(30):
            (self.logs / f"app-{at}.log").write_text(self.lines([at]))
            (self.logs / f"biz-{at}.log").write_text(self.lines([100 + at]))
        self.sourced(("app", "app-*.log"), ("all", "*.log"))
        self.run_until(("app", range(30)), ("all", range(100, 130)), under=("prlimit", "--nofile=70"))

    def test_a_name_that_is_excluded_wherever_it_stands(self):
        for folder in (self.logs, self.logs / "2026"):
            folder.mkdir(exist_ok=True)
            (folder / "gc.log").write_text(self.lines([1]))
        (self.logs / "app.log").write_text(self.lines([2]))
        (self.logs / "2026" / "app.log").write_text(self.lines([3]))
        self.sourced(("app", "**/*.log"))
        self.config.write_text(self.config.read_text() + "    exclude: ['gc*.log']\n")
        self.run_until(("app", [2, 3]))

    def test_a_source_that_is_gone_and_its_packed_roll(self):
        """Nobody asks for it any more: it rests, whatever became of its file, until somebody does. Only names tell the two apart."""
        for name in ("app", "biz"):
            (self.logs / f"{name}.log").write_text(self.lines(range(50)))
        self.sourced(("app", "app.log"), ("biz", "biz.log"))
        self.run_until(("app", range(50)), ("biz", range(50)))
        for name in ("app", "biz"):
            with open(self.logs / f"{name}.log", "a") as f:
                f.write(self.lines(range(50, 60)))
            with gzip.open(self.logs / f"{name}.log.1.gz", "wt") as f:
                f.write((self.logs / f"{name}.log").read_text())
            (self.logs / f"{name}.log").unlink()
        self.sourced(("app", "app.log"), more="search_seconds: 1\n")
        agent = self.agent("--config", self.config, name="second")
        left = lambda: '"isLeft":true' in "".join(p.read_text() for p in (self.folder / "state").glob("sources.*"))
        wait_until(lambda: len(self.arrived()) >= 110 and left(), PATIENCE, "the rest of app, and biz left")
        self.assertEqual(agent.stop(), 0)
        self.assertNotIn("gone before", agent.told())
        self.assertEqual(self.arrived(), [("app", i) for i in range(60)] + [("biz", i) for i in range(50)])
        self.sourced(("app", "app.log"), ("biz", "biz.log"))
        self.run_until(("app", range(60)), ("biz", range(60)), name="third")

    def test_releases_behind_a_link(self):
        """`current` leads to the latest; an instance of the one before goes on writing until it is drained."""
        def release(number):
            folder = self.logs / str(number)
            folder.mkdir()
            (self.logs / "next").symlink_to(str(number))
            (self.logs / "next").rename(self.logs / "current")

        def write(number, numbers):
            with open(self.logs / str(number) / "app.log", "a") as f:
                f.write(self.lines(numbers))

        arrived = lambda numbers: wait_until(lambda: len(self.arrived()) >= len(numbers), PATIENCE, f"{len(numbers)} lines")
        release(0)
        write(0, range(10))
        self.sourced(("app", "current/app.log"))
        agent = self.agent("--config", self.config)
        arrived(range(10))
        for number in range(1, 5):
            release(number)
            write(number, range(10 * number, 10 * number + 10))
            arrived(range(10 * number + 10))
        # Longer than a renamed file is waited for.
        time.sleep(7)
        write(3, range(50, 60))
        write(4, range(60, 70))
        arrived(range(70))
        self.assertEqual(agent.stop(), 0)
        # And while nobody looks, with a roll in the release before.
        write(4, range(70, 80))
        (self.logs / "4" / "app.log").rename(self.logs / "4" / "app.log.1")
        write(4, range(80, 90))
        release(5)
        write(5, range(90, 100))
        agent = self.agent("--config", self.config, name="second")
        found = lambda: [i for _, i in self.arrived()]
        wait_until(lambda: len(found()) >= 100, PATIENCE, "the releases before and behind")
        # It rolls on while it is drained.
        for at in (100, 110):
            (self.logs / "4" / "app.log").rename(self.logs / "4" / f"app.log.{at}")
            write(4, range(at, at + 10))
            wait_until(lambda: len(found()) >= at + 10, PATIENCE, "a roll of the release before")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(found(), [*range(120)])

    def test_what_is_lost_behind_a_link_is_told(self):
        """A roll in the release that is drained says nothing of the file of the one that is live."""
        for number in (0, 1):
            (self.logs / str(number)).mkdir()
            (self.logs / str(number) / "app.log").write_text(self.lines([number]))
        (self.logs / "current").symlink_to("0")
        self.sourced(("app", "current/app.log"), more="search_seconds: 2\n")
        agent = self.agent("--config", self.config)
        arrived = lambda count: wait_until(lambda: len(self.arrived()) >= count, PATIENCE, f"{count} lines")
        arrived(1)
        (self.logs / "next").symlink_to("1")
        (self.logs / "next").rename(self.logs / "current")
        arrived(2)
        (self.logs / "0" / "app.log").rename(self.logs / "0" / "app.log.1")
        (self.logs / "0" / "app.log").write_text(self.lines([2]))
        arrived(3)
        self.assertEqual(agent.stop(), 0)
        with open(self.logs / "1" / "app.log", "a") as f:
            f.write(self.lines(range(3, 50)))
        (self.logs / "1" / "app.log").unlink()
        self.agent("--config", self.config, name="second")
        ledger = self.folder / "state" / "ledger.jsonl"
        lost = lambda: [row for row in map(json.loads, ledger.read_text().splitlines()) if row["what"] == "lost"] if ledger.exists() else []
        wait_until(lambda: lost(), PATIENCE, "what was lost")
        self.assertEqual([row["from"] for row in lost()], [len(self.lines([1]))])

    def test_links_of_several_names_into_one_folder(self):
        """Each goes on with the rolls of its own file when all are switched."""
        for number in (0, 1):
            (self.folder / str(number)).mkdir()

        def write(number, *numbers):
            for name, i in zip(("app", "audit"), numbers):
                with open(self.folder / str(number) / f"{name}.log", "a") as f:
                    f.write(self.lines([i]))

        def switch(number):
            for name, link in (("app", "web"), ("audit", "sec")):
                (self.logs / "next").symlink_to(f"../{number}/{name}.log")
                (self.logs / "next").rename(self.logs / f"{link}.log")

        write(0, 0, 1)
        switch(0)
        self.sourced(("app", "*.log"))
        agent = self.agent("--config", self.config)
        arrived = lambda count: wait_until(lambda: len(self.arrived()) >= count, PATIENCE, f"{count} lines")
        arrived(2)
        time.sleep(2)
        write(1, 2, 3)
        switch(1)
        arrived(4)
        time.sleep(1)
        write(0, 4, 5)
        for name in ("app", "audit"):
            (self.folder / "0" / f"{name}.log").rename(self.folder / "0" / f"{name}.1.log")
        write(0, 6, 7)
        arrived(8)
        self.assertEqual([i for _, i in self.arrived()], list(range(8)))
        self.assertEqual(agent.stop(), 0)

    def test_a_reload_while_a_release_is_drained(self):
        """What was read of the release before is known, and what it still writes is found."""
        for number in (0, 1):
            (self.logs / str(number)).mkdir()
        (self.logs / "current").symlink_to("0")
        old, new = (self.logs / str(number) / "app.log" for number in (0, 1))

        def write(log, numbers):
            with open(log, "a") as f:
                f.write(self.lines(numbers))
            wait_until(lambda: len(self.arrived()) > numbers[-1], PATIENCE, f"{numbers[-1] + 1} lines")

        write_only = lambda log, numbers: log.write_text(self.lines(numbers))
        write_only(old, range(10))
        self.sourced(("app", "current/app.log"))
        agent = self.agent("--config", self.config)
        wait_until(lambda: len(self.arrived()) >= 10, PATIENCE, "the first lines")
        (self.logs / "next").symlink_to("1")
        (self.logs / "next").rename(self.logs / "current")
        write(new, range(10, 20))
        write(old, range(20, 30))
        for at in (30, 50):
            agent.process.send_signal(signal.SIGHUP)
            wait_until(lambda: agent.told().count("read again") == at // 25, PATIENCE, "a reload")
            # Longer than a renamed file is waited for.
            time.sleep(6)
            write(old, range(at, at + 10))
            write(new, range(at + 10, at + 20))
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.arrived(), [("app", i) for i in range(70)])

    def test_rolls_under_a_link_that_stays(self):
        """`logs` leads to another disk, as it mostly does: rolls are followed and found as anywhere."""
        (self.logs / "real").mkdir()
        (self.logs / "link").symlink_to("real")
        log = self.logs / "real" / "app.log"

        def write(numbers):
            with open(log, "a") as f:
                f.write(self.lines(numbers))

        def roll():
            for at in range(8, 0, -1):
                old = log.with_name(f"app.log.{at}")
                if old.exists():
                    old.rename(log.with_name(f"app.log.{at + 1}"))
            log.rename(log.with_name("app.log.1"))

        write(range(10))
        self.sourced(("app", "link/app.log"))
        self.run_until(("app", range(10)))
        # Three rolls while nobody looks, then two that are seen.
        for at in range(10, 40, 10):
            write(range(at, at + 5))
            roll()
            write(range(at + 5, at + 10))
        agent = self.agent("--config", self.config, name="second")
        wait_until(lambda: len(self.arrived()) >= 40, PATIENCE, "what was rolled meanwhile")
        for at in (40, 50):
            write(range(at, at + 5))
            roll()
            write(range(at + 5, at + 10))
            wait_until(lambda: len(self.arrived()) >= at + 10, PATIENCE, "what is rolled")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.arrived(), [("app", i) for i in range(60)])
        self.assertNotIn("gone before", agent.told())

    def test_a_roll_beside_what_a_link_leads_to_is_packed_just_now(self):
        """It is judged when its writer is done, not when everything is looked at the next time."""
        (self.folder / "real").mkdir()
        real = self.folder / "real" / "app.log"
        real.write_text(self.lines(range(10)))
        (self.logs / "x.log").symlink_to(real)
        self.sourced(("app", "*.log"), more="search_seconds: 6\n")
        self.run_until(("app", range(10)))
        with open(real, "a") as f:
            f.write(self.lines(range(10, 20)))
        real.rename(real.with_name("app.log.1"))
        real.write_text(self.lines(range(20, 30)))
        subprocess.run(["gzip", real.with_name("app.log.1")], check=True)
        self.run_until(("app", range(30)), name="second")

    def test_a_packed_roll_behind_a_link(self):
        for number in (0, 1):
            (self.logs / str(number)).mkdir()
        (self.logs / "current").symlink_to("0")
        log = self.logs / "0" / "app.log"
        log.write_text(self.lines(range(50)))
        self.sourced(("app", "current/app.log"))
        self.run_until(("app", range(50)))
        with open(log, "a") as f:
            f.write(self.lines(range(50, 100)))
        subprocess.run(["gzip", log], check=True)
        log.with_suffix(".log.gz").rename(log.with_suffix(".log.1.gz"))
        (self.logs / "next").symlink_to("1")
        (self.logs / "next").rename(self.logs / "current")
        (self.logs / "1" / "app.log").write_text(self.lines(range(100, 110)))
        self.run_until(("app", range(110)), name="second")


if __name__ == "__main__":
    unittest.main()
