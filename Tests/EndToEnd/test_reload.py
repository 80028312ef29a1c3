"""agent.yaml: checked before anybody relies on it, and read again while the agent runs."""
import os
import signal
import time

from harness import PATIENCE, SECOND, EndToEndCase, descriptors_of, free_port, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S.000 [main] INFO  a.B - ", time.localtime(time.time() - 3600))


class Reload(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.config = self.folder / "agent.yaml"

    def configure(self, url, *names, more=""):
        sources = "".join(f"  - paths: ['{self.folder}/{name}.log']\n" for name in names)
        self.config.write_text(f"server: {url}\nstate: {self.folder}/state\nlabels: {{ app: shop }}\n"
                               f"sources:\n{sources}{more}")

    def write(self, name, numbers):
        with open(self.folder / f"{name}.log", "a") as f:
            f.write("".join(f"{STAMP}{name} {i}\n" for i in numbers))

    def arrived(self, server):
        start = time.time_ns() - 2 * 86_400 * SECOND
        return sorted(tuple(line.rsplit(" ", 2)[1:])
                      for _, _, line in server.lines('{app="shop"}', start, time.time_ns() + SECOND))

    def expect(self, server, what, **ranges):
        wanted = sorted((name, str(i)) for name, numbers in ranges.items() for i in numbers)
        wait_until(lambda: len(self.arrived(server)) >= len(wanted), PATIENCE, what)
        self.assertEqual(self.arrived(server), wanted)

    def hang_up(self, agent, text):
        before = agent.told().count(text)
        agent.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.told().count(text) > before, PATIENCE, f"'{text}' in the log")

    def test_sources_come_and_go_and_no_line_is_lost_or_repeated(self):
        server = self.serve()
        url = f"http://127.0.0.1:{server.port}"
        self.configure(url, "a", "b")
        self.write("a", range(500))
        self.write("b", range(500))
        agent = self.agent("--config", self.config)
        self.expect(server, "the first lines", a=range(500), b=range(500))
        self.configure(url, "b", "c")
        self.write("c", range(300))
        self.hang_up(agent, "the configuration was read again")
        self.write("a", range(500, 600))
        self.write("b", range(500, 700))
        self.expect(server, "what the new sources say", a=range(500), b=range(700), c=range(300))
        # A bad one changes nothing, and the log says what is bad.
        self.configure(url, "a", more="batsch: { bytes: 1 }\n")
        self.hang_up(agent, "the old one stays")
        self.assertIn('unknown key "batsch"', agent.told())
        self.write("c", range(300, 400))
        self.expect(server, "lines under the old one", a=range(500), b=range(700), c=range(400))
        # What is asked for again goes on where it was left.
        self.configure(url, "a", "b", "c")
        self.hang_up(agent, "the configuration was read again")
        self.expect(server, "the source that is back", a=range(600), b=range(700), c=range(400))
        self.assertEqual(agent.stop(), 0)

    def test_a_configuration_that_the_application_scans(self):
        """It is told a new file while it runs; nobody tells the agent. What it still writes to the old one counts."""
        server = self.serve()
        configuration, part = self.folder / "logback.xml", self.folder / "part.xml"
        configuration.write_text(f'<configuration scan="true"><include file="{part}"/></configuration>')

        def log_to(name):
            part.write_text(
                f'<included><appender name="F" class="ch.qos.logback.core.FileAppender"><file>{self.folder}/{name}.log'
                "</file><encoder><pattern>%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger - %msg%n</pattern>"
                '</encoder></appender><root><appender-ref ref="F"/></root></included>')

        log_to("a")
        self.write("a", range(100))
        agent = self.agent("--logback", configuration, "--label", "app=shop", "--state", self.folder / "state",
                           "--server", f"http://127.0.0.1:{server.port}")
        self.expect(server, "the first lines", a=range(100))
        log_to("b")
        self.write("b", range(100))
        self.expect(server, "the new file", a=range(100), b=range(100))
        self.write("a", range(100, 200))
        self.expect(server, "the last lines of the old one", a=range(200), b=range(100))
        self.assertEqual(agent.stop(), 0)

    def test_a_deleted_file_that_nobody_has_read_outlives_it(self):
        port = free_port()
        self.configure("http://127.0.0.1:1", "a")
        self.write("a", range(1000))
        agent = self.agent("--config", self.config)
        path = str(self.folder / "a.log")

        wait_until(lambda: path in descriptors_of(agent), PATIENCE, "the file to be opened")
        os.unlink(path)
        self.configure(f"http://127.0.0.1:{port}", "a")
        self.hang_up(agent, "the configuration was read again")
        server = self.serve(port=port)
        self.expect(server, "the lines of the deleted file", a=range(1000))

    def test_many_reloads_while_lines_come(self):
        server = self.serve()
        url = f"http://127.0.0.1:{server.port}"
        self.configure(url, "a")
        agent = self.agent("--config", self.config)
        for round in range(12):
            self.write("a", range(round * 50, round * 50 + 50))
            if round == 0:
                self.expect(server, "the first lines", a=range(50))
            # Rolled by renaming at every third.
            if round % 3 == 2:
                os.rename(self.folder / "a.log", self.folder / f"a.log.{round}")
            self.configure(url, *(["a"] if round % 2 else ["a", "b"]))
            self.hang_up(agent, "the configuration was read again")
        self.expect(server, "all of it", a=range(600))

    def check(self, text):
        self.config.write_text(text)
        run = self.run_cordwood("agent", "check", "--config", self.config)
        return run.returncode, (run.stdout + run.stderr).decode()

    def test_check_tells_every_fault_with_its_line(self):
        code, text = self.check("server: http://x:1\nstate: /tmp/x\nlables: {}\nsources:\n  - paths: [a]\n"
                                "    levle: label\n    stages: ['| jsn']\n")
        self.assertEqual(code, 2)
        for line, words in ((3, 'unknown key "lables"'), (6, 'unknown key "levle"'), (7, "| jsn: column")):
            self.assertIn(f"{self.config}:{line}: {words}", text)
        code, text = self.check("server: x:1\ntenant: a/b\nstate: /tmp/x\nlabels:\n  my-app: shop\noutputs:\n"
                                "  - { server: 'http://x:1' }\n  - { server: 'y:2' }\n  - { server: 'http://z:1' }\n"
                                "sources:\n  - paths: [a]\n    fields:\n      - { name: 1st, regex: x }\n")
        self.assertEqual(code, 2)
        for line, words in ((1, 'server: "x:1": not an http'), (2, "tenant: "), (5, 'label "my-app": letters'),
                            (8, 'server: "y:2": not an http'), (9, "two are called cordwood"),
                            (13, 'label "1st": letters')):
            self.assertIn(f"{self.config}:{line}:", text)
            self.assertTrue(any(f":{line}: " in told and words in told for told in text.splitlines()), (line, words, text))
        code, text = self.check("server: http://x:1\nstate: /tmp/x\noutputs:\n  - { server: 'http://y:1' }\nsources: [{ paths: [a] }]\n")
        self.assertEqual((code, "agent.yaml:4: server, tenant and" in text), (2, True), text)

    def test_no_fault_shows_what_stands_beside_it(self):
        """It may be a secret, and goes to journals."""
        for text, words in (("a: 1\nbasic_auth: { username: u, password: hunter2, username: v }\n", "stand twice: username"),
                            ("server: 'http://x:1\nbearer_token: hunter2\n", "agent.yaml:"),
                            ("bearer_token: hunter2: x\n", "agent.yaml:1:22: "),
                            ("basic_auth: { password: [hunter2 }\n", "agent.yaml:1:")):
            with self.subTest(text=text):
                self.config.write_text(text)
                run = self.run_cordwood("agent", "check", "--config", self.config)
                told = run.stdout.decode() + run.stderr.decode()
                self.assertNotEqual(run.returncode, 0)
                self.assertIn(words, told)
                self.assertNotIn("hunter2", told)
        self.config.write_text("server: http://127.0.0.1:1\nstate: /tmp/x\nmetrics_listen: nonsense\nsources: [{paths: [/x]}]\n")
        run = self.run_cordwood("agent", "check", "--config", self.config)
        self.assertIn("agent.yaml:3: ", run.stdout.decode() + run.stderr.decode())

    def test_check_says_ok_and_warns(self):
        log = self.folder / "a.log"
        log.write_text("".join(f"{STAMP}user={i}\n" for i in range(200)))
        self.config.touch()
        os.chmod(self.config, 0o644)
        code, text = self.check(
            f"server: http://127.0.0.1:1\nstate: {self.folder}/state\nbearer_token: abc\nsources:\n"
            f"  - paths: ['{log}', '{self.folder}/none/*.log']\n"
            f"    fields: [{{ name: user, regex: 'user=(\\d+)', as: label }}]\n")
        self.assertEqual(code, 0, text)
        self.assertIn(": ok", text)
        for words in ("label user has 200 values", "none/*.log: no file has such a name now",
                      "holds a secret of server and can be read by everybody", "as clear text"):
            self.assertIn(words, text)
        os.chmod(self.config, 0o600)
        self.assertNotIn("can be read by everybody", self.check(self.config.read_text())[1])


if __name__ == "__main__":
    import unittest
    unittest.main()
