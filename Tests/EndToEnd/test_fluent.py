"""What SLF4J 2 and current Logback add to an event, key-value pairs foremost: in patterns and in Logback's own JSON."""
import dataclasses
import json
import os
import pathlib
import random
import re
import subprocess
import time
import unittest
import xml.sax.saxutils

import current_logback
from harness import PATIENCE, EndToEndCase, SECOND, wait_until

SOURCE = pathlib.Path(__file__).parent / "logback/FluentSource.java"
SEED = int(os.environ.get("CORDWOOD_SEED", "20261122"))
EVENTS = 200
LEVELS = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]
LOGGERS = ["com.acme.order.OrderService", "kr.co.acme.auth.LoginController", "Main"]
KEYS = ["orderId", "amount", "user.name", "way", "memo", "customer-type", "n_1"]
# Nothing that reads as the end of a value in the layouts that put no quotes around it, or others.
PLAIN = ["77", "-3", "true", "null", "KRW", "", "홍길동", "a=b", "https://acme.kr/o?id=1&x=2", "x,y;z", "[1]", "100%", "\\n"]
SPACED = ["서울시 강남구", "two words", " in front", "a = b", "left [x] right", "a - b", "3 - 4 -"]
QUOTED = {'"': ["it's", "'single'"], "'": ['6" wide', '"double"', '{"a": 1}'], "": []}
MASK = "XXX"


@dataclasses.dataclass
class Event:
    number: int
    level: str
    logger: str
    thread: str
    message: str
    arguments: list
    pairs: dict
    context: dict
    markers: list
    causes: list

    def line(self):
        """As FluentSource reads it."""
        many = lambda items: "".join(item + "\x1e" for item in items)
        dictionary = lambda pairs: many(f"{key}\x1f{value}" for key, value in pairs.items())
        return "\t".join([self.level, self.logger, self.thread, self.message, many(self.arguments), dictionary(self.pairs),
                          dictionary(self.context), many(self.markers), many(self.causes)]).replace("\n", "\x1d")

    def formatted(self):
        text = self.message
        for argument in self.arguments:
            text = text.replace("{}", argument, 1)
        return text


def field(key):
    """As names of metadata are."""
    return re.sub(r"\W", "_", key, flags=re.A)


def fields(pairs):
    """Blank values are not kept."""
    return {field(key): value for key, value in pairs.items() if value.strip()}


def events(chance, values):
    for number in range(EVENTS):
        pairs = {key: chance.choice(values) for key in chance.sample(KEYS, chance.choice([0, 1, 1, 2, 3, 5]))}
        arguments = [str(chance.randrange(1000)) for _ in range(chance.choice([0, 0, 1, 2]))]
        yield Event(
            number, chance.choice(LEVELS), chance.choice(LOGGERS), chance.choice(["main", "worker 1", "주문-처리-1"]),
            f"seq={number};" + "".join(" {}" for _ in arguments) + chance.choice(
                ["", " 주문 완료", "\nsecond line\n\n  fourth", ' k="v" is quoted', " key=value"]),
            arguments, pairs, {"traceId": f"{chance.getrandbits(64):x}"} if chance.random() < 0.7 else {},
            chance.choice([[], [], ["AUDIT"], ["AUDIT", "MONEY"]]),
            chance.choice([[], [], [], ["no stock"], ["broken pipe", "not sent\n2026-01-01 00:00:00.000 fake", "failed"]]))


class FluentCase(EndToEndCase):
    def write(self, encoders, written):
        """A file for each encoder, by real Logback; the configuration, and when writing began."""
        path = ":".join(map(str, current_logback.jars()))
        classes, self.logs = self.folder / "classes", self.folder / "logs"
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", path, "-d", classes, SOURCE], check=True)
        # The library lies beside the configuration: it tells which Logback that is for.
        (self.folder / current_logback.NAMES[0]).symlink_to(current_logback.jars()[0])
        configuration, wanted = self.folder / "logback.xml", self.folder / "events"
        # As Logback's manual begins its examples.
        configuration.write_text("<!DOCTYPE configuration>\n\n<configuration>" + "".join(
            f'<appender name="A{n}" class="ch.qos.logback.core.FileAppender"><file>{self.logs}/{n:02}.log</file>{encoder}'
            "</appender>" for n, encoder in enumerate(encoders)) + '<root level="TRACE">' + "".join(
                f'<appender-ref ref="A{n}"/>' for n in range(len(encoders))) + "</root></configuration>")
        wanted.write_text("".join(event.line() + "\n" for event in written))
        started = time.time_ns()
        run = subprocess.run(
            ["java", "-XX:TieredStopAtLevel=1", "-Duser.timezone=Asia/Seoul", "-cp", f"{classes}:{path}", "FluentSource",
             configuration, wanted], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return configuration, started

    def ship(self, configuration, total):
        """The agent gets the agent.yaml that `explain` prints, with a label more that tells the files apart."""
        server = self.serve()
        yaml = self.explained(configuration, server, "layout")
        (self.folder / "agent.yaml").write_text("zone: Asia/Seoul\n" + yaml)
        agent = self.agent("--config", self.folder / "agent.yaml")
        self.until = time.time_ns() + 3600 * SECOND
        wait_until(lambda: server.count('{app="shop"}', self.until, "1d") >= total, PATIENCE, f"all entries\n{agent.tail()}")
        self.assertEqual(agent.stop(), 0, agent.tail())
        return server

    def entries(self, server, number, started, written):
        """Time, line and metadata of each event, by its number."""
        answer = server.range(f'{{app="shop", layout="{number:02}"}}', started - 86_400 * SECOND, self.until, limit=5000)
        self.assertEqual(answer.status, 200, answer.text)
        rows = [(int(v[0]), v[1], stream["stream"]) for stream in answer.json["data"]["result"] for v in stream["values"]]
        found = dict(sorted((int(re.search(r"seq=(\d+);", line).group(1)), (at, line, labels)) for at, line, labels in rows))
        self.assertEqual((len(rows), sorted(found)), (len(written), list(range(len(written)))))
        return found

    def problem(self, found, event, expected, absent, started):
        """What is wrong with an entry: nothing, mostly."""
        at, line, labels = found[event.number]
        if not started - SECOND <= at <= self.until:
            return f"the time {at} of {line!r}"
        told = {name: labels.get(name) for name in dict.fromkeys(absent) | expected}
        wrong = [f"{name} is {value!r}, not {expected.get(name)!r}" for name, value in told.items()
                 if value != expected.get(name)]
        return ", ".join(wrong) + f", of {line!r}" if wrong else None

    def expect_none(self, problems):
        found = [problem for problem in problems if problem]
        if found:
            self.fail(f"{len(found)} of {len(problems)} events; the first: " + "\n".join(found[:3]))


class KeyValuePairs(FluentCase):
    def check(self, values, layouts):
        """`layouts`: patterns, and keys that they mask."""
        print(f"\nseed {SEED}", flush=True)
        written = list(events(random.Random(SEED), values))
        encoders = ["<encoder><pattern>" + xml.sax.saxutils.escape(pattern) + "</pattern></encoder>" for pattern, _ in layouts]
        configuration, started = self.write(encoders, written)
        server = self.ship(configuration, EVENTS * len(layouts))
        for number, (pattern, masked) in enumerate(layouts):
            found = self.entries(server, number, started, written)
            problems = []
            for event in written:
                pairs = {key: MASK if key in masked else value for key, value in event.pairs.items()}
                expected = {"level": event.level, "logger": event.logger, **fields(pairs)}
                problems.append(self.problem(found, event, expected, map(field, KEYS), started))
            with self.subTest(pattern=pattern):
                self.expect_none(problems)

    def everywhere(self, *words):
        """Where people put pairs: Logback's manual, in brackets, in front, and behind a message."""
        return [(pattern % word, masked) for word, masked in words for pattern in (
            "%%d [%%thread] %%-5level %%logger -%s- %%msg%%n", "%%d [%%thread] %%-5level %%logger [%s] - %%msg%%n",
            "%%d{yyyy-MM-dd HH:mm:ss.SSS} %%level %%logger | %s | %%msg%%n", "%%d %%level [%%logger] %%msg %s%%n")]

    def test_in_double_quotes(self):
        self.check(PLAIN + SPACED + QUOTED['"'], self.everywhere(
            ("%kvp", ()), ("%kvp{DOUBLE}", ()), ("%maskedKvp{amount, memo}", ("amount", "memo"))))

    def test_in_single_quotes(self):
        self.check(PLAIN + SPACED + QUOTED["'"], self.everywhere(
            ("%kvp{SINGLE}", ()), ("%kvp{single}", ()), ("%maskedKvp{SINGLE, way}", ("way",))))

    def test_without_quotes(self):
        # What holds blanks has no end that anybody could tell.
        self.check(PLAIN, self.everywhere(("%kvp{NONE}", ()), ("%kvp{none}", ())))

    def test_keys_like_the_words_of_the_layout(self):
        """And keys without a letter that names of metadata may have: servers refuse an entry with such a name."""
        written = [
            Event(0, "WARN", LOGGERS[0], "main", "seq=0; {}", ["1"], {
                "thread": "mine", "logger": "none", "level": "high", "marker": "m", "message": "hello", "exception": "no",
                "orderId": "7"}, {"thread": "theirs", "orderId": "8", "traceId": "t"}, ["AUDIT"], ["no stock"]),
            Event(1, "INFO", LOGGERS[1], "worker 1", "seq=1;", [], {"주문": "77", "번호": "5", "_": "x"}, {"고객": "홍길동"}, [], [])]
        layouts = ["%d [%kvp] [%X] [%thread] %-5level %logger [%marker] - %msg%n",
                   "%d %-5level [%thread] %logger [%marker] [%mdc] %msg %kvp%n"]
        configuration, started = self.write(
            [f"<encoder><pattern>{layout}</pattern></encoder>" for layout in layouts]
            + ['<encoder class="ch.qos.logback.classic.encoder.JsonEncoder"/>'], written)
        server = self.ship(configuration, len(written) * 3)
        self.assertFalse((self.folder / "state/refused.jsonl").exists(), "no entry is set aside")
        for number in range(3):
            first, second = self.entries(server, number, started, written).values()
            with self.subTest(number=number):
                self.assertEqual(
                    [first[2].get(name) for name in ("thread", "logger", "level", "marker", "exception", "traceId")],
                    ["main", LOGGERS[0], "WARN", "AUDIT", "java.lang.IllegalStateException", "t"])
                self.assertIn(first[2]["orderId"], ("7", "8"))
                self.assertEqual({name: value for name, value in second[2].items() if name.startswith("u_")}, {
                    "u_c8fc_bb38": "77", "u_bc88_d638": "5", "u_5f": "x", "u_ace0_ac1d": "홍길동"})
                if number == 2:
                    self.assertEqual(first[2]["message"], "seq=0; 1")


class OwnJSON(FluentCase):
    """Logback's JsonEncoder, as it is and with each of its members left out or put in."""
    VARIANTS = [
        {},
        {"FormattedMessage": True},
        {"FormattedMessage": True, "Message": False, "Arguments": False},
        {"SequenceNumber": False, "Nanoseconds": False, "Context": False},
        {"ThreadName": False, "LoggerName": False},
        {"MDC": False, "Markers": False},
        {"KVPList": False},
        {"Arguments": False},
        {"Throwable": False},
        {"Level": False},
        {"Timestamp": False},
    ]

    def test_members_that_are_there_and_that_are_not(self):
        print(f"\nseed {SEED}", flush=True)
        written = list(events(random.Random(SEED), PLAIN + SPACED + QUOTED['"'] + QUOTED["'"]))
        encoders = ['<encoder class="ch.qos.logback.classic.encoder.JsonEncoder">' + "".join(
            f"<with{member}>{str(is_there).lower()}</with{member}>" for member, is_there in variant.items()) + "</encoder>"
            for variant in self.VARIANTS]
        configuration, started = self.write(encoders, written)
        server = self.ship(configuration, EVENTS * len(encoders))
        for number, variant in enumerate(self.VARIANTS):
            found = self.entries(server, number, started, written)
            lines = (self.logs / f"{number:02}.log").read_text().splitlines()
            problems = [self.problem_of(found, event, line, variant, started) for event, line in zip(written, lines)]
            hashes = {(len(event.causes), found[event.number][2].get("stack_hash")) for event in written}
            with self.subTest(variant=variant):
                self.expect_none(problems)
                self.assertEqual(len(hashes), 3, f"one of each depth, and none without a trace: {hashes}")

    def problem_of(self, found, event, line, variant, started):
        at, entry, _ = found[event.number]
        if entry != line:
            return f"the line {entry!r}, not {line!r}"
        if "Timestamp" not in variant and at // 1_000_000 != json.loads(line)["timestamp"]:
            return f"the time {at} of {line!r}"
        expected, absent = self.members(event, variant), {field(key) for key in KEYS}
        return self.problem(found, event, expected, absent - expected.keys(), started)

    def members(self, event, variant):
        """What the entry tells, and with None what it does not."""
        of = lambda member, value: value if variant.get(member, True) else None
        # A message is formatted by the agent where nobody else has done it.
        formatted = event.formatted() if event.arguments and not variant.keys() & {"FormattedMessage", "Arguments"} else None
        trace = {name: of("Throwable", "java.lang.IllegalStateException") if event.causes else None
                 for name in ("exception", "root_cause")}
        return {
            "level": of("Level", event.level), "thread": of("ThreadName", event.thread),
            "logger": of("LoggerName", event.logger), "marker": of("Markers", " ".join(event.markers) or None),
            "traceId": of("MDC", event.context.get("traceId")), "message": formatted, **trace,
            **(fields(event.pairs) if variant.get("KVPList", True) else {})}


if __name__ == "__main__":
    unittest.main()
