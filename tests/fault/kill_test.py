#!/usr/bin/env python3
"""kill -9 at any moment: the real program on a local repository, verb after verb, each killed after a
random time. After each kill verify finds nothing lost and points restore equal to a kept copy.

BACKUP_KILLS=1000 for the long run; BACKUP_SEED=<number> repeats a run (as far as time can be).
"""
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import support  # noqa: E402

KILLS = int(os.environ.get("BACKUP_KILLS", "50"))
SEED = int(os.environ.get("BACKUP_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KEPT_POINTS = 6
# How often each is run, and killed.
VERBS = {"import": 6, "forget": 2, "prune": 3, "verify": 1, "restore": 1, "hold": 1, "repair": 2}
# A hold that meets what is left of a forget that was killed promises nothing.
MAY_END_WITH = {"hold": (0, 3)}


def content_of(directory):
    """Path -> mode and hash of every file."""
    return {
        str(path.relative_to(directory)): (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


class Kill(support.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.source = self.home / "source"
        self.source.mkdir()
        for number in range(60):
            self.write(number)
        self.expected = {}  # name of a point, also of one that was never finished -> content
        self.committed = set()
        # Nobody counts on these any more. One may stand in a list all the same: it was forgotten, and the delete was
        # killed before it took the name away, which the next prune does.
        self.given_up = set()
        self.held = set()
        self.seconds = {}  # how long a verb takes when it is left alone
        self.killed = 0
        self.made = 0

    def write(self, number):
        folder = self.source / f"folder-{number % 5}"
        folder.mkdir(exist_ok=True)
        (folder / f"file-{number}").write_bytes(self.random.randbytes(self.random.choice([0, 300, 5000, 90000])))

    def flags(self, verb, *wanted):
        """Those of the flags that the verb has."""
        text = self.backup("help", verb).out
        return [flag for flag in wanted if flag.split("=")[0] in text]

    def words_for(self, verb):
        """The command line, or None when there is nothing to do for it."""
        if verb == "import":
            for _ in range(5):
                self.write(self.random.randrange(80))
            self.made += 1
            name = f"point-{self.made:05}"
            self.expected[name] = content_of(self.source)
            return ["import", "directory", self.source, "--as", "shop/data", "--name", name]
        if verb == "forget":
            if len(self.committed) < 3:
                return None
            name = self.random.choice(sorted(self.committed))
            self.give_free(name)
            return ["delete", name, *self.flags("delete", "--yes")]
        if verb == "hold":
            self.wanted = self.random.choice(sorted(self.committed))
            return ["hold", self.wanted]
        if verb == "repair":
            return ["repo", "repair", "--read-data"]
        if verb == "restore":
            target = self.home / "target"
            shutil.rmtree(target, ignore_errors=True)
            return ["restore", "latest", "--volume", "shop/data", "--to-directory", target]
        # Whoever was killed is dead for certain: no need to wait for its session.
        return [verb, *self.flags(verb, "--read-data", "--session-timeout=1s")]

    def give_free(self, name):
        """From here on nobody counts on the point."""
        if name in self.held:
            refused = self.backup("delete", name, *self.flags("delete", "--yes"), code=2)
            self.assertIn("under hold", refused.err)
        self.backup("hold", name, "--release")
        self.held.discard(name)
        self.committed.discard(name)
        self.given_up.add(name)

    def run_and_kill(self, verb, words):
        limit = self.seconds.setdefault(verb, 0.5)
        begin = time.monotonic()
        process = self.start(*words)
        try:
            # Some are left to finish; many die early, where most changes are made late.
            process.wait(self.random.uniform(0, 1.3) * limit)
        except subprocess.TimeoutExpired:
            process.kill()
            self.killed += 1
        _, errors = process.communicate()
        self.assertIn(process.returncode, (*MAY_END_WITH.get(verb, (0,)), -9), f"{verb} by itself: {errors}")
        if process.returncode == 0:
            self.seconds[verb] = 0.7 * limit + 0.3 * (time.monotonic() - begin)
            if verb == "import":
                self.committed.add(f"point-{self.made:05}")
            if verb == "hold":
                self.held.add(self.wanted)

    def list_points(self):
        """Names, oldest first."""
        items = self.backup("list", "-o", "json").json()["items"]
        return [point["name"] for point in sorted(items, key=lambda point: (point["created"], point["name"]))]

    def restore(self, name):
        target = self.home / f"look-{name}"
        self.backup("restore", name, "--volume", "shop/data", "--to-directory", target)
        self.assertEqual(self.expected[name], content_of(target), name)
        shutil.rmtree(target)

    def look(self, all_points):
        listed = self.list_points()
        self.assertEqual(set(), self.committed - set(listed), "committed points are gone")
        self.backup("verify", "--read-data")
        self.committed |= set(listed) - self.given_up
        looked_at = listed if all_points else {*listed[-1:], *self.random.sample(listed, min(1, len(listed)))}
        for name in looked_at:
            self.restore(name)

    def make_room(self):
        """So that a long run stays as fast as a short one."""
        while "delete" in self.verbs and len(self.committed) > KEPT_POINTS:
            oldest = min(self.committed)
            self.give_free(oldest)
            self.backup("delete", oldest, *self.flags("delete", "--yes"))
            for name in self.given_up & set(self.list_points()):
                self.backup("delete", name, *self.flags("delete", "--yes"))

    def test_kill(self):
        self.verbs = self.backup("help").out.split()
        self.backup("init")
        for verb in ("import", "verify", "restore", "prune"):
            if verb in self.verbs:
                begin = time.monotonic()
                self.backup(*self.words_for(verb))
                self.seconds[verb] = time.monotonic() - begin
        self.committed.add("point-00001")
        choices = [verb for verb, share in VERBS.items() for _ in range(share)
                   if verb in self.verbs or (verb == "forget" and "delete" in self.verbs)]
        while self.killed < KILLS:
            verb = self.random.choice(choices)
            words = self.words_for(verb)
            if words:
                self.run_and_kill(verb, words)
                self.look(all_points=False)
                self.make_room()
        self.look(all_points=True)
        for verb in ("import", "prune"):
            if verb in self.verbs:
                self.backup(*self.words_for(verb))
                self.committed |= {f"point-{self.made:05}"} if verb == "import" else set()
        self.look(all_points=True)
        print(json.dumps({"kills": self.killed, "verbs": sorted(set(choices)), "points made": self.made}))


if __name__ == "__main__":
    print(f"BACKUP_SEED={SEED}")
    unittest.main(verbosity=2)
