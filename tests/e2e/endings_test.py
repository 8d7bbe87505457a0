#!/usr/bin/env python3
"""However a run that copies volumes ends, nothing of ours is left, at the latest after cleanup."""
import os
import signal

import csi_support
import support


class EndingCase(csi_support.CsiCase):
    def start_app(self, storage_class="csi"):
        self.claim(storage_class=storage_class)
        self.pod()
        (self.volume_directory() / "file").write_text("content")

    def slow_snapshots(self, **how):
        """Rules for snapshots that take a while until they can be used."""
        return self.policy({"action": "snapshot", "snapshotClass": self.snapshot_class(readyAfter="8", **how)})

    def is_left(self, kind):
        return any(name.startswith(kind) for name in self.our_leftovers())

    def start_until(self, is_there, rules, *words, what, environment=None):
        process = self.start("create", "broken", "-n", self.namespace, "--policy", rules, *words,
                             environment=environment)
        self.wait_for(lambda: is_there() or process.poll() is not None, what=what)
        self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
        return process

    def start_until_snapshot(self, rules, *words):
        return self.start_until(lambda: self.is_left("volumesnapshot"), rules, *words, what="the snapshot")

    def start_until_claim(self, rules):
        return self.start_slow_read(lambda: self.is_left("persistentvolumeclaim"), rules, what="the copy's claim")

    def start_until_mover(self, rules):
        return self.start_slow_read(self.our_movers, rules, what="the mover")

    def start_slow_read(self, is_there, rules, what):
        """Of a copy that takes a while to be read."""
        support.write_random(self.volume_directory() / "large", 30)
        os.sync()
        return self.start_until(is_there, rules, "--limit-read", "1MiB", what=what)


class Signals(EndingCase):
    def setUp(self):
        super().setUp()
        self.start_app()
        self.rules = self.slow_snapshots()

    def test_while_the_snapshot_is_cut(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                process = self.start_until_snapshot(self.rules)
                process.send_signal(number)
                self.finish(process, code=130, timeout=240)
                self.assertEqual([], self.our_leftovers())
                self.assert_nothing_left()
        self.assertEqual([], self.backup("list", "-o", "json").json()["items"])

    def test_with_the_copy_mounted(self):
        process = self.start_until_mover(self.rules)
        process.send_signal(signal.SIGTERM)
        self.finish(process, code=130, timeout=240)
        self.assert_nothing_left()


class Kills(EndingCase):
    """Nobody can do anything then: cleanup does it later."""

    def kill_and_clean_up(self, process):
        self.kill(process)
        self.assertNotEqual([], self.our_leftovers())
        self.backup("cleanup", "-n", self.namespace)
        self.assert_nothing_left()

    def test_while_the_snapshot_is_cut(self):
        self.start_app()
        self.kill_and_clean_up(self.start_until_snapshot(self.slow_snapshots()))

    def test_with_the_copys_claim(self):
        self.start_app()
        self.kill_and_clean_up(self.start_until_claim(self.slow_snapshots()))

    def test_with_the_copy_mounted(self):
        self.start_app()
        self.kill_and_clean_up(self.start_until_mover(self.slow_snapshots()))

    def test_cleanup_spares_what_is_in_use(self):
        self.start_app()
        # Slow enough to be at work when cleanup ends.
        support.write_random(self.volume_directory() / "large", 30)
        process = self.start_until_snapshot(self.slow_snapshots(), "--limit-read", "1MiB")
        before = self.our_leftovers()
        self.backup("cleanup", "-n", self.namespace)
        self.assertLessEqual(set(name for name in before if "snapshot" in name), set(self.our_leftovers()))
        self.finish(process)
        self.assert_nothing_left()


if __name__ == "__main__":
    support.run()
