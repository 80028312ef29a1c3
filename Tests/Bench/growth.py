"""growth.py DATA: what more streams and more data around what is asked for cost.

Four servers with the same generated lines: in a few streams, spread over 10,000, the first tenth of the former and
a tenth of the latter's streams.
Questions are put to two of them in turn, so that each ratio is of the same minute; medians of ROUNDS.
"""
import glob
import gzip
import json
import pathlib
import random
import statistics
import sys
import tempfile
import time

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from harness import Server  # noqa: E402

STREAMS = 10_000
PART = 10
ROUNDS = 21
SEED = 11


def spread(data, folder, pods, kept):
    """The same bodies, each line in one of `pods` streams for each that it was in before; of these the first `kept`."""
    chosen = random.Random(SEED)
    folder.mkdir()
    for path in sorted(glob.glob(f"{data}/*.json.gz")):
        streams = {}
        for stream in json.loads(gzip.open(path).read())["streams"]:
            for value in stream["values"]:
                pod = chosen.randrange(pods)
                if pod >= kept:
                    continue
                key = (*stream["stream"].items(), ("pod", str(pod)))
                streams.setdefault(key, []).append(value)
        body = {"streams": [{"stream": dict(key), "values": values} for key, values in streams.items()]}
        (folder / pathlib.Path(path).name).write_bytes(gzip.compress(json.dumps(body).encode(), 1))


def part(data, folder):
    """The bodies of the first part of the time, linked; returns when they end."""
    folder.mkdir()
    paths = sorted(glob.glob(f"{data}/*.json.gz"))
    chosen = paths[:len(paths) // PART]
    for path in chosen:
        (folder / pathlib.Path(path).name).symlink_to(pathlib.Path(path).resolve())
    last = json.loads(gzip.open(chosen[-1]).read())["streams"]
    return max(int(value[0]) for stream in last for value in stream["values"]) // 10**9


def count_streams(data):
    keys = set()
    for path in sorted(glob.glob(f"{data}/*.json.gz")):
        keys |= {tuple(stream["stream"].items()) for stream in json.loads(gzip.open(path).read())["streams"]}
    return len(keys)


def serve(folder, name, data):
    limits = f"limits_config:\n  max_global_streams_per_user: {2 * STREAMS}\n"
    server = Server(folder / name, folder, config=limits, name=name)
    seconds = measure.ingest(server, data)
    measure.settle(server)
    size = sum(f.stat().st_size for f in (folder / name).rglob("*") if f.is_file())
    print(f"{name}: pushed in {seconds:.1f} s, {size / 1e6:.1f} MB, peak memory {server.status('VmHWM') / 1024:.0f} MB", flush=True)
    return server, size


def compare(title, one, other, questions, meta, more):
    """Prints, of each question, the time that `other` takes by that of `one`."""
    print(f"\n{title:40s} {'ms':>8s} {'ms':>8s} {'ratio':>8s}  must {more}")
    for name, text, limit in questions:
        times = ([], [])
        answers = [measure.ask(server, meta, text, limit) for server in (one, other)]
        assert all(answer.status == 200 for answer in answers), (name, [answer.text[:200] for answer in answers])
        for turn in range(ROUNDS):
            for index, server in ((0, one), (1, other)) if turn % 2 else ((1, other), (0, one)):
                began = time.monotonic()
                measure.ask(server, meta, text, limit)
                times[index].append((time.monotonic() - began) * 1000)
        first, second = map(statistics.median, times)
        print(f"{name:40s} {first:8.2f} {second:8.2f} {second / first:8.2f}", flush=True)


def main():
    data = sys.argv[1]
    meta = json.load(open(f"{data}/meta.json"))
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-") as name:
        folder = pathlib.Path(name)
        few = count_streams(data)
        pods = max(1, STREAMS // few)
        spread(data, folder / "spread", pods, pods)
        spread(data, folder / "thin", pods, pods // PART)
        early = part(data, folder / "part")
        servers = []
        try:
            whole, whole_bytes = serve(folder, f"{few} streams", data)
            servers.append(whole)
            many, many_bytes = serve(folder, f"{few * pods} streams", folder / "spread")
            servers.append(many)
            tenth, _ = serve(folder, f"a part of {PART}", folder / "part")
            servers.append(tenth)
            thin, _ = serve(folder, f"{few * (pods // PART)} streams", folder / "thin")
            servers.append(thin)
            print(f"bytes of {few * pods} streams to {few}: {many_bytes / whole_bytes:.3f} (must 1.3)")
            asked = measure.questions(meta)
            compare("streams", whole, many, asked, meta, 2)
            # Half of the part: it ends within a body for both.
            inside = dict(meta, end=meta["start"] + (early - meta["start"]) // 2)
            asked = [(title, text.replace("[6h]", "[20m]"), limit) for title, text, limit in asked]
            compare(f"{PART} times the data outside the range", tenth, whole, asked, inside, 1.1)
            # What one application of one host writes for one of the pods.
            chosen = 'host="blue-1",pod="7",'
            of_one = [(title, text.replace(measure.EVERYTHING, f'{{app="user-api",{chosen}env="prod"}}')
                       if measure.EVERYTHING in text else text.replace("{", "{" + chosen, 1), limit)
                      for title, text, limit in measure.questions(meta)]
            compare(f"{PART} times the streams", thin, many, of_one, meta, 1.1)
        finally:
            for server in servers:
                server.kill()


if __name__ == "__main__":
    main()
