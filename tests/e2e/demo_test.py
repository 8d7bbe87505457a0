#!/usr/bin/env python3
"""The README's first command, on a cluster of its own, twice, and its end."""
import os
import pathlib
import subprocess
import sys

import support


class Demo(support.Case):
    def demo(self, *words):
        # Beside the demonstration that somebody may have running.
        command = [support.TOP / "tests" / "demo", "--name", "demo-test", "--build", support.BIN.parent]
        return subprocess.run([*command, *words], text=True, capture_output=True,
                              env={**self.environment, "XDG_CACHE_HOME": CACHE}, timeout=600)

    def test_twice_and_down(self):
        self.addCleanup(self.demo, "--down")
        for _ in range(2):
            done = self.demo()
            self.assertEqual(0, done.returncode, done.stdout[-3000:] + done.stderr[-3000:])
            self.assertIn("the same as before the damage", done.stdout)
        down = self.demo("--down")
        self.assertEqual(0, down.returncode, down.stdout + down.stderr)
        self.assertNotIn(str(self.home), pathlib.Path("/proc/mounts").read_text())


# The built cluster is shared with all other tests; only homes are apart.
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: only root can start a cluster")
        sys.exit(support.SKIPPED)
    support.run()
