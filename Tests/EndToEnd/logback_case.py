"""Real Logback writes numbered events, an agent follows, and each number must arrive once."""
import collections
import contextlib
import dataclasses
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import zipfile

from harness import PATIENCE, ROOT, SECOND, EndToEndCase, Worker, free_port, wait_until
from logback_scenarios import SCENARIOS

EVENTS = int(os.environ.get("CORDWOOD_LOGBACK_EVENTS", "60000"))
PER_SECOND = 6000
JARS = [pathlib.Path("/usr/share/java") / f"{jar}.jar" for jar in (
    "logback-classic", "logback-core", "slf4j-api", "janino", "commons-compiler", "logstash-logback-encoder",
    "jackson-core", "jackson-databind", "jackson-annotations")]
SOURCE = pathlib.Path(__file__).parent / "logback/EventSource.java"
LOGROTATE = shutil.which("logrotate") or "/usr/sbin/logrotate"
NUMBER = re.compile(r"seq=(\d+);")


def files_below(folder):
    """Files of all folders; what goes away meanwhile may be among them or not."""
    for root, _, names in os.walk(folder):
        yield from (pathlib.Path(root) / name for name in names)


def size_of(path):
    """-1 for a file that is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def runs_of(numbers):
    """The first runs of numbers that follow each other, as they come from one file: "17-2045, 3000-3100"."""
    runs = []
    for n in sorted(numbers):
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(f"{a}-{b}" for a, b in runs[:10]) + (f" and {len(runs) - 10} more" if len(runs) > 10 else "")


def bytes_of(path):
    """What a file holds, unpacked, as far as it goes: one that is being packed ends in the middle."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as pack:
            return b"".join(pack.read(name) for name in pack.namelist())
    if path.suffix != ".gz":
        return path.read_bytes()
    out = b""
    with gzip.open(path) as pack:
        try:
            while block := pack.read1(1 << 20):
                out += block
        except EOFError:
            pass
    return out


def compiled(jars=JARS):
    """The classes of EventSource, compiled once for all runs of the tests; the class path."""
    path = ":".join(map(str, jars))
    folder = ROOT / ".build/end-to-end" / hashlib.sha256(SOURCE.read_bytes() + path.encode()).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = tempfile.mkdtemp(dir=folder.parent)
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", fresh, SOURCE], check=True)
        try:
            os.rename(fresh, folder)
        except OSError:  # another run was first
            shutil.rmtree(fresh)
    return f"{folder}:{path}"


@unittest.skipUnless(shutil.which("javac") and all(j.exists() for j in JARS),
                     "needs a JDK and Debian's liblogback-java, which Tests/run installs")
class LogbackCase(EndToEndCase):
    """One scenario: `begin`, disturbances, `expect_once`."""

    scenarios = SCENARIOS

    def class_path(self):
        return compiled()

    def begin(self, name, events=None, per_second=PER_SECOND, settings=None, held_at=None, is_paced=False, **changes):
        """A server, an agent, and an application that writes. With `held_at` it stands still at so many events,
        until `release`; paced, it logs only while somebody touches `go`."""
        self.name, self.scenario = name, dataclasses.replace(self.scenarios[name], **changes)
        self.events, self.per_second = events or EVENTS, per_second
        self.class_path()  # on a busy machine this takes longer than anybody waits for the first file
        self.logs, self.state = self.folder / "logs", self.folder / "state"
        self.make_logs()
        self.go = self.folder / "go" if held_at else None
        if self.go:
            self.allow(held_at)
            if not is_paced:
                os.utime(self.go, (time.time() + 30 * 86_400,) * 2)
        self.started, self.agents, self.written = time.time_ns(), 0, set()
        self.port = free_port()
        self.server = self.serve(port=self.port)
        self.config = self.folder / "agent.yaml"
        self.config.write_text(json.dumps({
            "server": f"http://127.0.0.1:{self.port}", "state": str(self.state), "labels": {"app": "shop"},
            **(settings or {}), "sources": [{"paths": [f"{self.logs}/{self.scenario.paths}"], **self.scenario.source}]}))
        self.follow()
        self.application = Worker(self.write)
        wait_until(lambda: self.files(), PATIENCE, "the first log file")

    def make_logs(self):
        self.logs.mkdir()

    def allow(self, events):
        """So many events of the application's are logged, by all JVMs together."""
        with open(self.go, "ab") as go:
            go.truncate(events // self.scenario.jvms)

    def release(self):
        times = self.go.stat()
        self.allow(self.events)
        # Cutting it has touched it: only who paces the application does that.
        os.utime(self.go, ns=(times.st_atime_ns, times.st_mtime_ns))

    def follow(self):
        self.agents += 1
        self.follower = self.agent("--config", self.config, name=f"agent-{self.agents}")

    def files(self):
        return list(files_below(self.logs))

    def count(self):
        self.assertIsNone(self.server.process.poll(), f"the server ended:\n{self.server.tail()}")
        return self.server.count(self.selector, time.time_ns() + 600 * SECOND)

    @property
    def selector(self):
        # A header is an entry of its own in each file, and has no number.
        return '{app="shop"}' + (' |= "seq="' if self.scenario.has_header else "")

    def java(self, first, events, per_second, name):
        configuration, truth = self.folder / f"logback{name}.xml", self.folder / f"truth{name}"
        configuration.write_text(self.scenario.configuration(self.logs))
        run = subprocess.Popen(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", self.class_path(),
                                "EventSource", configuration, str(events), str(per_second), truth, str(first),
                                *([self.go] if self.go else [])],
                               stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run, truth

    def write(self):
        """Everything that the application does; its numbers go to `written`."""
        jvms = 2 if self.scenario.is_killed else self.scenario.jvms
        share = self.events // jvms
        if self.scenario.is_killed:
            run, _ = self.java(0, share, self.per_second, "killed")
            self.kill_while_it_packs(run)
            # What was logged before the kill stands in the files, and nowhere else.
            self.written = {int(n) for p in self.files() for n in NUMBER.findall(bytes_of(p).decode("utf-8", "replace"))}
            runs = [self.java(share, share, self.per_second, "again")]
        else:
            runs = [self.java(n * share, share, self.per_second / jvms, str(n)) for n in range(jvms)]
        if self.scenario.is_copied:
            self.turn(runs[0][0])
        for run, truth in runs:
            self.assertEqual(run.wait(), 0)
            self.written |= {int(n) for n in truth.read_text().split()}
        if not self.scenario.is_killed:
            self.assertEqual(len(self.written), share * jvms)

    def kill_while_it_packs(self, run):
        """Leaves half a packed file, and the whole of it under a temporary name."""
        while run.poll() is None:
            if any(size_of(p) > 0 for p in self.logs.glob("*.gz")) and any(self.logs.glob("*.tmp")):
                run.kill()
            time.sleep(0.001)
        run.wait()

    def turn(self, run):
        """logrotate, with the application stopped: what is written between copying and truncating is lost by it."""
        log, config = self.logs / "app.log", self.folder / "logrotate.conf"
        config.write_text(f"{log} {{\n su root root\n size 1\n rotate 40\n missingok\n copytruncate\n}}\n")
        config.chmod(0o644)
        self.logs.chmod(0o755)
        while run.poll() is None:
            time.sleep(0.3)
            run.send_signal(signal.SIGSTOP)
            try:
                wait_until(lambda: self.is_still(run), PATIENCE, "the application to stand still")
                subprocess.run([LOGROTATE, "-f", "-s", self.folder / "lr.state", config], check=True)
            finally:
                run.send_signal(signal.SIGCONT)

    def is_still(self, run):
        """True when every thread is stopped, or the process has ended."""
        states = []
        for thread in pathlib.Path(f"/proc/{run.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                states.append(thread.read_text().rsplit(") ", 1)[1][0])
        return all(state in "TZX" for state in states)

    def rolls(self):
        """A function that tells how many rolls there were since the last call of this one, at least: new names,
        or an active file that became shorter. For a scenario without rolls: thousands of events."""
        name = lambda p: re.sub(r"(\d*\.tmp|\.gz|\.zip)$", "", str(p))
        before, last, shorter = {name(p) for p in self.files()}, {}, [0]
        begun = time.monotonic()

        def tell():
            if self.scenario.is_single and not self.scenario.is_copied:
                return (time.monotonic() - begun) * self.per_second / 2000
            for path in self.logs.glob("*.*"):
                if (size := size_of(path)) < 0:
                    continue
                if size < last.get(path, 0):
                    shorter[0] += 1
                last[path] = size
            return max(len({name(p) for p in self.files()} - before), shorter[0])
        return tell

    def arrived(self):
        """How often each number arrived, and how many entries did."""
        found, rows = collections.Counter(), 0
        for _, _, line in self.server.lines(self.selector, self.started - 86_400 * SECOND, time.time_ns() + 600 * SECOND):
            rows += 1
            found.update(int(n) for n in NUMBER.findall(line))
        return found, rows

    def settled(self, seconds, quiet=60):
        """Waits until the application ended and the agent has shipped everything; or, where some is lost, all
        that it found: nothing has happened for some seconds."""
        self.application.finish(self.events / self.per_second + 2 * PATIENCE)
        last, since = [None], [0.0]

        def is_over():
            lags = [(f["path"], f["lagBytes"]) for f in self.agent_status("--state", self.state)["files"]]
            now = (self.count(), lags)
            if now != last[0]:
                last[0], since[0] = now, time.monotonic()
            is_behind = any(lag for _, lag in lags)
            return now[0] >= len(self.written) or not is_behind and time.monotonic() - since[0] > quiet
        wait_until(is_over, seconds, "all that was found to be shipped")

    def expect_once(self, disturbance, seconds=2 * PATIENCE):
        try:
            self.settled(seconds)
        except AssertionError as failure:
            print(f"{self.name}: {failure}", flush=True)
        found, rows = self.arrived()
        missing, repeated = self.written - found.keys(), [n for n, c in found.items() if c > 1]
        print(f"\n{self.name} | {disturbance}: {len(self.written)} written, {rows} entries, lost {len(missing)}, "
              f"repeated {len(repeated)}", flush=True)
        self.assertEqual((len(missing), len(repeated), rows), (0, 0, len(self.written)),
                         f"lost {runs_of(missing)}, repeated {runs_of(repeated)}\n{self.follower.tail()}")
        self.assertEqual(self.follower.stop(), 0)
        self.assertEqual(self.server.stop(), 0)
