"""Names of files that are no UTF-8: nobody would look for what is not followed, so it is told."""
import os
import unittest

from harness import PATIENCE, EndToEndCase, wait_until

STAMP = b"2026-11-21 10:00:00.000 [main] INFO  a.B - "


class Names(EndToEndCase):
    def test_a_name_that_is_no_utf8_is_told_and_followed_when_renamed(self):
        logs = self.folder / "logs"
        logs.mkdir()
        korean = os.fsencode(logs) + b"/" + "주문.log".encode("cp949")
        with open(korean, "wb") as file:
            file.write(STAMP + b"seq=1\n")
        with open(os.fsencode(logs) + b"/\xff.txt", "wb") as file:
            file.write(b"not asked for\n")
        (logs / "주문 2.log").write_bytes(STAMP + b"seq=2\n")
        server = self.serve()
        state = self.folder / "state"
        agent = self.agent("--server", f"http://127.0.0.1:{server.port}", "--label", "app=names", "--state", state, f"{logs}/*.log")

        def status():
            result = self.run_cordwood("agent", "status", "--state", state)
            return result.stdout.decode()
        shown = f"{logs}/\\xc1\\xd6\\xb9\\xae.log"
        wait_until(lambda: f"no UTF-8 (rename it): {shown}" in status(), PATIENCE, "the name in the status")
        wait_until(lambda: server.count('{app="names"}', 1795352400_000000000, "25d") == 1, PATIENCE, "the other file")
        self.assertIn(f"{shown}", agent.told())
        self.assertNotIn("\\xff.txt", agent.told() + status())
        # One that comes later is noticed by the kernel's news.
        with open(os.fsencode(logs) + b"/\xb3.log", "wb") as file:
            file.write(b"x\n")
        wait_until(lambda: "\\xb3.log" in status(), PATIENCE, "the second name")
        os.rename(korean, logs / "renamed.log")
        wait_until(lambda: server.count('{app="names"}', 1795352400_000000000, "25d") == 2, PATIENCE, "the renamed file")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(agent.told().count("not followed: the name is no UTF-8"), 2)


if __name__ == "__main__":
    unittest.main()
