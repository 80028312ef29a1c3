"""Kill -9 under load, power cuts and a full disk: what was acknowledged is there, once."""
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import PATIENCE, EndToEndCase, SECOND, Worker, free_port, wait_until

KILLS = int(os.environ.get("CORDWOOD_KILLS", "50"))
POWER_CUTS = int(os.environ.get("CORDWOOD_POWER_CUTS", "20"))
SELECTOR = '{job="crash"}'


class Writer:
    """Pushes numbered lines and remembers which pushes were acknowledged. A push whose reply was
    lost is sent again unchanged, as any client does."""

    def __init__(self, start):
        self.start, self.next = start, 0
        self.sent, self.acknowledged = {}, set()
        self.stop = threading.Event()
        self.lock = threading.Lock()

    def batch(self, random_source):
        with self.lock:
            first = self.next
            self.next += random_source.randint(1, 400)
            numbers = range(first, self.next)
        rows = [(self.start + n * 1000, f"seq={n} " + "x" * random_source.randint(0, 200)) for n in numbers]
        with self.lock:
            self.sent.update({n: row for n, row in zip(numbers, rows)})
        return numbers, rows

    def run(self, server_of, seed):
        source = random.Random(seed)
        while not self.stop.is_set():
            numbers, rows = self.batch(source)
            while not self.stop.is_set():
                try:
                    answer = server_of().push({(("job", "crash"), ("writer", str(seed))): rows})
                except OSError:
                    time.sleep(0.01)
                    continue
                except Exception:  # a reply cut in half by the kill
                    time.sleep(0.01)
                    continue
                if answer.status == 204:
                    with self.lock:
                        self.acknowledged.update(numbers)
                    break
                assert answer.status in (429, 500, 503, 507), answer.text

    def check(self, case, server, acknowledged):
        found = {}
        for _, at, line in server.lines(SELECTOR, self.start, self.start + 3600 * SECOND):
            number = int(line.split()[0][4:])
            case.assertNotIn(number, found, "a line is there twice")
            case.assertIn(number, self.sent, "a line was invented")
            case.assertEqual((at, line), self.sent[number], "a line was changed")
            found[number] = at
        missing = acknowledged - found.keys()
        case.assertEqual(len(missing), 0, f"acknowledged lines lost, e.g. {sorted(missing)[:5]}")
        return len(found)


class Kills(EndToEndCase):
    def test_killed_at_random_under_load(self):
        seed = random.randrange(1 << 32)
        print(f"\nkills: seed {seed}", flush=True)
        source, port = random.Random(seed), free_port()
        server = self.serve(port=port)
        writer = Writer(time.time_ns() - 600 * SECOND)
        current = lambda: server
        workers = [Worker(lambda s=s: writer.run(current, s)) for s in range(3)]
        for _ in range(KILLS):
            time.sleep(source.uniform(0.02, 0.4))  # the random moment is the point of the test
            server.kill()
            server = self.serve(port=port)
        # However little time there was between them.
        wait_until(lambda: len(writer.acknowledged) > 1000, PATIENCE, "acknowledged lines")
        writer.stop.set()
        for worker in workers:
            worker.finish()
        total = writer.check(self, server, set(writer.acknowledged))
        print(f"kills: {KILLS} kills, {len(writer.acknowledged)} acknowledged, {total} found", flush=True)
        self.assertEqual(server.stop(), 0)

    def test_a_second_server_on_the_same_folder_says_why_not(self):
        self.serve()
        second = self.run_cordwood("serve", "--data", self.data, "--listen", "127.0.0.1:0")
        self.assertEqual(second.returncode, 2)
        self.assertIn(str(self.data).encode(), second.stderr)
        self.assertRegex(second.stderr, rb"(?i)in use|lock|another")


@unittest.skipUnless(os.geteuid() == 0, "a power cut needs root: it mounts a disk image")
class PowerCuts(EndToEndCase):
    def mount(self, image, point, options="loop"):
        point.mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", options, image, point], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", point], stderr=subprocess.DEVNULL)

    def test_what_reached_the_disk_is_enough(self):
        seed = random.randrange(1 << 32)
        print(f"\npower cuts: seed {seed}", flush=True)
        source = random.Random(seed)
        found = 0
        for cut in range(POWER_CUTS):
            found += self.cut(cut, source)
        print(f"power cuts: {POWER_CUTS} cuts, {found} entries found", flush=True)

    def cut(self, number, source):
        disk, crash = self.folder / "disk.img", self.folder / "crash.img"
        live, after = self.folder / "live", self.folder / "after"
        with open(disk, "wb") as f:
            f.truncate(96 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
        # A long commit interval: only what is fsynced reaches the image by itself.
        self.mount(disk, live, "loop,commit=300")
        server = self.serve(data=live / "data", name=f"live-{number}")
        writer = Writer(time.time_ns() - 600 * SECOND)
        workers = [Worker(lambda s=s: writer.run(lambda: server, s)) for s in range(2)]
        wait_until(lambda: len(writer.acknowledged) > 200, PATIENCE, "the first acknowledged pushes")
        time.sleep(source.uniform(0.0, 0.6))  # the random moment is the point of the test
        os.kill(server.process.pid, signal.SIGSTOP)
        with writer.lock:
            acknowledged = set(writer.acknowledged)
        subprocess.run(["cp", "--sparse=always", disk, crash], check=True)
        writer.stop.set()
        server.kill()
        for worker in workers:
            worker.finish()
        subprocess.run(["umount", "-l", live], check=True)
        self.mount(crash, after)
        reborn = self.serve(data=after / "data", name=f"after-{number}")
        found = writer.check(self, reborn, acknowledged)
        reborn.stop()
        subprocess.run(["umount", "-l", after], check=True)
        return found


@unittest.skipUnless(os.geteuid() == 0, "a full disk needs root: it mounts a small file system")
class FullDisk(EndToEndCase):
    def test_refuses_reads_on_and_heals(self):
        disk = self.folder / "small"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], stderr=subprocess.DEVNULL)
        ballast = disk / "ballast"
        ballast.write_bytes(os.urandom(8 << 20))
        server = self.serve(data=disk / "data")
        start, number, acknowledged = time.time_ns() - 60 * SECOND, 0, []
        source = random.Random(7)

        def push():
            nonlocal number
            rows = [(start + (number + i) * 1000, f"seq={number + i} {source.randbytes(400).hex()}") for i in range(300)]
            answer = server.push({(("job", "crash"),): rows})
            if answer.status == 204:
                acknowledged.extend(range(number, number + 300))
                number += 300
            return answer

        while (answer := push()).status == 204:
            self.assertLess(number, 1_000_000, "the disk never filled")
        self.assertIn(answer.status, (503, 507), answer.text)
        self.assertIn("Retry-After", answer.headers)
        self.assertRegex(answer.text, "(?i)space|full")
        for _ in range(5):
            self.assertIn(push().status, (204, 503, 507))
        now = start + 3600 * SECOND
        self.assertEqual(server.count(SELECTOR, now), len(acknowledged), "reads go on")
        self.assertEqual(server.get("/ready").status in (200, 503), True)
        ballast.unlink()
        freed = time.monotonic()
        wait_until(lambda: push().status == 204, PATIENCE, "pushes to be taken again")
        print(f"\nfull disk: healed {time.monotonic() - freed:.1f} s after space returned", flush=True)
        found = [int(l.split()[0][4:]) for _, _, l in server.lines(SELECTOR, start, now)]
        self.assertEqual(sorted(found), sorted(acknowledged))
        self.assertEqual(server.stop(), 0)

    def test_an_agent_that_is_killed_knows_what_it_began_on_a_full_disk(self):
        disk, logs = self.folder / "small", self.folder / "logs"
        disk.mkdir()
        logs.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], stderr=subprocess.DEVNULL)
        server = self.serve()
        start = time.time_ns() - 60 * SECOND

        def write(name, numbers):
            (logs / name).write_text("".join(f"2026-11-21 10:00:00.000 [main] INFO  a.B - seq={i}\n" for i in numbers))

        def arrived():
            lines = server.lines('{job="crash"}', 1795200000 * SECOND, start)
            return sorted(int(line.rsplit("=", 1)[1]) for _, _, line in lines)

        arguments = ["--server", f"http://127.0.0.1:{server.port}", "--label", "job=crash",
                     "--state", disk / "state", f"{logs}/*.log"]
        write("a.log", range(10))
        agent = self.agent(*arguments)
        wait_until(lambda: len(arrived()) == 10, PATIENCE, "the first lines")
        with open(disk / "ballast", "wb", 0) as ballast:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    pass
        for number in range(40):
            write(f"b{number}.log", range(10 * number + 10, 10 * number + 20))
        wait_until(lambda: len(arrived()) == 410, PATIENCE, "lines of a time without room")
        agent.kill()
        (disk / "ballast").unlink()
        for number in range(40):
            subprocess.run(["gzip", "-S", ".1.gz", logs / f"b{number}.log"], check=True)
            write(f"b{number}.log", [1000 + number])
        self.agent(*arguments, name="again")
        # What was rolled comes first.
        wait_until(lambda: set(range(1000, 1040)) <= set(arrived()), PATIENCE, "lines behind the roll")
        self.assertEqual(arrived(), [*range(410), *range(1000, 1040)])


if __name__ == "__main__":
    unittest.main()
