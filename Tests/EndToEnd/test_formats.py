"""Files that are not plain UTF-8 lines: encodings, containers' records, access logs, standard input."""
import gzip
import json
import signal
import subprocess
import time
import zipfile

from harness import BINARY, PATIENCE, SECOND, EndToEndCase, wait_until

STAMP = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 3600))


def numbered(numbers):
    """A line for each number."""
    return "".join(f"{STAMP}.{i % 1000:03} INFO a - number {i}\n" for i in numbers)


def number_of(line):
    return int(line.rsplit(" ", 1)[1])


def write(path, numbers):
    with open(path, "a") as f:
        f.write(numbered(numbers))


class Formats(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.logs = self.folder / "logs"
        self.logs.mkdir()

    def follow(self, source, name="agent"):
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps({
            "server": f"http://127.0.0.1:{self.server.port}", "state": str(self.folder / "state"),
            "labels": {"app": "x"}, "batch": {"age_seconds": 0.1}, "sources": [source]}))
        return self.agent("--config", config, name=name)

    def entries(self):
        start = time.time_ns() - 2 * 86_400 * SECOND
        return list(self.server.lines('{app="x"}', start, time.time_ns() + SECOND))

    def arrive(self, count):
        wait_until(lambda: len(self.entries()) >= count, PATIENCE, f"{count} entries")
        return self.entries()

    def test_encodings_by_javas_names(self):
        texts = [f"{STAMP}.{i:03} [main] INFO  a.B - 주문이 완료되었습니다 {i}" for i in range(300)]
        for name, codec in [("MS949", "cp949"), ("EUC-KR", "euc_kr"), ("x-windows-949", "cp949"),
                            ("UTF-16", "utf-16-be"), ("UTF-16LE", "utf-16-le"), ("UTF-8", "utf-8")]:
            with self.subTest(name):
                data = "".join(t + "\n" for t in texts).encode(codec)
                path = self.logs / f"{name}.log"
                path.write_bytes(b"")
                agent = self.follow({"paths": [str(path)], "encoding": name, "labels": {"app": "x", "e": name}},
                                    name=name)
                found = lambda: [l for labels, _, l in self.entries() if ("e", name) in labels]
                # In pieces that cut characters; the agent dies in the middle.
                for at in range(0, len(data), 1001):
                    with open(path, "ab") as f:
                        f.write(data[at:at + 1001])
                    if at == 12 * 1001:
                        wait_until(found, PATIENCE, f"the first entries of {name}")
                        agent.kill()
                        agent = self.follow({"paths": [str(path)], "encoding": name,
                                             "labels": {"app": "x", "e": name}}, name=name + "-again")
                wait_until(lambda: len(found()) >= 300, PATIENCE, f"300 entries of {name}")
                self.assertEqual(found(), texts)
                self.assertEqual(agent.stop(), 0)

    def test_explain_shows_files_as_the_agent_reads_them(self):
        """Their characters, a container's records, and the zone of agent.yaml; long lines are cut between characters."""
        text = "2026-11-21 19:00:00.123 [main] INFO  a.B - 주문이 완료되었습니다 " + "가" * 200
        entry = json.dumps({"log": text + "\n", "stream": "stdout", "time": "2026-11-21T10:00:00.5Z"}, ensure_ascii=False)
        files = [("EUC-KR", "euc_kr", text, "auto"), ("UTF-16", "utf-16", text, "auto"), ("UTF-8", "utf-8", entry, "docker")]
        config = self.folder / "agent.yaml"
        for name, codec, line, kind in files:
            with self.subTest(name):
                path = self.logs / f"{name}.log"
                # Longer than the piece from its end that is shown.
                path.write_bytes("".join(line + "\n" for _ in range(1500)).encode(codec))
                config.write_text(json.dumps({
                    "server": "http://127.0.0.1:1", "state": str(self.folder / "state"),
                    "sources": [{"paths": [str(path)], "encoding": name, "format": kind, "zone": "Asia/Seoul"}]}))
                told = self.run_cordwood("agent", "explain", "--config", config, "--lines", "2").stdout.decode()
                shown = [l.split("| ")[1] for l in told.splitlines() if "| " in l]
                self.assertEqual(len(shown), 2, told)
                for line in shown:
                    self.assertTrue(text.startswith(line) and len(line) > 60, line)
                self.assertEqual(told.count("    2026-11-21T10:00:00."), 2, told)

    def test_utf16_as_java_writes_it_and_unknown_bytes(self):
        # Java's encoder puts a mark of byte order in front of every event.
        path = self.logs / "app.log"
        path.write_bytes(b"".join(b"\xfe\xff" + f"{STAMP}.{i:03} INFO 가{i}\n".encode("utf-16-be")
                                  for i in range(50)))
        agent = self.follow({"paths": [str(path)], "labels": {"app": "x"}})
        self.assertEqual([l for _, _, l in self.arrive(50)], [f"{STAMP}.{i:03} INFO 가{i}" for i in range(50)])
        self.assertEqual(agent.stop(), 0)
        other = self.logs / "other.log"
        other.write_bytes(f"{STAMP}.900 INFO 값=".encode("cp949") + b"\xff\x80x\n")
        self.follow({"paths": [str(other)], "encoding": "CP949"}, name="other")
        self.assertEqual(self.arrive(51)[-1][2], f"{STAMP}.900 INFO 값=\\xFF\\x80x")

    def test_an_encoding_that_nobody_knows_is_named_with_its_line(self):
        config = self.folder / "bad.yaml"
        config.write_text("server: http://127.0.0.1:1\nstate: s\nsources:\n  - paths: [a]\n    encoding: KLINGON\n")
        run = self.run_cordwood("agent", "--config", config)
        self.assertEqual(run.returncode, 2)
        self.assertIn(b'bad.yaml:5: encoding "KLINGON" is unknown', run.stderr)

    def record(self, text, stream="stdout", nanosecond=0):
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60))
        return json.dumps({"log": text, "stream": stream, "time": f"{second}.{nanosecond:09}Z"}) + "\n"

    def test_dockers_records(self):
        identity = "ab" * 32
        folder = self.logs / "containers" / identity
        folder.mkdir(parents=True)
        (folder / "config.v2.json").write_text(json.dumps({"Name": "/shop-web", "ID": identity}))
        path = folder / f"{identity}-json.log"
        long = "x" * 40_000
        with open(path, "w") as f:
            f.write(self.record(f"{STAMP}.000 [main] INFO  a.B - one\n", nanosecond=1))
            f.write(self.record(f"{STAMP}.000 [main] ERROR a.B - two\n", nanosecond=2))
            f.write(self.record("java.lang.IllegalStateException: no\n", nanosecond=3))
            f.write(self.record("\tat a.B.c(B.java:1)\n", nanosecond=4))
            # A long line in pieces, and a line of the other stream between them.
            f.write(self.record(f"{STAMP}.000 [main] INFO  a.B - {long[:16_384]}", nanosecond=5))
            f.write(self.record("from stderr\n", "stderr", nanosecond=6))
            f.write(self.record(long[16_384:32_768], nanosecond=7))
            f.write(self.record(long[32_768:] + "\n", nanosecond=8))
        self.follow({"paths": [f"{self.logs}/containers/*/*-json.log"], "labels": {"app": "x"}})
        rows = self.arrive(4)
        lines = [line for _, _, line in rows]
        self.assertEqual(lines, [
            f"{STAMP}.000 [main] INFO  a.B - one",
            f"{STAMP}.000 [main] ERROR a.B - two\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)",
            f"{STAMP}.000 [main] INFO  a.B - {long}", "from stderr"])
        labels = dict(rows[0][0])
        self.assertEqual((labels["container"], labels["container_id"], labels["stream"]),
                         ("shop-web", identity[:12], "stdout"))
        self.assertEqual(dict(rows[3][0])["stream"], "stderr")
        self.assertEqual(rows[0][1] % SECOND, 1, "the time of the record, to the nanosecond")

    TRACE = ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)",
             "Caused by: java.io.IOException: closed", "\tat a.B.e(B.java:3)"]

    def event_and_warnings(self, i):
        """An event on standard output, and a line of standard error behind each line of its trace."""
        nanosecond = i % 900 * 1_000_000
        text = self.record(f"{STAMP}.000 [main] ERROR a.B - number {i}\n", nanosecond=nanosecond)
        for n, line in enumerate(self.TRACE):
            text += self.record(line + "\n", nanosecond=nanosecond + n + 1)
            text += self.record(f"WARNING: {i} {n}\n", "stderr", nanosecond=nanosecond + n + 1)
        return text

    def assert_traces_are_whole(self, events):
        lines = {"stdout": [], "stderr": []}
        for labels, _, line in self.arrive(events * (1 + len(self.TRACE))):
            lines[dict(labels)["stream"]].append(line)
        self.assertEqual(sorted(lines["stdout"]), sorted(
            "\n".join([f"{STAMP}.000 [main] ERROR a.B - number {i}", *self.TRACE]) for i in range(events)))
        self.assertEqual(sorted(lines["stderr"]), sorted(
            f"WARNING: {i} {n}" for i in range(events) for n in range(len(self.TRACE))))

    def test_a_trace_between_whose_lines_the_other_stream_writes(self):
        folder = self.logs / "containers" / ("cd" * 32)
        folder.mkdir(parents=True)
        events = 300
        (folder / f"{'cd' * 32}-json.log").write_text("".join(self.event_and_warnings(i) for i in range(events)))
        agent = self.follow({"paths": [f"{self.logs}/containers/*/*-json.log"], "labels": {"app": "x"}})
        self.assert_traces_are_whole(events)
        now = time.time_ns()
        causes = self.server.range('{app="x",stream="stdout"} | root_cause="java.io.IOException"',
                                   now - 3600 * SECOND, now, limit=1000).json["data"]["result"]
        self.assertEqual(sum(len(found["values"]) for found in causes), events)
        self.assertEqual(agent.stop(), 0)

    def test_both_streams_while_the_agent_is_killed(self):
        folder = self.logs / "containers" / ("ef" * 32)
        folder.mkdir(parents=True)
        source = {"paths": [f"{self.logs}/containers/*/*-json.log"], "labels": {"app": "x"}}
        part, parts = 150, 12
        with open(folder / f"{'ef' * 32}-json.log", "w") as f:
            for number in range(parts):
                agent = self.follow(source, name=f"agent{number}")
                before = len(self.entries())
                for i in range(number * part, (number + 1) * part):
                    f.write(self.event_and_warnings(i))
                    if i % 7 == 0:
                        f.flush()
                f.flush()
                # In the middle of it: something has arrived, and more is on its way.
                wait_until(lambda: len(self.entries()) > before, PATIENCE, "news")
                agent.kill()
        self.follow(source, name="last")
        self.assert_traces_are_whole(part * parts)

    def test_cri_logs_of_pods_by_their_links(self):
        pod = self.logs / "pods/prod_shop-7d9_0a1b/web"
        pod.mkdir(parents=True)
        path = pod / "0.log"
        links = self.logs / "containers"
        links.mkdir()
        (links / f"shop-7d9_prod_web-{'c' * 64}.log").symlink_to(path)
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60))

        def write(numbers):
            with open(path, "a") as f:
                for i in numbers:
                    f.write(f"{second}.{i:09}Z stdout P {STAMP}.000 INFO a -\n")
                    f.write(f"{second}.{i:09}Z stdout F  number {i}\n")

        def expect(count):
            rows = self.arrive(count)
            self.assertEqual([line for _, _, line in rows], [f"{STAMP}.000 INFO a - number {i}" for i in range(count)])
            for labels, _, _ in rows:
                labels = dict(labels)
                self.assertEqual((labels["namespace"], labels["pod"], labels["container"]), ("prod", "shop-7d9", "web"))
        write(range(100))
        source = {"paths": [f"{links}/*.log"], "labels": {"app": "x"}}
        agent = self.follow(source)
        self.arrive(100)
        # The kubelet renames, and the link leads to the next file.
        path.rename(pod / "0.log.20261121-100000")
        write(range(100, 200))
        expect(200)
        # And packs, here while no agent is there.
        self.assertEqual(agent.stop(), 0)
        write(range(200, 250))
        path.rename(pod / "0.log.20261121-110000")
        write(range(250, 270))
        path.rename(pod / "0.log.20261121-113000")
        write(range(270, 300))
        subprocess.run(["gzip", pod / "0.log.20261121-110000"], check=True)
        agent = self.follow(source, name="second")
        expect(300)
        # Who came back, or read its configuration again, still hears of rolls where the link leads to.
        for turn in range(2):
            if turn:
                agent.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "read again" in agent.told(), PATIENCE, "a reload")
            time.sleep(2.5)
            for at in range(300 + 100 * turn, 400 + 100 * turn, 20):
                write(range(at, at + 20))
                time.sleep(0.3)
                path.rename(pod / f"0.log.20261121-12{at:04}")
                time.sleep(0.1)
                (pod / f"0.log.20261121-12{at:04}").unlink()
            path.touch()
            expect(400 + 100 * turn)
        self.assertEqual(agent.stop(), 0)

    def test_nginx_and_tomcat(self):
        local = time.localtime(time.time() - 600)
        (self.logs / "access.log").write_text(
            time.strftime('10.0.0.1 - - [%d/%b/%Y:%H:%M:%S %z] "GET /a\\x22b HTTP/1.1" 404 153 "-" "curl"\n', local))
        (self.logs / "error.log").write_text(
            time.strftime("%Y/%m/%d %H:%M:%S [error] 7#7: *1 upstream timed out\n", local))
        (self.logs / "catalina.out").write_text(
            time.strftime("%d-%b-%Y %H:%M:%S.123 SEVERE [main] o.a.c.Server failed\n\tat a.B.c(B.java:1)\n", local))
        self.follow({"paths": [f"{self.logs}/*"], "format": "nginx"})
        self.arrive(3)
        for selector, field in [('|= "GET"', 'status="404"'), ('|= "upstream"', 'level="error"'),
                                ('|= "catalina" or "o.a.c"', 'level="SEVERE"')]:
            start = time.time_ns() - 3600 * SECOND
            rows = self.server.range(f'{{app="x"}} {selector} | {field}', start, time.time_ns()).json["data"]["result"]
            self.assertEqual(len(rows), 1, field)

    def test_standard_input_is_shipped_once_and_then_the_agent_ends(self):
        text = numbered(range(5000)).rstrip("\n")
        run = subprocess.run(
            [BINARY, "agent", "--server", f"http://127.0.0.1:{self.server.port}", "--label", "app=x",
             "--state", self.folder / "state", "-"], input=text.encode(), capture_output=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stderr.decode()[-2000:])
        self.assertEqual(sorted(number_of(l) for _, _, l in self.entries()), list(range(5000)))

    def test_standard_input_of_wide_characters(self):
        """Its last line has an end or none, or half a character; whoever comes next finds nothing in the way."""
        expected = 0
        for encoding, mark in (("utf-16le", b"\xff\xfe"), ("utf-16be", b"\xfe\xff"), ("utf-8", b"")):
            for end in ("\n", "", "\nx"):
                text = mark + (numbered(range(expected, expected + 20)).rstrip("\n") + end).encode(encoding)
                run = subprocess.run(
                    [BINARY, "agent", "--server", f"http://127.0.0.1:{self.server.port}", "--label", "app=x",
                     "--state", self.folder / "state", "-"], input=text[:-1] if end == "\nx" else text,
                    capture_output=True, timeout=PATIENCE)
                expected += 20
                self.assertEqual(run.returncode, 0, run.stderr.decode()[-2000:])
                found = sorted(number_of(l.splitlines()[0]) for _, _, l in self.entries())
                self.assertEqual(found, list(range(expected)), (encoding, end))

    def test_standard_input_of_wide_characters_goes_on_in_a_second_file(self):
        """A file is closed behind 16 MB, wherever reads of a pipe end; the next one begins as the first did."""
        expected = 0
        for encoding, mark, named in [("utf-16le", b"\xff\xfe", None), ("utf-16be", b"", "UTF-16"),
                                      ("utf-32le", b"\xff\xfe\0\0", "UTF-32"), ("utf-32be", b"", "UTF-32BE")]:
            with self.subTest(encoding=encoding, mark=mark):
                # The first line alone would tell the wrong order; each is as long as a power of two, and the mark
                # moves the lines' ends to where no block ends.
                width = 2 if "16" in encoding else 4
                lines = numbered(range(expected, expected + 9000)).splitlines()
                text = "시작하는 줄\n" + "".join(
                    l.replace("number", "p" * (2048 // width - 2 - len(l)) + " number") + "\n" for l in lines)
                state = self.folder / f"state-{expected}"
                config = self.folder / "wide.json"
                config.write_text(json.dumps({
                    "server": f"http://127.0.0.1:{self.server.port}", "labels": {"app": "x"},
                    "state": str(state), "sources": [{"paths": ["-"], **({"encoding": named} if named else {})}]}))
                with subprocess.Popen([BINARY, "agent", "--config", config], stdin=subprocess.PIPE,
                                      stderr=subprocess.PIPE) as run:
                    run.stdin.write(mark + text.encode(encoding))
                    run.stdin.flush()
                    wait_until(lambda: list((state / "stdin").glob("*-000002.log")), PATIENCE, "a second file")
                    run.stdin.close()
                    self.assertEqual(run.wait(PATIENCE), 0, run.stderr.read().decode()[-2000:])
                found = sorted(number_of(l) for _, _, l in self.entries() if "시작" not in l)
                expected += 9000
                self.assertEqual(found, list(range(expected)))

    def follow_first_fifty(self, path):
        """An agent that has shipped fifty lines of a file."""
        write(path, range(50))
        agent = self.follow({"paths": [f"{self.logs}/*.log"]})
        self.arrive(50)
        return agent

    def test_a_zip_that_was_rolled_while_the_agent_was_away(self):
        path = self.logs / "app.log"
        self.follow_first_fifty(path).kill()
        write(path, range(50, 100))
        for number, more in [(0, range(100, 150)), (1, range(150, 160))]:
            with zipfile.ZipFile(self.logs / f"app-2026-01-08.{number}.log.zip", "w", zipfile.ZIP_DEFLATED) as z:
                z.write(path, f"app-2026-01-08.{number}.log")
            path.unlink()
            write(path, more)
        self.follow({"paths": [f"{self.logs}/*.log"]}, name="again")
        self.assertEqual([number_of(l) for _, _, l in self.arrive(160)], list(range(160)))

    def test_an_orphan_of_logbacks_beside_half_a_gz(self):
        """kill -9 while Logback packs leaves half a .gz and the whole text under a temporary name."""
        path = self.logs / "app.log"
        self.follow_first_fifty(path).kill()
        for number, more in [(0, range(50, 2000)), (1, range(2000, 4000))]:
            write(path, more)
            packed = gzip.compress(path.read_bytes())
            (self.logs / f"app-2026-01-08.{number}.log.gz").write_bytes(packed[:len(packed) // 2])
            path.rename(self.logs / f"app-2026-01-08.{number}.log107150370982{number}.tmp")
        write(path, range(4000, 4010))
        self.follow({"paths": [f"{self.logs}/*.log"]}, name="again")
        rows = self.arrive(4010)
        self.assertEqual(sorted(number_of(l) for _, _, l in rows), list(range(4010)))


if __name__ == "__main__":
    import unittest
    unittest.main()
