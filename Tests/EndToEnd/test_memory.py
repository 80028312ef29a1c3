"""What the agent holds of memory at its peak, its start included: beside an application that writes a megabyte a
second, and with a backlog to read."""
import random
import time
import unittest

from harness import PATIENCE, SECOND, EndToEndCase, Worker, wait_until

MB = 1_000_000
RATE = MB
SECONDS = 15
BACKLOG = 150 * MB
# More than the application writes in this time is a backlog: on a machine that is too busy, not of the agent's making.
BEHIND = 3 * RATE


def text(size, seed=7):
    """Lines as applications write them, of some 250 bytes, so many bytes of them."""
    chance, lines, left = random.Random(seed), [], size
    loggers = [f"com.acme.{chance.choice(['order', 'auth', 'stock'])}.Service{n}" for n in range(20)]
    began = time.time() - 3600
    while left > 0:
        at = began + len(lines) / 1000
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f".{len(lines) % 1000:03}"
        line = (f"{stamp} [http-nio-8080-exec-{chance.randrange(32)}] {chance.choice(['DEBUG', 'INFO ', 'INFO ', 'WARN '])} "
                f"{chance.choice(loggers)} - 주문 처리 완료 orderId={chance.getrandbits(40):x} user={chance.getrandbits(24)} "
                f"trace={chance.getrandbits(128):032x} took={chance.randrange(5000)}ms items={chance.randrange(40)}\n").encode()
        lines.append(line)
        left -= len(line)
    return lines


class Memory(EndToEndCase):
    def begin(self, path):
        self.server, self.state = self.serve(), self.folder / "state"
        return self.agent("--server", f"http://127.0.0.1:{self.server.port}", "--label", "app=x", "--state", self.state, path)

    def lag(self):
        return sum(f["lagBytes"] for f in self.agent_status("--state", self.state).get("files", []))

    def count(self):
        return self.server.count('{app="x"}', time.time_ns() + SECOND)

    def expect(self, agent, most, what):
        peak = agent.status("VmHWM") * 1024
        print(f"\n{what}: {peak / MB:.1f} MB at most", flush=True)
        self.assertLessEqual(peak, most)
        self.assertEqual(agent.stop(), 0)

    def test_a_megabyte_a_second(self):
        lines = text(SECONDS * RATE)
        path = self.folder / "app.log"
        path.touch()
        agent = self.begin(path)

        def write():
            began, done = time.monotonic(), 0
            with open(path, "ab", buffering=0) as file:
                for line in lines:
                    while done > (time.monotonic() - began) * RATE:
                        time.sleep(0.01)
                    file.write(line)
                    done += len(line)

        application, furthest = Worker(write), 0
        while application.is_alive():
            furthest = max(furthest, self.lag())
            time.sleep(0.5)
        application.finish()
        wait_until(lambda: self.count() == len(lines), PATIENCE, "all lines")
        self.expect(agent, 30 * MB if furthest < BEHIND else 64 * MB,
                    f"memory at 1 MB/s, {furthest / MB:.1f} MB behind at most")

    def test_a_backlog(self):
        lines = text(10 * MB)
        path = self.folder / "app.log"
        with open(path, "wb") as file:
            for _ in range(BACKLOG // (10 * MB)):
                file.writelines(lines)
        agent = self.begin(path)
        wait_until(lambda: self.count() == len(lines) * (BACKLOG // (10 * MB)), PATIENCE, "all lines")
        self.expect(agent, 64 * MB, "memory at full speed")


if __name__ == "__main__":
    unittest.main()
