"""measure.py DATA: ingests generated data into a fresh server and asks the query bench.

Times mean little across machines, so each figure stands beside zd: the CPU seconds that
`zstd -3 -dc` takes for the same lines in the same run. Counts are checked against the raw lines.
"""
import glob
import gzip
import http.client
import json
import os
import pathlib
import queue
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from harness import Server  # noqa: E402

PUSHERS = 4
EVERYTHING = '{env="prod"}'


def zstd_seconds(data, folder):
    packed = folder / "lines.zst"
    subprocess.run(f"cat {data}/raw/*.log | zstd -3 -q -f -o {packed}", shell=True, check=True)
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["sh", "-c", f"zstd -dc {packed} > /dev/null"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times), packed.stat().st_size


def ingest(server, data):
    bodies, failures = queue.Queue(), []
    for path in sorted(glob.glob(f"{data}/*.json.gz")):
        bodies.put(pathlib.Path(path).read_bytes())

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        while True:
            try:
                body = bodies.get_nowait()
            except queue.Empty:
                return
            while True:
                connection.request("POST", "/loki/api/v1/push", body,
                                   {"Content-Type": "application/json", "Content-Encoding": "gzip"})
                response = connection.getresponse()
                text = response.read()
                if response.status == 204:
                    break
                if response.status not in (429, 503):
                    failures.append((response.status, text[:200]))
                    break
                time.sleep(0.2)

    threads = [threading.Thread(target=work) for _ in range(PUSHERS)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:3]
    return time.monotonic() - began


def settle(server):
    """Waits until compaction has been quiet for three seconds and has left nothing as it was pushed: the last
    segments wait half a minute for company."""
    quiet, last = 0, server.cpu_seconds()
    while quiet < 3:
        time.sleep(1)
        now = server.cpu_seconds()
        url = f"http://127.0.0.1:{server.port}/metrics"
        waiting = b'cordwood_segments{level="0"}' in urllib.request.urlopen(url).read()
        quiet, last = (quiet + 1 if now - last < 0.05 and not waiting else 0), now


def events(data):
    """The raw events: a line that starts no event belongs to the one before it."""
    starts = re.compile(rb"^(\d{4}-\d\d-\d\dT|\d+\.\d+\.\d+\.\d+ - - \[)")
    for path in sorted(glob.glob(f"{data}/raw/*.log")):
        current = None
        for line in open(path, "rb"):
            if starts.match(line):
                if current is not None:
                    yield path, current
                current = line
            else:
                current += line
        if current is not None:
            yield path, current


def expected_counts(data, meta):
    tests = {
        "absent word": lambda p, e: b"OutOfMemoryErrorXYZ" in e,
        "trace id": lambda p, e: meta["trace"].encode() in e,
        "count all by 5 m": lambda p, e: True,
        "volume by level by 1 m": lambda p, e: True,
        "rate of a common word by level": lambda p, e: b"userId" in e,
        "rare regex": lambda p, e: b"JWT expired" in e and re.search(rb"JWT expired [0-9]{5} milliseconds", e) is not None,
        "case-insensitive regex": lambda p, e: b"dataintegrityviolation" in e.lower(),
        "newest 1000 with a filter": lambda p, e: b"ERROR" in e,
    }
    counts = dict.fromkeys(tests, 0)
    for path, event in events(data):
        for name, test in tests.items():
            counts[name] += test(path, event)
    return counts


def questions(meta):
    trace = meta["trace"]
    return [
        ("absent word", EVERYTHING + ' |= "OutOfMemoryErrorXYZ"', 100),
        ("absent substring", EVERYTHING + ' |= "emoryErrorXYZ"', 100),
        ("trace id", EVERYTHING + f' |= "{trace}"', 100),
        ("count all by 5 m", f"sum(count_over_time({EVERYTHING}[5m]))", None),
        ("volume by level by 1 m", f"sum by (level)(count_over_time({EVERYTHING}[1m]))", None),
        ("rate of a common word by level", f'sum by (level)(rate({EVERYTHING} |= "userId" [5m]))', None),
        ("rare regex", '{app="user-api"} |~ "JWT expired [0-9]{5} milliseconds"', 1000),
        ("case-insensitive regex", EVERYTHING + ' |~ "(?i)dataintegrityviolation"', 1000),
        ("newest 1000 with a filter", EVERYTHING + ' |= "ERROR"', 1000),
        ("newest 1000", EVERYTHING, 1000),
        ("logfmt, unwrap, sum by label", 'sum by (method)(sum_over_time({app="payment-worker"} |= "payment captured" | logfmt | unwrap amount [5m]))', None),
        ("pattern, numeric filter, topk", 'topk(10, sum by (ip)(count_over_time({app="gateway"} | pattern `<ip> - - [<_>] "<method> <path> <_>" <status> <size> <_>` | status >= 500 [6h])))', "instant"),
        ("regexp, unwrap, quantile", 'quantile_over_time(0.99, {app="user-api"} | regexp `(?P<ms>\\d+)ms ip=` | ms!="" | unwrap ms [5m]) by (host)', None),
    ]


def ask(server, meta, text, limit):
    start, end = meta["start"], meta["end"]
    if limit == "instant":
        return server.get("/loki/api/v1/query", query=text, time=end)
    parameters = {"limit": limit} if limit else {"step": 60 if "[1m]" in text else 300}
    return server.range(text, start, end, **parameters)


def total(answer, text):
    """The entries that an answer speaks of, where one window covers each entry once."""
    data = answer.json["data"]
    if data["resultType"] == "streams":
        return sum(len(s["values"]) for s in data["result"])
    seconds = 300 if text.startswith("sum by (level)(rate") else 1
    return round(sum(float(v) * seconds for s in data["result"] for _, v in s["values"]))


def check(server, meta, name, text, limit, expected):
    """Exact where the answer can be counted; a limit that is reached is counted by a metric query."""
    answer = ask(server, meta, text, limit)
    assert answer.status == 200, (name, answer.text[:300])
    if name not in expected:
        return "-"
    if isinstance(limit, int):
        found = server.count(text, meta["end"], "7h")
    else:
        found = total(answer, text)
    return "right" if found == expected[name] else f"WRONG: {found}, not {expected[name]}"


def main():
    data = sys.argv[1]
    meta = json.load(open(f"{data}/meta.json"))
    gigabytes = meta["bytes"] / 1e9
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-") as name:
        folder = pathlib.Path(name)
        zd, packed = zstd_seconds(data, folder)
        print(f"data: {meta['lines']} lines, {meta['bytes'] / 1e6:.0f} MB; zstd -3: {packed / 1e6:.1f} MB; zd = {zd:.2f} CPU s")
        server = Server(folder / "data", folder)
        try:
            wall = ingest(server, data)
            pushed = server.cpu_seconds()
            settle(server)
            cpu = server.cpu_seconds()
            disk = sum(f.stat().st_size for f in (folder / "data").rglob("*") if f.is_file())
            print(f"ingest: {wall:.1f} s, {meta['bytes'] / 1e6 / wall:.0f} MB/s; CPU {pushed:.1f} s, with compaction {cpu:.1f} s "
                  f"= {cpu / zd / gigabytes:.1f} zd per GB; peak memory {server.status('VmHWM') / 1024:.0f} MB; disk {disk / 1e6:.1f} MB")
            expected = expected_counts(data, meta)
            print(f"{'query':34s} {'ms':>8s} {'CPU ms':>8s} {'zd':>8s}  count")
            wrong = False
            for title, text, limit in questions(meta):
                times, cpus = [], []
                for _ in range(3):
                    before, began = server.cpu_seconds(), time.monotonic()
                    ask(server, meta, text, limit)
                    times.append((time.monotonic() - began) * 1000)
                    cpus.append((server.cpu_seconds() - before) * 1000)
                verdict = check(server, meta, title, text, limit, expected)
                wrong |= verdict.startswith("WRONG")
                ms = statistics.median(times)
                print(f"{title:34s} {ms:8.1f} {statistics.median(cpus):8.0f} {ms / 1000 / zd:8.3f}  {verdict}", flush=True)
            print(f"peak memory after the queries: {server.status('VmHWM') / 1024:.0f} MB")
        finally:
            server.kill()
    sys.exit(wrong)


if __name__ == "__main__":
    main()
