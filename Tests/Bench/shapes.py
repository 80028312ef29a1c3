"""shapes.py LINES: queries on lines of many shapes, beside decompressing the same lines and scanning them.

LINES holds a file for each shape, as `bench-columns --write` writes them. The scan is `zstd -dc | grep -c` in the
locale of bytes: CPU seconds of both processes, medians of ROUNDS. The query's are the server's CPU seconds.
"""
import collections
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from harness import Server  # noqa: E402

ROUNDS = 5
BODY = 4_000_000
SECOND = 1_000_000_000


def push(server, name, entries):
    """In bodies of one stream, in the order of their times."""
    body, size = [], 0
    for at, line in entries + [(None, None)]:
        if at is None or size > BODY:
            while True:
                answer = server.push([{"stream": {"shape": name}, "values": body}])
                if answer.status == 204:
                    break
                assert answer.status in (429, 503), answer.text[:300]
                time.sleep(0.2)
            body, size = [], 0
        if at is not None:
            body.append([str(at), line])
            size += len(line)


def words_of(entries):
    """A word of most lines and one of few."""
    lines = [line for _, line in entries[:: max(1, len(entries) // 20_000)]]
    seen = collections.Counter(word for line in lines for word in set(re.findall(r"[A-Za-z]{3,}", line)))
    if not seen:  # numbers, single letters
        seen = collections.Counter(word for line in lines for word in set(re.findall(r"[0-9A-Za-z]{1,3}", line)))
    common = min(seen.items(), key=lambda item: (abs(item[1] - 0.6 * len(lines)), item[0]))[0]
    rare = min(seen.items(), key=lambda item: (item[1], -len(item[0]), item[0]))[0]
    return common, rare


def questions(common, rare):
    """(title, filter, what grep is asked)"""
    return [
        ("absent", '|= "Qxjvz"', ["-cF", "Qxjvz"]),
        ("rare", f'|= "{rare}"', ["-cF", rare]),
        ("common", f'|= "{common}"', ["-cF", common]),
        ("without", f'!= "{common}"', ["-cvF", common]),
        ("any case", f'|~ "(?i){rare}"', ["-ciF", rare]),
        ("regex", f'|~ "{common}.*[0-9]+[a-f]"', ["-cE", f"{common}.*[0-9]+[a-f]"]),
        ("loose", '|~ "[0-9][a-f][0-9]{2}[a-f]+[0-9]"', ["-cE", "[0-9][a-f][0-9]{2}[a-f]+[0-9]"]),
    ]


def scan_seconds(packed, arguments):
    times = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with subprocess.Popen(["zstd", "-dc", packed], stdout=subprocess.PIPE) as lines:
            found = subprocess.run(["grep", "-a", *arguments], stdin=lines.stdout, stdout=subprocess.PIPE,
                                   env={**os.environ, "LC_ALL": "C"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times), int(found.stdout)


def query_seconds(server, text, at):
    """Of one query: the mean of as many as make the clock's ticks (10 ms) small beside them."""
    asked, began, answer = 0, server.cpu_seconds(), None
    wall = time.monotonic()
    while asked < 3 or server.cpu_seconds() - began < 0.3 and asked < 200:
        answer = server.get("/loki/api/v1/query", query=text, time=at)
        assert answer.status == 200, (text, answer.text[:300])
        asked += 1
    result = answer.json["data"]["result"]
    found = int(float(result[0]["value"][1])) if result else 0
    return (server.cpu_seconds() - began) / asked, (time.monotonic() - wall) / asked, found


def main():
    lines = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-") as name:
        folder = pathlib.Path(name)
        server = Server(folder / "data", folder, config="limits_config:\n  retention_period: 0\n")
        try:
            shapes = {}
            for path in sorted(lines.iterdir()):
                # Equal lines of one time are one entry.
                entries = [(int(at), line) for at, line in dict.fromkeys(
                    tuple(entry.split(" ", 1)) for entry in path.read_bytes().decode().split("\0")[:-1])]
                packed = folder / f"{path.name}.zst"
                text = "".join(line.replace("\n", " ") + "\n" for _, line in entries)
                subprocess.run(["zstd", "-3", "-q", "-o", packed], input=text.encode(), check=True)
                push(server, path.name, entries)
                print(f"{path.name}: {len(entries)} lines", flush=True)
                shapes[path.name] = (packed, entries[-1][0] // SECOND + 1, questions(*words_of(entries)))
            measure.settle(server)
            print(f"CPU ms of a query, beside zstd -dc | grep -c of the same lines\n{'':34s} {'query':>8s} {'wall':>8s} {'scan':>8s} {'ratio':>6s}")
            wrong = False
            for shape, (packed, at, asked) in shapes.items():
                for title, text, arguments in asked:
                    query = f'sum(count_over_time({{shape="{shape}"}} {text} [1000h]))'
                    scan, expected = scan_seconds(packed, arguments)
                    seconds, wall, found = query_seconds(server, query, at)
                    verdict = "" if found == expected else f"  WRONG: {found}, not {expected}"
                    wrong |= found != expected
                    print(f"{shape + ' ' + title:18s} {text[:36]:36s} {seconds * 1000:8.1f} {wall * 1000:8.1f} {scan * 1000:8.1f} "
                          f"{seconds / scan:6.2f}{verdict}", flush=True)
        finally:
            server.kill()
    sys.exit(wrong)


if __name__ == "__main__":
    main()
