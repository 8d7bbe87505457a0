#!/usr/bin/env python3
"""The README's first command, on a cluster of its own, twice, and its end."""
import os
import subprocess
import sys

import support


class Demo(support.Case):
    def demo(self, *words):
        return subprocess.run([support.TOP / "tests" / "demo", "--build", support.BIN.parent, *words], text=True,
                              capture_output=True, env={**self.environment, "XDG_CACHE_HOME": CACHE}, timeout=600)

    def test_twice_and_down(self):
        self.addCleanup(self.demo, "--down")
        for _ in range(2):
            done = self.demo()
            self.assertEqual(0, done.returncode, done.stdout[-3000:] + done.stderr[-3000:])
            self.assertIn("the same as before the damage", done.stdout)
        down = self.demo("--down")
        self.assertEqual(0, down.returncode, down.stdout + down.stderr)
        self.assertNotIn("kubectl-backup-demo", open("/proc/mounts").read())


# The built cluster is shared with all other tests; only homes are apart.
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")

if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: only root can start a cluster")
        sys.exit(support.SKIPPED)
    support.run()
