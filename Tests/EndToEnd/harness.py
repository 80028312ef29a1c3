"""What the end-to-end tests share: the real binary as processes, and a plain HTTP client.

The tests are written in another language than the product on purpose: an encoder or a decoder
that is wrong in the same way on both sides would go unseen.
"""
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CORDWOOD_BINARY", str(ROOT / ".build/release/cordwood"))
SECOND = 1_000_000_000
# Seconds that a state is waited for, unless it must come sooner to be right. A test goes on the moment it
# comes, so that waiting long costs nothing; a machine that others use, too, may be ten times slower than this one.
PATIENCE = 180

# No hour comes twice or never in it. Tests that are about zones name theirs.
os.environ.setdefault("TZ", "UTC")
time.tzset()


def free_port():
    """A port that nobody has, and that the kernel gives to no outgoing connection: a server that is away for a
    while finds it free when it comes back, and whoever asks for it meanwhile is refused."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, lowest) if lowest > 11_000 else 0
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return s.getsockname()[1]


def wait_until(condition, seconds, what):
    """Polls until the condition holds; a state that never comes fails with its name."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def keep_clear_of_midnight(seconds=600):
    """Numbers of rolled files begin anew at midnight: for a test that counts them the day must not end meanwhile."""
    now = time.localtime()
    left = 86_400 - (now.tm_hour * 60 + now.tm_min) * 60 - now.tm_sec
    if left < seconds:
        time.sleep(left + 1)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=PATIENCE):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def metrics(port):
    """What /metrics tells; nothing while nobody listens."""
    try:
        return request(port, "GET", "/metrics").text
    except OSError:
        return ""


def wait_for_metric(port, line):
    """Counters follow what they count: they are asked until they tell."""
    wait_until(lambda: line in metrics(port), PATIENCE, f"{line!r} in the metrics")


def descriptors_of(process):
    """What a process has open: paths, or what stands for them."""
    folder, found = f"/proc/{process.process.pid}/fd", []
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.append(os.readlink(f"{folder}/{name}"))
    return found


class Process:
    """One run of the binary; its stderr goes to a file that failures quote."""

    def __init__(self, arguments, folder, name, env=None, under=()):
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(
            [*under, BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.output, env={**os.environ, **(env or {})})

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self, seconds=PATIENCE):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=PATIENCE):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not stop in {seconds} s; its log:\n{self.tail()}")
        self.process.stdout.close()
        self.output.close()
        return code

    def told(self):
        """All that it has logged, and those before it that had its name."""
        return self.log.read_text(errors="replace")

    def tail(self):
        return self.told()[-3000:]

    def status(self, key):
        """A figure in KiB of /proc/PID/status, such as VmHWM (the peak of memory in RAM)."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Server(Process):
    def __init__(self, data, folder, port=0, config=None, name="server"):
        arguments = ["serve", "--data", data, "--listen", f"127.0.0.1:{port}"]
        if config:
            path = pathlib.Path(folder) / f"{name}.yaml"
            path.write_text(config)
            arguments += ["--config", path]
        super().__init__(arguments, folder, name)
        self.port = self.read_port()

    def read_port(self):
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.kill()
            raise AssertionError(f"no server in {PATIENCE} s\n{self.tail()}")
        line = self.process.stdout.readline().decode()
        match = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if not match:
            self.process.wait(PATIENCE)
            raise AssertionError(f"no server: {line!r}\n{self.tail()}")
        return int(match.group(1))

    def push(self, streams, headers=None, **extra):
        """Pushes {labels-as-tuple-of-pairs or dict: [(ns, line), …]} or a ready list of streams."""
        if isinstance(streams, dict):
            streams = [{"stream": dict(k), "values": [[str(t), l, *m] for t, l, *m in v]}
                       for k, v in streams.items()]
        body = gzip.compress(json.dumps({"streams": streams, **extra}).encode(), 1)
        return request(self.port, "POST", "/loki/api/v1/push", body, {
            "Content-Type": "application/json", "Content-Encoding": "gzip", **(headers or {})})

    def get(self, path, headers=None, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        return request(self.port, "GET", path + ("?" + query if query else ""), headers=headers)

    def range(self, query, start, end, **parameters):
        return self.get("/loki/api/v1/query_range", query=query, start=start, end=end, **parameters)

    def count(self, selector, at, window="30d"):
        answer = self.get("/loki/api/v1/query", query=f"sum(count_over_time({selector}[{window}]))", time=at)
        assert answer.status == 200, answer.text
        result = answer.json["data"]["result"]
        return int(float(result[0]["value"][1])) if result else 0

    def lines(self, selector, start, end, page=5000):
        """Every (stream labels, ns, line) from start to end, page by page."""
        seen = set()
        while True:
            answer = self.range(selector, start, end, limit=page, direction="forward")
            assert answer.status == 200, answer.text
            rows = [(tuple(sorted(r["stream"].items())), int(v[0]), v[1])
                    for r in answer.json["data"]["result"] for v in r["values"]]
            rows.sort(key=lambda r: r[1])
            fresh = [r for r in rows if r not in seen]
            yield from fresh
            if len(rows) < page:
                return
            last = rows[-1][1]
            assert last > start, f"more than {page} entries share one timestamp"
            start, seen = last, {r for r in rows if r[1] == last}


class EndToEndCase(unittest.TestCase):
    """A temporary folder, and every process that a test starts ended after it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cordwood-test-"))
        self.addCleanup(self.clear)
        self.data = self.folder / "data"
        self.processes = []
        self.addCleanup(self.end_processes)

    def clear(self):
        """Removes the folder; CORDWOOD_KEEP=1 keeps that of a test that failed, with data, state and logs."""
        result = self._outcome.result
        failed = any(test is self for test, _ in result.failures + result.errors) or not self._outcome.success
        if failed and os.environ.get("CORDWOOD_KEEP"):
            print(f"\n{self.id()} failed; kept: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end_processes(self):
        for p in self.processes:
            if p.process.poll() is None:
                p.process.kill()
                p.process.wait()
            for pipe in (p.process.stdout, p.output):
                with contextlib.suppress(Exception):
                    pipe.close()

    def serve(self, data=None, **keywords):
        server = Server(data or self.data, self.folder, **keywords)
        self.processes.append(server)
        return server

    def agent(self, *arguments, name="agent", under=()):
        """`under`: a command that ends as the one behind it."""
        process = Process(["agent", *arguments], self.folder, name, under=under)
        self.processes.append(process)
        return process

    def run_cordwood(self, *arguments, timeout=PATIENCE, **keywords):
        return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, **keywords)

    def explained(self, configuration, server, label):
        """The agent.yaml that `agent explain` prints of a logback.xml; a label more tells files named by numbers apart."""
        run = self.run_cordwood("agent", "explain", "--logback", configuration, "--label", "app=shop",
                                "--state", self.folder / "state", "--server", f"http://127.0.0.1:{server.port}")
        self.assertEqual(run.returncode, 0, run.stderr.decode())
        yaml = run.stdout.decode().split("agent.yaml that says the same\n")[1]
        return re.sub(r"( +- '\S*/(\d+)\.log'\n)", rf"\1    labels: {{ {label}: '\2' }}\n", yaml)

    def agent_status(self, *arguments):
        """What `agent status` tells; nothing before an agent has begun."""
        run = self.run_cordwood("agent", "status", *arguments, "--json")
        return json.loads(run.stdout) if run.returncode == 0 else {}


class Worker(threading.Thread):
    """A thread whose failure is the test's failure when joined."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.error = work, None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as error:  # reported by finish()
            self.error = error

    def finish(self, seconds=PATIENCE):
        self.join(seconds)
        if self.error:
            raise self.error
        assert not self.is_alive(), "a worker did not end"
