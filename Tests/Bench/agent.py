#!/usr/bin/env python3
"""What the agent costs beside `cat FILES | gzip -1 > /dev/null`: CPU seconds, and memory at its peak.

    Tests/Bench/agent.py FOLDER [PATTERN]     every *.log of FOLDER; `generate.py DIR 1000 11` makes DIR/raw

The agent reads, parses, packs and ships everything to a server that keeps it. Only the agent is counted. With a
Logback pattern it reads the lines as that application's: what stands in their headers is shipped as metadata, too.
"""
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from harness import Process, Server, free_port  # noqa: E402


def gzip_seconds(files):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quoted = " ".join(f"'{f}'" for f in files)
    subprocess.run(f"cat {quoted} | gzip -1 > /dev/null", shell=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def agent_seconds(files, folder, pattern):
    size = sum(f.stat().st_size for f in files)
    server = Server(folder / "data", folder)
    port = free_port()
    source = {"paths": [str(f.resolve()) for f in files], **({"layout": {"pattern": pattern}} if pattern else {})}
    # What is JSON is YAML.
    (folder / "agent.yaml").write_text(json.dumps({
        "server": f"http://127.0.0.1:{server.port}", "labels": {"app": "bench"}, "state": str(folder / "state"),
        "metrics_listen": f"127.0.0.1:{port}", "sources": [source]}))
    agent = Process(["agent", "--config", folder / "agent.yaml"], folder, "agent")
    began = time.monotonic()
    try:
        while True:
            time.sleep(0.5)
            try:
                text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
            except OSError:
                continue
            done = int(re.search(r"^cordwood_agent_bytes_total (\d+)", text, re.M).group(1))
            lag = sum(int(n) for n in re.findall(r"^cordwood_agent_file_lag_bytes\{.*\} (\d+)", text, re.M))
            # Line ends are no part of lines.
            if done > size * 0.9 and lag == 0:
                break
            if time.monotonic() - began > 600:
                raise SystemExit(f"{done} of {size} bytes in ten minutes\n{agent.tail()}")
        wall = time.monotonic() - began
        return agent.cpu_seconds(), wall, agent.status("VmHWM") / 1024, agent.status("VmRSS") / 1024
    finally:
        agent.stop(30)
        server.stop(60)


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.log"))
    size = sum(f.stat().st_size for f in files)
    base = gzip_seconds(files)
    with tempfile.TemporaryDirectory(prefix="cordwood-bench-", dir=os.environ.get("TMPDIR")) as folder:
        cpu, wall, peak, rss = agent_seconds(files, pathlib.Path(folder), sys.argv[2] if len(sys.argv) > 2 else None)
    print(f"{size / 1e6:.0f} MB: gzip -1 {base:.1f} s, agent {cpu:.1f} s of CPU in {wall:.0f} s, "
          f"ratio {cpu / base:.2f}; memory at most {peak:.0f} MiB, at the end {rss:.0f} MiB")


if __name__ == "__main__":
    main()
