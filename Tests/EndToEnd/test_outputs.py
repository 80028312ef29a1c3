"""The agent's outputs: several at once, each by itself; TLS, secrets and a proxy on the way to them."""
import base64
import contextlib
import gzip
import http.client
import http.server
import json
import socket
import socketserver
import ssl
import subprocess
import threading
import time

from harness import PATIENCE, SECOND, EndToEndCase, Worker, descriptors_of, free_port, wait_for_metric, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Recorder(http.server.ThreadingHTTPServer):
    """Takes pushes as a Loki does and remembers headers and lines."""
    daemon_threads = True

    def __init__(self, context=None):
        self.lines, self.headers = [], []
        super().__init__(("127.0.0.1", 0), RecordingHandler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *arguments):
        pass  # A client that is refused by TLS is what some tests want.


class RecordingHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.headers.append(dict(self.headers))
        if self.path == "/loki/api/v1/push":
            for stream in json.loads(gzip.decompress(body))["streams"]:
                self.server.lines += [value[1] for value in stream["values"]]
        self.send_response(204 if self.path == "/loki/api/v1/push" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Proxy(socketserver.ThreadingTCPServer):
    """Connects those who know its password."""
    daemon_threads = True

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ProxyHandler(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split(" ")
        headers = http.client.parse_headers(self.rfile)
        self.server.seen.append((method, target, headers.get("Proxy-Authorization")))
        host, port = target.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as far:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self.pass_on, args=(far, self.connection), daemon=True)
            back.start()
            self.pass_on(self.connection, far)

    @staticmethod
    def pass_on(one, other):
        with contextlib.suppress(OSError):
            while block := one.recv(65536):
                other.sendall(block)


class Outputs(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.log = self.folder / "app.log"
        self.config = self.folder / "agent.yaml"

    def ended(self, server):
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def write(self, numbers):
        with open(self.log, "a") as f:
            f.write("".join(f"{STAMP}{i}\n" for i in numbers))

    def configured(self, text, name="agent"):
        self.config.write_text(f"state: {self.folder}/state\nlabels: {{ app: shop }}\n"
                               f"sources:\n  - paths: ['{self.log}']\n{text}")
        return self.agent("--config", self.config, name=name)

    def arrived(self, server):
        start = time.time_ns() - 2 * 86_400 * SECOND
        return sorted(int(line.rsplit(" ", 1)[1])
                      for _, _, line in server.lines('{app="shop"}', start, time.time_ns() + SECOND))

    def certificates(self):
        """An authority, a server called logs.test, and a client, by openssl."""
        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.folder)
        key = ("-newkey", "rsa:2048", "-nodes")
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority")
        for name, extension in (("server", "subjectAltName=DNS:logs.test"), ("client", "extendedKeyUsage=clientAuth")):
            (self.folder / f"{name}.ext").write_text(extension + "\n")
            openssl("req", "-new", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def secured(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        context.load_verify_locations(self.folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        return self.ended(Recorder(context))

    def test_tls_with_certificates_on_both_sides_and_a_password_that_changes(self):
        self.certificates()
        server = self.secured()
        password = self.folder / "password"
        password.write_text("first\n")
        tls = f"ca_file: {self.folder}/ca.pem, server_name: logs.test"
        own = f", cert_file: {self.folder}/client.pem, key_file: {self.folder}/client.key"
        rest = (f"server: https://127.0.0.1:{server.server_port}\ntenant: team\nheaders: {{ X-Site: seoul }}\n"
                f"basic_auth: {{ username: agent, password_file: {password} }}\n")
        self.write(range(5))
        # Without a certificate of its own, and with another name, nothing is sent.
        for text in (f"{rest}tls: {{ {tls} }}\n", f"{rest}tls: {{ ca_file: {self.folder}/ca.pem{own} }}\n"):
            agent = self.configured(text, name="refused")
            wait_until(lambda: "does not answer yet" in agent.told(), PATIENCE, "the refusal")
            self.assertEqual(agent.stop(), 0)
            agent.log.unlink()
        self.assertEqual(server.headers, [])
        agent = self.configured(f"{rest}tls: {{ {tls}{own} }}\n")
        wait_until(lambda: len(server.lines) == 5, PATIENCE, "the lines")
        sent = server.headers[-1]
        self.assertEqual(sent["Authorization"], "Basic " + base64.b64encode(b"agent:first").decode())
        self.assertEqual((sent["X-Scope-OrgID"], sent["X-Site"]), ("team", "seoul"))
        password.write_text("second\n")
        self.write(range(5, 10))
        wait_until(lambda: len(server.lines) == 10, PATIENCE, "the lines after the change")
        self.assertEqual(server.headers[-1]["Authorization"], "Basic " + base64.b64encode(b"agent:second").decode())
        self.assertEqual(agent.stop(), 0)

    def test_failures_of_tls_say_what_to_change(self):
        """A server of openssl's own, so that the other side is nobody's who wrote the client."""
        self.certificates()
        # `openssl x509` of Debian 12 sets no dates of the past: `openssl ca` does.
        (self.folder / "ca.conf").write_text(
            "[ca]\ndefault_ca = c\n[c]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\ndefault_md = sha256\n"
            "policy = p\n[p]\ncommonName = supplied\n")
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        subprocess.run(["openssl", "ca", "-batch", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "server.csr",
                        "-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-extfile", "server.ext", "-out", "old.pem"],
                       check=True, capture_output=True, cwd=self.folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.pem",
                        "-days", "2", "-subj", "/CN=other"], check=True, capture_output=True, cwd=self.folder)
        plain = self.ended(Recorder())
        authority, name = f"ca_file: {self.folder}/ca.pem", "server_name: logs.test"
        cases = [
            ("server", "https", f"{name}", ["an authority that this machine does not know", "set tls.ca_file"]),
            ("server", "https", f"ca_file: {self.folder}/other.pem, {name}", [f"is not in {self.folder}/other.pem", "set tls.ca_file"]),
            ("old", "https", f"{authority}, {name}", ["the server's certificate expired on 2020-01-02", "renew it"]),
            ("server", "https", authority, ["the server's certificate is not for 127.0.0.1 but for logs.test", "set tls.server_name"]),
            ("server", "http", None, ["TLS is spoken on port", "use https://"]),
            (None, "https", f"{authority}, {name}", ["no TLS is spoken on port", "use http://"]),
        ]
        self.write(range(3))
        for number, (certificate, scheme, tls, words) in enumerate(cases):
            with self.subTest(words=words[0]):
                port, served = plain.server_port, None
                if certificate:
                    port = free_port()
                    served = subprocess.Popen(
                        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{certificate}.pem", "-key", "server.key",
                         "-quiet", "-naccept", "1000"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL)
                try:
                    agent = self.configured(f"server: {scheme}://127.0.0.1:{port}\n" + (f"tls: {{ {tls} }}\n" if tls else ""),
                                            name=f"tls{number}")
                    wait_until(lambda: all(word in agent.told() for word in words), PATIENCE, f"{words} in {agent.log}")
                    self.assertIn(f":{port}", agent.told())
                    self.assertEqual(agent.stop(), 0)
                finally:
                    if served:
                        served.kill()
                        served.wait()
        self.assertEqual(plain.lines, [])

    def test_verification_may_be_left_out_and_that_is_said(self):
        self.certificates()
        server = self.secured()
        self.write(range(3))
        agent = self.configured(
            f"server: https://127.0.0.1:{server.server_port}\nbearer_token: abc\n"
            f"tls: {{ insecure_skip_verify: true, cert_file: {self.folder}/client.pem, key_file: {self.folder}/client.key }}\n")
        wait_until(lambda: len(server.lines) == 3, PATIENCE, "the lines")
        self.assertEqual(server.headers[-1]["Authorization"], "Bearer abc")
        self.assertIn("insecure_skip_verify", agent.told())

    def test_through_a_proxy(self):
        server, proxy = self.ended(Recorder()), self.ended(Proxy())
        self.write(range(3))
        self.configured(f"server: http://127.0.0.1:{server.server_port}\n"
                        f"proxy: http://me:word@127.0.0.1:{proxy.server_address[1]}\n")
        wait_until(lambda: len(server.lines) == 3, PATIENCE, "the lines")
        self.assertIn(("CONNECT", f"127.0.0.1:{server.server_port}",
                       "Basic " + base64.b64encode(b"me:word").decode()), proxy.seen)

    def test_through_a_proxy_that_speaks_socks(self):
        server = self.ended(Recorder())
        port = free_port()
        proxy = subprocess.Popen(["microsocks", "-i", "127.0.0.1", "-p", str(port)], stderr=subprocess.PIPE)
        seen = []
        watching = Worker(lambda: seen.extend(proxy.stderr))
        try:
            self.write(range(3))
            self.configured(f"server: http://127.0.0.1:{server.server_port}\nproxy: socks5://127.0.0.1:{port}\n")
            wait_until(lambda: len(server.lines) == 3, PATIENCE, "the lines")
        finally:
            proxy.kill()
            proxy.wait()
            watching.finish()
            proxy.stderr.close()
        # It tells whom it connected to whom.
        self.assertIn(f"127.0.0.1:{server.server_port}", b"".join(seen).decode())

    def test_one_that_is_down_holds_up_no_other_and_misses_nothing(self):
        main = self.serve(name="main")
        late_port, metrics = free_port(), free_port()
        copy = self.folder / "copy.jsonl"
        outputs = (f"metrics_listen: 127.0.0.1:{metrics}\noutputs:\n"
                   f"  - {{ name: main, server: 'http://127.0.0.1:{main.port}' }}\n"
                   f"  - {{ kind: loki, format: protobuf, server: 'http://127.0.0.1:{late_port}' }}\n"
                   f"  - {{ kind: file, path: {copy} }}\n  - {{ kind: stdout }}\n")
        self.write(range(1000))
        agent = self.configured(outputs)
        printed = []
        reading = Worker(lambda: printed.extend(agent.process.stdout))

        def copied():
            # The last line may be half written.
            return [json.loads(line) for line in copy.read_text().split("\n")[:-1]] if copy.exists() else []

        wait_until(lambda: len(self.arrived(main)) == 1000 and len(copied()) == 1000, PATIENCE, "both that are up")
        self.assertEqual(copied()[0]["labels"]["app"], "shop")
        # Rolled and deleted: each output has it open, the one that is down as well.
        wait_until(lambda: descriptors_of(agent).count(str(self.log)) == 4, PATIENCE, "each output to open the file")
        self.log.unlink()
        self.write(range(1000, 2000))
        wait_until(lambda: len(self.arrived(main)) == 2000, PATIENCE, "the second file")
        wait_for_metric(metrics, 'cordwood_agent_events_total{output="main"} 2000\n')
        wait_for_metric(metrics, 'cordwood_agent_events_total{output="loki"} 0\n')
        late = self.serve(self.folder / "late", port=late_port, name="late")
        wait_until(lambda: len(self.arrived(late)) >= 2000, PATIENCE, "the one that was down")
        self.assertEqual(self.arrived(late), list(range(2000)))
        self.assertEqual(self.arrived(main), list(range(2000)))
        status = lambda: self.agent_status("--config", self.config)
        self.assertEqual(sorted(status()), ["file", "loki", "main", "stdout"])
        wait_until(lambda: len(printed) == 2000, PATIENCE, "standard output")
        self.assertEqual(json.loads(printed[0])["line"], f"{STAMP}0")
        # Where the agent keeps the positions, what it has no answer for would be sent again.
        lag = lambda: sum(f["lagBytes"] for output in status().values() for f in output["files"])
        wait_until(lambda: lag() == 0, PATIENCE, "the acknowledgements")
        agent.process.terminate()
        reading.finish()
        self.assertEqual(agent.stop(), 0)
        # Nobody reads this one's standard output, which is nobody else's trouble.
        again = self.configured(outputs, name="again")
        self.write(range(2000, 2010))
        wait_until(lambda: len(self.arrived(late)) >= 2010 and len(copied()) >= 2010, PATIENCE, "what came after a restart")
        self.assertEqual(self.arrived(late), list(range(2010)))
        self.assertEqual([int(c["line"].rsplit(" ", 1)[1]) for c in copied()], list(range(2010)))
        self.assertEqual(again.stop(), 0)

    def test_half_a_line_of_a_file_takes_no_other_with_it(self):
        copy = self.folder / "copy.jsonl"
        # As a power cut leaves it.
        copy.write_text('{"timestamp":"1')
        self.write(range(10))
        agent = self.configured(f"outputs: [ {{ kind: file, path: {copy} }} ]\n")
        wait_until(lambda: copy.read_text().count("\n") == 11, PATIENCE, "the lines")
        half, *whole = copy.read_text().splitlines()
        self.assertEqual(half, '{"timestamp":"1')
        self.assertEqual([json.loads(line)["line"] for line in whole], [f"{STAMP}{i}" for i in range(10)])
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
