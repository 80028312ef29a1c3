"""Real Logback writes and rolls, the server stalls, the agent is killed: 0 lost, 0 repeated.

CORDWOOD_LOGBACK_MATRIX chooses what else is done to every scenario, beside a short run of each: `all`, or some of
`stall`, `kills`, `away`, `outage`, by commas. The outage lasts CORDWOOD_LOGBACK_OUTAGE seconds (600). Debian's
Logback does all of it, current Logback what differs in it, unless the matrix is asked for.
"""
import os
import random
import re
import socket
import time
import unittest

import current_logback
from harness import PATIENCE, wait_until
from logback_case import EVENTS, JARS, PER_SECOND, LogbackCase, compiled
from logback_scenarios import CURRENT, SCENARIOS

DISTURBANCES = ("stall", "kills", "away", "outage")
CHOSEN = os.environ.get("CORDWOOD_LOGBACK_MATRIX", "")
OUTAGE = float(os.environ.get("CORDWOOD_LOGBACK_OUTAGE", "600"))
KILLS = 50
# What is run of the matrix in any case, beside a short run of every scenario.
ALWAYS = {("kills", "size and time, gz, 200 KB"), ("away", "size and time, gz, 200 KB"), ("away", "fixed window"),
          ("away", "dated names, gz"), ("away", "dated folders")}
# All ways of rolling, packing and deleting; sizes are counted exactly since 1.5.8, and after so many events before.
ALWAYS_CURRENT = {("kills", "size and time, gz, 200 KB"), ("away", "dated names, gz")} | {("short", name) for name in (
    "size and time, zip", "minutes, three are kept", "fixed window", "fixed window, gz",
    "dated names without a file element", "dated folders", "prudent, two JVMs", "killed while it packs")}


class Disturbed(LogbackCase):
    def short(self, name):
        """The agent is killed once, and the server is away for five seconds."""
        self.begin(name)
        seconds = EVENTS / PER_SECOND
        time.sleep(seconds * 0.2)
        self.follower.kill()
        self.follow()
        time.sleep(seconds * 0.1)
        self.pause(5)
        self.expect_once("one kill, a stall")

    def pause(self, seconds):
        self.server.kill()
        # Nobody else may take the port meanwhile: another test's server would take what is sent.
        with socket.socket() as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind(("127.0.0.1", self.port))
            time.sleep(seconds)  # the disturbance that the test is about
        self.server = self.serve(port=self.port)

    def stall(self, name):
        self.begin(name)
        time.sleep(EVENTS / PER_SECOND * 0.2)
        self.pause(5)
        self.expect_once("a stall of 5 s")

    def kills(self, name):
        seed = random.randrange(1 << 32)
        print(f"\n{name}: seed {seed}", flush=True)
        chance = random.Random(seed)
        self.begin(name, per_second=PER_SECOND / 2)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 4 * EVENTS / PER_SECOND / KILLS))
            self.follower.kill()
            self.follow()
        self.expect_once(f"{KILLS} kills")

    def away(self, name):
        """Nothing is deleted: all that was rolled meanwhile is found, plain, packed and being packed."""
        # Some 10 MB are written: fewer files than the largest window has, so that none is deleted however long
        # the agent is away.
        size = {} if self.scenarios[name].is_killed else dict(size="600KB")
        self.begin(name, window=20, held_at=EVENTS // 10, **size)
        wait_until(lambda: self.count() > min(500, EVENTS // 20), PATIENCE, "the first events")
        self.follower.kill()
        rolled = self.rolls()
        self.release()
        wait_until(lambda: not self.application.is_alive() or rolled() >= 6, PATIENCE, "six rolls")
        self.follow()
        self.expect_once("away for five rolls")

    def outage(self, name):
        """A roll every 0.3 seconds while nothing can be shipped: Logback deletes most of them meanwhile."""
        # Logback 1.2 looks at the size after every 64 events, and an event takes 165 bytes or so: as many more
        # than the others have as it takes to roll in time.
        rate = 2 * EVENTS / OUTAGE
        kilobytes = max(1, round(rate * 0.3 * 0.13))
        sized = {} if self.scenarios[name].is_killed else dict(size=f"{kilobytes}KB")
        self.begin(name, events=2 * EVENTS, per_second=rate, **sized)
        wait_until(lambda: self.count() > 0, PATIENCE, "the first events")
        self.pause(OUTAGE)
        self.expect_once(f"an outage of {OUTAGE:.0f} s", 4 * PATIENCE)


class RealLogback(Disturbed):
    """The one that Debian has."""


class CurrentLogback(Disturbed):
    scenarios = CURRENT

    def class_path(self):
        return compiled([*current_logback.jars(), *JARS[3:]])


def _case(disturbance, name):
    return lambda self: getattr(self, disturbance)(name)


def _add(case, always):
    for name in case.scenarios:
        for disturbance in ("short", *DISTURBANCES):
            if CHOSEN == "all" or disturbance in CHOSEN.split(",") or (disturbance, name) in always:
                setattr(case, f"test_{disturbance}_" + re.sub(r"\W+", "_", name), _case(disturbance, name))


_add(RealLogback, ALWAYS | {("short", name) for name in SCENARIOS})
_add(CurrentLogback, ALWAYS_CURRENT)

if __name__ == "__main__":
    unittest.main()
