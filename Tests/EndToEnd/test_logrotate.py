"""Real logrotate turns the files of a writer that goes on, as a daemon does."""
import shutil
import subprocess
import threading
import time
import unittest

from harness import PATIENCE, SECOND, EndToEndCase, Worker, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))
LOGROTATE = shutil.which("logrotate") or "/usr/sbin/logrotate"


@unittest.skipUnless(shutil.which(LOGROTATE), "needs logrotate, which Tests/run installs")
class Logrotate(EndToEndCase):
    def turn(self, options):
        """Writes while logrotate turns the file ten times; the numbers that were written."""
        logs = self.folder / "logs"
        logs.mkdir()
        log = logs / "app.log"
        server = self.serve()
        self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x", "--state", self.folder / "state",
                   f"{logs}/*.log")
        log.touch()
        config = self.folder / "logrotate.conf"
        config.write_text(f"{log} {{\n su root root\n size 1\n rotate 20\n missingok\n {options}\n}}\n")
        config.chmod(0o644)
        logs.chmod(0o755)
        stop, turned, written = threading.Event(), threading.Event(), []

        def write():
            out = open(log, "a")
            number = 0
            while not stop.is_set():
                for _ in range(100):
                    out.write(f"{STAMP}{number}\n")
                    number += 1
                out.flush()
                # logrotate copies and truncates in two steps: what is written between them is lost by it.
                # This writer stands still meanwhile, so that all loss is the agent's.
                if turned.is_set():
                    if "copytruncate" not in options:
                        out.close()
                    subprocess.run([LOGROTATE, "-f", "-s", self.folder / "lr.state", config], check=True)
                    if "copytruncate" not in options:
                        out = open(log, "a")
                    turned.clear()
                time.sleep(0.01)
            out.close()
            written.append(number)

        writer = Worker(write)
        for _ in range(10):
            time.sleep(0.15)
            turned.set()
            wait_until(lambda: not turned.is_set(), PATIENCE, "logrotate")
        stop.set()
        writer.finish()
        count = lambda: server.count('{app="x"}', time.time_ns() + SECOND)
        wait_until(lambda: count() >= written[0], PATIENCE, f"{written[0]} lines")
        found = sorted(int(line.rsplit(" ", 1)[1]) for _, _, line in
                       server.lines('{app="x"}', time.time_ns() - 86_400 * SECOND, time.time_ns() + SECOND))
        print(f"\nlogrotate {options.split()}: {written[0]} written, {len(found)} entries", flush=True)
        self.assertEqual(found, list(range(written[0])))

    def test_create(self):
        self.turn("create")

    def test_create_and_compress(self):
        self.turn("create\n compress\n delaycompress")

    def test_copytruncate(self):
        self.turn("copytruncate")

    def test_copytruncate_and_compress(self):
        self.turn("copytruncate\n compress")


if __name__ == "__main__":
    unittest.main()
