"""What a person at a terminal sees: progress, errors, and nothing that the terminal obeys."""
import contextlib
import json
import os
import pty
import re
import socket
import subprocess
import threading
import time

from harness import BINARY, PATIENCE, SECOND, EndToEndCase, free_port

# Seconds; less than --timeout, which is waited for where nobody refuses.
AT_ONCE = 30
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def on_terminal(*arguments):
    """Runs with a terminal as stdout and stderr; returns what came there, and the exit code."""
    parent, child = pty.openpty()
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=child, stderr=child)
    os.close(child)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while block := os.read(parent, 65536):
            shown += block
    os.close(parent)
    return shown.decode().replace("\r\n", "\n"), process.wait(PATIENCE)


class SlowServer:
    """Answers every request with one document, after some time."""

    def __init__(self, seconds, document):
        body = json.dumps(document).encode()
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        self.seconds = seconds
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ended = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection:
                    connection.recv(65536)
                    if not self.ended.wait(self.seconds):
                        connection.sendall(self.answer)

    def close(self):
        self.ended.set()
        self.socket.close()


class Terminal(EndToEndCase):
    def slow(self, seconds, document):
        server = SlowServer(seconds, document)
        self.addCleanup(server.close)
        return f"http://127.0.0.1:{server.port}"

    def test_documents_hold_nothing_that_a_terminal_obeys(self):
        server = self.serve()
        evil = "c1 \x9b31m next \x85 bidi \u202e del \x7f mark \u061c end \u00e9"
        self.assertEqual(server.push({(("app", "shop"), ("evil", evil)): [(time.time_ns(), evil)]}).status, 204)
        url = f"http://127.0.0.1:{server.port}"
        for query, where in (('{app="shop"}', "labels"), ('count_over_time({app="shop"}[1h])', "metric")):
            shown, code = on_terminal("query", "--server", url, query, "--since", "1h", "-o", "jsonl")
            self.assertEqual(code, 0, shown)
            self.assertIsNone(OBEYED.search(shown), shown)
            document = json.loads(shown.splitlines()[0])
            self.assertEqual(document[where]["evil"], evil)
            self.assertEqual(document.get("line", evil), evil)

    def test_progress_is_shown_and_erased(self):
        now = time.time_ns()
        entries = {"data": {"resultType": "streams", "result": [
            {"stream": {"app": "shop"}, "values": [[str(now), "found"]]}]}}
        series = {"data": {"resultType": "vector", "result": [
            {"metric": {"app": "shop"}, "value": [now / SECOND, "7"]}]}}
        for document, query in ((entries, ['{app="shop"}', "-o", "raw"]),
                                (series, ['count_over_time({app="shop"}[1h])', "--instant", "-o", "raw"])):
            url = self.slow(2.2, document)
            shown, code = on_terminal("query", "--server", url, *query)
            self.assertEqual(code, 0, shown)
            self.assertRegex(shown, rf"^\r\x1b\[K\d+ s: waiting for {url}")
            # What stays on the screen is the answer alone.
            self.assertIn(shown.split("\r\x1b[K")[-1], ("found\n", "7\n"))

    def test_no_progress_where_nobody_watches(self):
        url = self.slow(1.5, {"data": {"result": []}})
        run = self.run_cordwood("query", "--server", url, '{app="shop"}')
        self.assertEqual((run.returncode, run.stdout, run.stderr), (1, b"", b""))

    def test_the_wait_for_an_answer_has_an_end(self):
        url = self.slow(2 * PATIENCE, {})
        began = time.monotonic()
        run = self.run_cordwood("query", "--server", url, '{app="shop"}', "--timeout", "1s")
        self.assertLess(time.monotonic() - began, PATIENCE)
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr.decode(), f"cordwood: {url}: no answer in 1 s; --timeout waits longer\n")

    def test_a_refused_connection_is_told_at_once(self):
        url = f"http://127.0.0.1:{free_port()}"
        began = time.monotonic()
        run = self.run_cordwood("query", "--server", url, '{app="shop"}')
        self.assertLess(time.monotonic() - began, AT_ONCE)
        self.assertEqual(run.returncode, 2)
        self.assertEqual(run.stderr.decode(), f"cordwood: cannot reach {url}: connection refused; "
                                              "is the server running? --server names another\n")

    def test_wrong_arguments_end_with_2(self):
        for arguments in (["query"], ["query", "{}", "--limit", "abc"], ["query", "{}", "--limit", "-1"],
                          ["query", "{}", "--bogus"], ["query", "{}", "-o", "xml"], ["labels", "--bad"], ["tail"],
                          ["query", "{}", "--timeout", "x"], ["query", "{}", "--timeout", "0s"],
                          ["nonsense"], ["agent", "--metrics-listen", "99", "--server", "http://127.0.0.1:1",
                                         "--state", self.folder, "x.log"]):
            run = self.run_cordwood(*arguments)
            self.assertEqual(run.returncode, 2, (arguments, run.stderr))
            self.assertTrue(run.stderr.strip(), arguments)
        for arguments in (["--help"], ["--version"], ["query", "--help"], ["help", "tail"]):
            run = self.run_cordwood(*arguments)
            self.assertEqual((run.returncode, run.stderr), (0, b""), arguments)
            self.assertTrue(run.stdout.strip(), arguments)

    def test_a_port_in_use_is_named(self):
        server = self.serve()
        address = f"127.0.0.1:{server.port}"
        second = self.run_cordwood("serve", "--data", self.folder / "other", "--listen", address)
        self.assertEqual(second.returncode, 2)
        self.assertIn(f"cannot listen on {address}: address already in use; another process has it", second.stderr.decode())
        agent = self.run_cordwood("agent", "--server", f"http://{address}", "--state", self.folder / "state",
                                  "--metrics-listen", address, "x.log")
        self.assertEqual(agent.returncode, 2)
        self.assertIn(f"cannot listen on {address}", agent.stderr.decode())
        self.assertIn(f"listen: {address}\n", server.get("/config").text)


if __name__ == "__main__":
    import unittest
    unittest.main()
