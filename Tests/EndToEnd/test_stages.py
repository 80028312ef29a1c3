"""Rules and stages of agent.yaml: what is dropped, changed, sampled and blotted out, exactly once."""
import json
import random
import time

from harness import PATIENCE, SECOND, EndToEndCase, free_port, wait_for_metric, wait_until

BASE = int(time.time()) - 3600


def stamp(second):
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.localtime(BASE + second))


class Stages(EndToEndCase):
    def setUp(self):
        super().setUp()
        self.log, self.config = self.folder / "app.log", self.folder / "agent.yaml"

    def configured(self, server, source, name="agent", more=""):
        self.config.write_text(
            f"server: http://127.0.0.1:{server.port}\nstate: {self.folder}/state\nlabels: {{ app: shop }}\n{more}"
            f"batch: {{ bytes: 20000, age_seconds: 0.1 }}\nsources:\n  - paths: ['{self.log}']\n{source}")
        return self.agent("--config", self.config, name=name)

    def rows(self, server, query='{app="shop"}'):
        return [row for row in server.lines(query, (BASE - 60) * SECOND, time.time_ns() + SECOND)]

    def test_what_is_hidden_in_the_line_is_hidden_beside_it(self):
        """Whatever makes metadata of a line: by then the words that told the secret may be gone."""
        server, at = self.serve(), stamp(0)
        sources = [
            ("layout: { json: logstash }", f'{{"@timestamp":"{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BASE))}","message":"hi '
             '{\\"password\\":\\"SECRET0\\"}","logger_name":"a.B","thread_name":"main","level":"INFO","accessToken":"SECRET1",'
             '"authorization":"Bearer SECRET2abcdef"}'),
            ("layout: { pattern: '%d %-5level %logger [token=%X{token}] - %msg%n' }", f"{at.replace('.000', ',000')} INFO  a.B [token=SECRET3] - hello"),
            ("fields: [{ name: pw, regex: 'password=(\\S+)', as: metadata }]", f"{at} INFO  a.B - login password=SECRET4 user=x"),
            ("stages: ['| json', '| line_format \"{{.msg}}\"']", '{"msg":"x","password":"SECRET5"}'),
            ("stages: ['| logfmt']", "msg=x password=SECRET6 token=SECRET7"),
            ("redact: [{ name: user, regex: '(user=)\\S+', with: '${1}***' }]\n    fields: [{ name: user, regex: 'user=(\\S+)', as: metadata }]",
             f"{at} INFO  a.B - user=SECRET8 came"),
            # A part of a secret that is the same as a label's value is no secret.
            ("stack_traces: true", f"{at} INFO  a.B - login failed token=shop-SECRET9")]
        self.config.write_text(
            f"server: http://127.0.0.1:{server.port}\nstate: {self.folder}/state\nlabels: {{ app: shop }}\nredact: [tokens]\nsources:\n"
            + "".join(f"  - paths: ['{self.folder}/{i}.log']\n    {what}\n" for i, (what, _) in enumerate(sources)))
        for i, (_, line) in enumerate(sources):
            (self.folder / f"{i}.log").write_text(line + "\n")
        agent = self.agent("--config", self.config)
        wait_until(lambda: len(self.rows(server)) >= len(sources), PATIENCE, "all lines")
        rows = self.rows(server)
        self.assertEqual(len(rows), len(sources))
        for labels, _, line in rows:
            self.assertNotIn("SECRET", f"{labels} {line}")
        self.assertEqual(sum("<token>" in str(labels) for labels, _, _ in rows), len(rows) - 2)
        self.assertEqual(sum("<user>" in str(labels) for labels, _, _ in rows), 1)
        self.assertEqual(agent.stop(), 0)

    def test_rules_hold_across_crashes_and_are_told(self):
        server, metrics = self.serve(), free_port()
        source = ("    drop: ['|= \"health\"']\n    sample: { debug: 0.25 }\n    redact: [cards, email]\n"
                  "    stages: ['| line_format \"{{ __line__ }} {{ .app }}\"']\n")
        more = f"metrics_listen: 127.0.0.1:{metrics}\n"
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        texts = []
        # The last agent begins before the last lines are written: its own metrics tell what it dropped.
        count = 6500
        for i in range(count):
            # The last event is shipped last: what it waits for has come by then.
            kind = chance.choice(["health", "DEBUG", "INFO", "card"]) if i < count - 1 else "INFO"
            level = "DEBUG" if kind == "DEBUG" else "INFO "
            words = {"health": "GET /health", "card": "paid by 4111 1111 1111 1111 of kim@shop.co.kr"}.get(kind, "work")
            texts.append((kind, f"{stamp(i // 100)} [main] {level} a.B - {words} #{i}"))
        agent = self.configured(server, source, more=more)
        for at in range(0, count, 500):
            with open(self.log, "a") as f:
                f.write("".join(text + "\n" for _, text in texts[at:at + 500]))
            if at % 1000 == 500:
                time.sleep(chance.random() * 0.3)  # where in its work it is killed is left to chance
                agent.kill()
                agent = self.configured(server, source, name=f"agent-{at}", more=more)
        last = f"#{count - 1} shop"
        wait_until(lambda: any(last in line for _, _, line in self.rows(server)), PATIENCE, "the last line")
        found = [line for _, _, line in self.rows(server)]
        self.assertEqual(len(found), len(set(found)), "repeated")
        wanted = [text.replace("4111 1111 1111 1111", "<card>").replace("kim@shop.co.kr", "<email>") + " shop"
                  for kind, text in texts if kind in ("INFO", "card")]
        self.assertEqual([line for line in found if "DEBUG" not in line], wanted)
        debug = sum(kind == "DEBUG" for kind, _ in texts)
        sampled = sum("DEBUG" in line for line in found)
        self.assertTrue(0.18 * debug < sampled < 0.32 * debug, f"{sampled} of {debug}")
        wait_for_metric(metrics, 'cordwood_agent_dropped_total{why="drop: |= \\"health\\""}')
        self.assertEqual(agent.stop(), 0)
        ledger = [json.loads(line) for line in (self.folder / "state/ledger.jsonl").read_text().splitlines()]
        status = json.loads(self.run_cordwood("agent", "status", "--config", self.config, "--json").stdout)
        self.assertGreater(status["dropped"]['drop: |= "health"'], 0)
        self.assertEqual(status["notShipped"], [])
        health = [r for r in ledger if r.get("what") == "set aside" and "health" in r.get("why", "")]
        self.assertTrue(health)
        # The same rules over the same bytes choose the same entries.
        again = self.serve(self.folder / "again", name="again")
        (self.folder / "state").rename(self.folder / "before")
        self.configured(again, source, name="afresh")
        wait_until(lambda: len(self.rows(again)) >= len(found), PATIENCE, "the same entries")
        self.assertEqual([line for _, _, line in self.rows(again)], found)

    def test_what_is_all_dropped_moves_the_position_on(self):
        server = self.serve()
        source = "    keep: ['|= \"never\"']\n"
        self.log.write_text("".join(f"{stamp(i)} [main] INFO  a.B - {i}\n" for i in range(2000)))
        agent = self.configured(server, source)

        def lag():
            files = self.agent_status("--config", self.config).get("files", [])
            return files and files[0]["acknowledged"]

        # The last event waits for more lines, and is then shipped, or dropped, as well.
        wait_until(lambda: lag() == self.log.stat().st_size, PATIENCE, "the position at the end")
        self.assertEqual(self.rows(server), [])
        self.assertEqual(agent.stop(), 0)

    def test_a_stack_trace_is_one_entry_that_tells_what_failed(self):
        server = self.serve()

        def trace(line, proxy):
            return (f"{stamp(line)} [main] ERROR a.B - failed\njava.lang.IllegalStateException: no {line}\n"
                    f"\tat org.springframework.util.Assert.state(Assert.java:76)\n"
                    f"\tat com.shop.Pay.pay(Pay.java:{line})\n"
                    f"\tat com.shop.Pay$$EnhancerBySpringCGLIB$${proxy}.pay(<generated>)\n"
                    f"Caused by: java.net.ConnectException: refused\n\t... 3 common frames omitted\n")

        self.log.write_text(trace(7, "1a2b") + trace(9, "ffee") + f"{stamp(20)} [main] INFO  a.B - fine\n")
        self.configured(server, "")
        wait_until(lambda: len(self.rows(server)) == 3, PATIENCE, "three entries")
        labels = [dict(stream) for stream, _, _ in self.rows(server, '{app="shop"} | exception != ""')]
        self.assertEqual(len(labels), 2)
        self.assertEqual(labels[0]["exception"], "java.lang.IllegalStateException")
        self.assertEqual(labels[0]["root_cause"], "java.net.ConnectException")
        self.assertEqual([one["frame"] for one in labels], ["com.shop.Pay.pay(Pay.java:7)", "com.shop.Pay.pay(Pay.java:9)"])
        self.assertEqual(labels[0]["stack_hash"], labels[1]["stack_hash"])


if __name__ == "__main__":
    import unittest
    unittest.main()
