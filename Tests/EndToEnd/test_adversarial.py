"""Twenty thousand events that do their worst to whoever cuts a file into events: each is one entry."""
import collections
import random
import re
import time

from harness import PATIENCE, SECOND, EndToEndCase, wait_until

EVENTS, SEED = 20_000, 5
LONG_EVERY, LONG_BYTES = 1000, 300_000


def event(number, source):
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 3600))
    head = f"{stamp}.{number % 1000:03} [main] INFO  a.b.C - seq={number}; "
    kind = number % 10
    if number % LONG_EVERY == 1:
        body = b"x" * LONG_BYTES
    elif kind == 1:
        body = b"quoting\n2026-01-01 00:00:00.000 a header without a level\n2026-01-01T00:00:00Z another"
    elif kind == 2:
        body = b"java.lang.X: no\n\n\tat a.B.c(B.java:1)\n\n\nCaused by: y\n\t... 3 more\n"
    elif kind == 3:
        # Anything but line ends; a zero may stand anywhere but in front of a line.
        body = b"." + bytes(b for b in source.randbytes(300) if b not in b"\n\r")
    elif kind == 4:
        body = "주문 완료 😀 {\"level\":\"ERROR\"} \x1b[31mred\x1b[0m".encode()
    elif kind == 5:
        body = b"request {\n  \"time\": \"2026-01-01T00:00:00Z\",\n  \"a\": 1\n}"
    elif kind == 6:
        body = b"\r\nline behind a carriage return\r"
    elif kind == 7:
        body = b""
    else:
        body = b"plain"
    return head.encode() + body + b"\n"


class Adversarial(EndToEndCase):
    def test_each_event_is_one_entry(self):
        print(f"\nseed {SEED}", flush=True)
        source = random.Random(SEED)
        server = self.serve()
        path = self.folder / "app.log"
        path.write_bytes(b"")
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x",
                           "--state", self.folder / "state", path)
        data = b"".join(event(n, source) for n in range(EVENTS))
        at, parts = 0, 0
        while at < len(data):
            # Half lines, and now and then long enough for the agent to see them.
            end = at + source.choice([1, 100, 10_000, 100_000])
            # Not between two lines: an event whose writer rests there for more than a second is over.
            while data[end - 1:end] == b"\n":
                end += 1
            with open(path, "ab") as f:
                f.write(data[at:end])
            at = end
            parts += 1
            if parts % 100 == 0:
                time.sleep(0.03)
            if parts == 200:
                agent.kill()
                agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x",
                                   "--state", self.folder / "state", path, name="again")
        until = time.time_ns() + 60 * SECOND
        whole = '{app="x"}'
        count = lambda: server.get("/loki/api/v1/query", query=f"sum(count_over_time({whole}[30d]))", time=until).json
        number = lambda: int((count()["data"]["result"] or [{"value": [0, "0"]}])[0]["value"][1])
        wait_until(lambda: number() >= EVENTS, 2 * PATIENCE, "all events")
        found = collections.Counter()
        entries = longest = 0
        start = time.time_ns() - 86_400 * SECOND
        for _, _, line in server.lines(whole, start, until, page=500):
            entries += 1
            longest = max(longest, line.count("x"))
            found.update(re.findall(r"INFO  a\.b\.C - seq=(\d+);", line)[:1])
        self.assertEqual((entries, len(found), max(found.values())), (EVENTS, EVENTS, 1))
        self.assertEqual(longest, LONG_BYTES)

    def test_what_is_longer_than_the_server_takes_comes_in_pieces_that_say_so(self):
        for limit, pieces in (("256KB", 4), ("1MB", 1)):
            with self.subTest(limit=limit):
                server = self.serve(config=f"limits_config:\n  max_line_size: {limit}\n", data=self.folder / f"data{limit}")
                path = self.folder / f"{limit}.log"
                stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 3600))
                path.write_text(f"{stamp}.000 [main] INFO  a.b.C - {'x' * 1_000_000}\n{stamp}.001 [main] INFO  a.b.C - end\n")
                agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=x",
                                   "--state", self.folder / f"state{limit}", path, name=f"agent{limit}")
                start, until = time.time_ns() - 86_400 * SECOND, time.time_ns() + 60 * SECOND
                wait_until(lambda: server.count('{app="x"}', until) == pieces + 1, PATIENCE, f"{pieces} pieces and the end")
                rest = [line for _, _, line in server.lines('{app="x"} | continued="true"', start, until)]
                self.assertEqual(len(rest), pieces - 1)
                lines = [line for _, _, line in server.lines('{app="x"}', start, until)]
                self.assertEqual(sum(line.count("x") for line in lines), 1_000_000)
                self.assertEqual(agent.stop(), 0)
                self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
