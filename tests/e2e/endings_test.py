#!/usr/bin/env python3
"""However a run that copies volumes ends, nothing of ours is left, at the latest after cleanup."""
import os
import signal
import time

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

    def our_contents(self):
        return [item for item in self.our_objects() if item["kind"] == "VolumeSnapshotContent"]

    def stored_snapshots(self, deletion):
        """The folders, in the storage, of our snapshots whose contents have this deletion policy."""
        return [self.state() / "csi" / "snapshots" / item["status"]["snapshotHandle"] for item in self.our_contents()
                if item["spec"]["deletionPolicy"] == deletion and item.get("status", {}).get("snapshotHandle")]

    def kill_and_clean_up_with(self, process, folders):
        """The storage's part goes, too."""
        self.assertEqual([True], [folder.exists() for folder in folders])
        self.kill_and_clean_up(process)
        self.wait_for(lambda: not folders[0].exists(), what="the storage to remove what it has")

    def test_before_a_class_that_retains_is_overruled(self):
        """The content would still outlive its snapshot when the run is killed."""
        self.start_app()
        proxy = self.proxy()
        proxy.hang(None, path="/volumesnapshotcontents/", method="PATCH", lists_only=False)
        process = self.start_until(lambda: self.stored_snapshots("Retain"), self.slow_snapshots(deletion="Retain"),
                                   environment=proxy.environment, what="the content")
        self.kill_and_clean_up_with(process, self.stored_snapshots("Retain"))

    def test_with_the_copy_of_a_class_that_retains_mounted(self):
        self.start_app()
        process = self.start_until_mover(self.slow_snapshots(deletion="Retain"))
        self.kill_and_clean_up_with(process, self.stored_snapshots("Delete"))

    def test_with_a_clone_mounted(self):
        """Also where the class keeps the volumes of its claims."""
        self.start_app(self.storage_class(reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer"))
        own = self.get("-n", self.namespace, "get", "pvc", "data")["spec"]["volumeName"]
        self.addCleanup(self.kubectl, "patch", "pv", own, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
        process = self.start_until_mover(self.policy({"action": "clone"}))
        volumes = [item["spec"] for item in self.our_objects() if item["kind"] == "PersistentVolume"]
        self.assertEqual(["Retain"], [spec["persistentVolumeReclaimPolicy"] for spec in volumes])
        self.kill_and_clean_up_with(process, [self.state() / "csi" / "volumes" / spec["csi"]["volumeHandle"]
                                              for spec in volumes])

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


@support.alone
class SlowStorage(EndingCase):
    """A copy's claim that goes while the storage still makes its volume: a class that retains must not keep that."""

    def setUp(self):
        super().setUp()
        self.start_app(self.storage_class(reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer"))
        self.own = self.get("-n", self.namespace, "get", "pvc", "data")["spec"]["volumeName"]
        self.addCleanup(self.let_volumes_go)
        self.driver = int((self.state() / "processes" / "csi-driver").read_text().split()[0])
        self.addCleanup(os.kill, self.driver, signal.SIGCONT)
        os.kill(self.driver, signal.SIGSTOP)

    def let_volumes_go(self):
        for item in self.get("get", "pv")["items"]:
            if item["spec"]["claimRef"]["namespace"] == self.namespace:
                self.kubectl("patch", "pv", item["metadata"]["name"], "-p",
                             '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')

    def our_claims(self):
        return [item["metadata"]["name"] for item in self.our_objects() if item["kind"] == "PersistentVolumeClaim"]

    def is_being_provisioned(self):
        return any(event["reason"] == "Provisioning" and event["involvedObject"]["name"] in self.our_claims()
                   for event in self.get("-n", self.namespace, "get", "events")["items"])

    def start_clone(self):
        return self.start_until(self.is_being_provisioned, self.policy({"action": "clone"}), what="the provisioner")

    def assert_waits(self, process):
        """For the volume: the claim is what leads to it."""
        time.sleep(5)
        self.assertIsNone(process.poll())
        self.assertEqual(1, len(self.our_claims()))

    def thaw(self):
        os.kill(self.driver, signal.SIGCONT)

    def assert_claim_stays(self, process, code):
        claim, = self.our_claims()
        out = self.finish(process, code=code, timeout=240)
        self.assertEqual([claim], self.our_claims())
        self.assertIn(claim, out)
        self.assertIn("cleanup", out)
        self.thaw()
        self.backup("cleanup", "-n", self.namespace)
        self.assert_nothing_left()

    def test_stopped_by_a_signal(self):
        process = self.start_clone()
        process.send_signal(signal.SIGTERM)
        self.assert_waits(process)
        self.thaw()
        self.finish(process, code=130, timeout=240)
        self.assert_nothing_left()

    def test_stopped_by_a_signal_and_the_storage_does_not_answer(self):
        process = self.start_clone()
        process.send_signal(signal.SIGTERM)
        self.assert_claim_stays(process, code=130)

    def test_killed_then_cleanup(self):
        self.kill(self.start_clone())
        cleanup = self.start("cleanup", "-n", self.namespace)
        self.assert_waits(cleanup)
        self.thaw()
        self.finish(cleanup)
        self.assert_nothing_left()

    def test_killed_then_cleanup_and_the_storage_does_not_answer(self):
        self.kill(self.start_clone())
        self.assert_claim_stays(self.start("cleanup", "-n", self.namespace, "--timeout", "5s"), code=3)


if __name__ == "__main__":
    support.run()
