"""What a file system or the kernel refuses: rolls to another disk, a full disk, no inotify."""
import collections
import os
import subprocess
import time
import unittest

import current_logback
from harness import PATIENCE, SECOND, EndToEndCase, free_port, metrics, wait_until
from logback_case import JARS, NUMBER, LogbackCase, bytes_of, compiled
from logback_scenarios import CURRENT, DAILY_PLAIN, FILE, TIME

# Each command changes a limit of its own user namespace, and becomes the one behind it.
LIMITED = ("unshare", "--user", "--map-root-user", "sh", "-c")
CAN_LIMIT = subprocess.run([*LIMITED, "echo 100 > /proc/sys/user/max_inotify_instances"], capture_output=True).returncode == 0


def mount_memory(case, folder, megabytes):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    case.addCleanup(subprocess.run, ["umount", "-l", folder], stderr=subprocess.DEVNULL)


@unittest.skipUnless(os.geteuid() == 0, "needs root: it mounts file systems")
class OtherDisk(LogbackCase):
    """There nothing can be renamed: current Logback copies the file, and deletes it. Up to 1.2 it never rolls."""
    scenarios = CURRENT

    def class_path(self):
        return compiled([*current_logback.jars(), *JARS[3:]])

    def make_logs(self):
        self.logs.mkdir()
        mount_memory(self, self.logs / "old", 64)

    def rolls_to(self, name):
        self.begin("size and time, plain", policy=FILE + TIME % (f"old/app-%d{{{{yyyy-MM-dd}}}}.%i.{name}", ""),
                   source={"paths": [f"{self.folder}/logs/*.log", f"{self.folder}/logs/old/*.log"]})
        self.expect_once("rolls to another disk")
        self.assertGreater(len(list((self.logs / "old").iterdir())), 10)

    def test_plain(self):
        self.rolls_to("log")

    def test_packed(self):
        self.rolls_to("log.gz")


@unittest.skipUnless(os.geteuid() == 0, "needs root: it mounts file systems")
class FullDisk(LogbackCase):
    def test_the_disk_of_the_application_is_full_for_a_while(self):
        """Logback drops events and leaves half a line. What stands in the files arrives, each line once."""
        def make_logs():
            mount_memory(self, self.logs, 28)
            (self.logs / "ballast").write_bytes(bytes(24 << 20))
        self.make_logs = make_logs
        self.begin("size and time, plain", events=100_000, policy=DAILY_PLAIN)

        def is_full():
            free = os.statvfs(self.logs)
            return free.f_bavail == 0
        wait_until(is_full, PATIENCE, "the disk to be full")
        time.sleep(1)  # the disturbance that the test is about
        (self.logs / "ballast").unlink()
        self.application.finish(PATIENCE)
        # Half lines, which another event stands behind, have the numbers of both.
        files = [bytes_of(path).decode("utf-8", "replace") for path in self.files() if path.name.startswith("app")]
        written = collections.Counter(int(n) for text in files for n in NUMBER.findall(text))
        self.assertLess(len(written), 100_000, "the disk was never full")
        arrived = lambda: sum(self.arrived()[0].values())
        wait_until(lambda: arrived() >= written.total(), PATIENCE, "all lines")
        self.assertEqual(self.arrived()[0], written)
        self.assertEqual(self.follower.stop(), 0)


@unittest.skipUnless(CAN_LIMIT, "needs user namespaces, which this kernel refuses")
class WithoutNews(EndToEndCase):
    """A kernel that tells nothing of folders, or of some: they are swept, and it is said."""

    def follow_under(self, limit):
        logs = self.folder / "logs"
        server, telling = self.serve(), free_port()
        for name in ("a", "b", "c"):
            (logs / name).mkdir(parents=True)
        self.written = 0

        def write(path, count):
            stamp = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ")
            with open(path, "a") as f:
                f.write("".join(f"{stamp}{self.written + i}\n" for i in range(count)))
            self.written += count

        def expect_all():
            count = lambda: server.count('{app="x"}', time.time_ns() + SECOND)
            wait_until(lambda: count() == self.written, PATIENCE, f"{self.written} lines")
        write(logs / "a/app.log", 100)
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--state", self.folder / "state",
                           "--label", "app=x", "--metrics-listen", f"127.0.0.1:{telling}", f"{logs}/*/*.log",
                           under=(*LIMITED, f'echo {limit}; exec "$@"', "sh"))
        expect_all()
        for path in (logs / "a/app.log", logs / "b/app.log", logs / "c/app.log"):
            write(path, 50)
        expect_all()
        os.rename(logs / "b/app.log", logs / "b/app.log.1")
        write(logs / "b/app.log.1", 10)
        write(logs / "b/app.log", 10)
        expect_all()
        (logs / "d").mkdir()
        write(logs / "d/app.log", 10)
        expect_all()
        status = self.agent_status("--state", self.folder / "state")
        page = metrics(telling)
        self.assertEqual(agent.stop(), 0)
        return status, page, agent.told()

    def test_no_folder_is_watched(self):
        status, page, told = self.follow_under("0 > /proc/sys/user/max_inotify_instances")
        self.assertGreater(status["unwatchedFolders"], 0)
        self.assertRegex(page, r"(?m)^cordwood_agent_watched_folders 0$")
        self.assertIn("inotify", told)

    def test_some_folders_are_watched(self):
        status, page, told = self.follow_under("2 > /proc/sys/user/max_inotify_watches")
        self.assertGreater(status["unwatchedFolders"], 0)
        self.assertRegex(page, r"(?m)^cordwood_agent_watched_folders [12]$")
        self.assertIn("inotify", told)


if __name__ == "__main__":
    unittest.main()
