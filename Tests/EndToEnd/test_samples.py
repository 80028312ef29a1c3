"""What the README tells a new user to do."""
import os
import shutil
import subprocess
import unittest

from harness import BINARY, PATIENCE, ROOT, EndToEndCase, free_port


class Demo(EndToEndCase):
    def test_the_demo_runs_once_and_leaves_nothing(self):
        port = free_port()
        run = subprocess.run([ROOT / "Samples/demo", "--once"], capture_output=True, timeout=8 * PATIENCE, text=True,
                             env={**os.environ, "CORDWOOD_DEMO_PORT": str(port), "CORDWOOD_DEMO_DATA": str(self.folder / "demo")})
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        for host in ("blue-1", "blue-2", "green-1", "green-2"):
            self.assertIn(f'host="{host}"', run.stdout)
        self.assertIn(f"http://127.0.0.1:{port}/metrics", run.stdout)
        self.assertIn("Stopped.", run.stdout)
        left = subprocess.run(["pgrep", "-f", str(self.folder)], capture_output=True, text=True)
        self.assertEqual(left.stdout, "", "processes left running")


class Service(EndToEndCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_systemd_understands_the_unit_and_finds_it_closed(self):
        unit = self.folder / "cordwood-agent.service"
        text = (ROOT / "Samples/cordwood-agent.service").read_text()
        unit.write_text(text.replace("/usr/local/bin/cordwood", BINARY))
        run = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        run = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", unit],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stdout[-2000:])


if __name__ == "__main__":
    unittest.main()
