#!/usr/bin/env python3
"""Volumes by all methods: CSI snapshots, clones, block mode, who may use it, what is left behind."""
import hashlib
import os
import threading

import csi_support
import support

BLOCK = 1 << 20


class Snapshots(csi_support.CsiCase):
    def start_app(self):
        self.claim(storage_class="csi")
        self.pod()
        return self.volume_directory()

    def test_of_a_volume_in_use(self):
        directory = self.start_app()
        support.fill_directory(directory)
        os.sync()
        expected = support.describe_tree(directory)
        self.backup("create", "-n", self.namespace)
        volume = self.assert_protected("snapshot")
        self.assertGreater(volume["files"], 200)
        self.assertEqual("snapshot", volume["consistency"])
        self.assert_same(expected)
        self.assert_nothing_left()
        # The copy has the inodes and times of the volume: nothing is read or sent again.
        self.backup("create", "-n", self.namespace)
        again = self.assert_protected("snapshot")
        self.assertEqual(0, again["bytesSent"], again)
        self.assertEqual(0, again["bytesRead"], again)
        self.assert_nothing_left()

    def test_is_of_one_instant(self):
        """Two counters, far apart in reading order, that never differ by more than one."""
        directory = self.start_app()
        for number in range(8):
            (directory / f"m{number}").write_bytes(os.urandom(4 << 20))
        stop = threading.Event()

        def count():
            number = 0
            while not stop.is_set():
                number += 1
                for name in ("a", "z"):
                    half = directory / ("." + name)
                    half.write_text(str(number))
                    half.rename(directory / name)
        writer = threading.Thread(target=count)
        writer.start()
        try:
            self.backup("create", "-n", self.namespace)
        finally:
            stop.set()
            writer.join()
        self.assert_protected("snapshot")
        first, last = (int(self.backup("cat", f"latest:{self.namespace}/data/{name}").out) for name in ("a", "z"))
        self.assertIn(first - last, (0, 1))
        self.assert_nothing_left()

    def test_method_that_the_flag_says(self):
        directory = self.start_app()
        for method, consistency in (("live", "crash"), ("snapshot", "snapshot"), ("clone", "snapshot")):
            with self.subTest(method=method):
                (directory / "file").write_text(method)
                os.sync()
                self.backup("create", "-n", self.namespace, f"--volumes={method}")
                volume = self.assert_protected(method)
                self.assertEqual((f"--volumes={method}", consistency),
                                 (volume["rule"].partition(":")[0], volume["consistency"]))
                self.assertEqual(method, self.content("file"))
                self.assert_nothing_left()

    def test_flag_that_says_snapshot_where_there_are_none(self):
        """Never what is in use: a clone, and where that cannot be Failed."""
        self.claim(storage_class="csi", annotations={"kubectl-backup/snapshot-class": "none-of-that-name"})
        self.claim("local")
        self.pod_with({"/data": "data", "/local": "local"})
        (self.volume_directory() / "file").write_text("content")
        os.sync()
        self.backup("create", "-n", self.namespace, "--volumes=snapshot", code=3)
        self.assertIn("none-of-that-name", self.assert_protected("clone")["rule"])
        self.assertEqual("content", self.content("file"))
        volume = self.volume("local")
        self.assertEqual(("Failed", "SnapshotFailed"), (volume["outcome"], volume["reason"]), volume)
        self.assert_nothing_left("data", "local")

    def test_clone_when_the_policy_says_so(self):
        (self.start_app() / "file").write_text("content")
        os.sync()
        self.backup("create", "-n", self.namespace, "--policy", self.policy({"action": "clone"}))
        self.assert_protected("clone")
        self.assertEqual("content", self.content("file"))
        self.assert_nothing_left()

    def test_of_a_claim_that_nobody_uses(self):
        self.claim(storage_class="csi-immediate")
        (self.volume_directory() / "file").write_text("lonely")
        os.sync()
        self.backup("create", "-n", self.namespace)
        self.assertEqual("Protected", self.volume()["outcome"], self.volume())
        self.assertEqual("lonely", self.content("file"))
        self.assert_nothing_left()

    def test_class_that_the_claim_names(self):
        """And that needs time: the cut is made at once, the copy is there later."""
        name = self.snapshot_class(readyAfter="6")
        self.claim(storage_class="csi", annotations={"velero.io/csi-volumesnapshot-class": name})
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        self.backup("create", "-n", self.namespace)
        self.assert_protected("snapshot")
        self.assertEqual("content", self.content("file"))
        self.assert_nothing_left()

    @support.alone
    def test_class_that_retains(self):
        """The content would outlive its snapshot, and the data the content: ours must not."""
        name = self.snapshot_class(deletion="Retain")
        (self.start_app() / "file").write_text("content")
        self.backup("create", "-n", self.namespace, "--policy", self.policy({"snapshotClass": name}))
        self.assert_protected("snapshot")
        self.assert_nothing_left()
        kept = self.state() / "csi" / "snapshots"
        self.wait_for(lambda: not list(kept.iterdir()), what="the driver to remove the snapshot")

    def test_claim_whose_volume_is_kept(self):
        """A class with reclaimPolicy Retain keeps the volumes of its claims; that of our copy must go all the same."""
        self.claim(storage_class=self.storage_class(reclaimPolicy="Retain", volumeBindingMode="WaitForFirstConsumer"))
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        os.sync()
        volume = self.get("-n", self.namespace, "get", "pvc", "data")["spec"]["volumeName"]
        self.addCleanup(self.kubectl, "patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
        for method in ("snapshot", "clone"):
            self.backup("create", "-n", self.namespace, "--policy", self.policy({"action": method}))
            self.assert_protected(method)
            self.assertEqual("content", self.content("file"))
            self.assert_nothing_left()
        self.assertEqual("Retain", self.get("get", "pv", volume)["spec"]["persistentVolumeReclaimPolicy"])

    def test_copy_is_made_for_the_node_of_the_application(self):
        """With a class that waits for the first pod, a copy is bound for the node where the application runs."""
        (self.start_app() / "file").write_text("content")
        node = self.get("-n", self.namespace, "get", "pod", "app")["spec"]["nodeName"]
        proxy = self.proxy()
        # Before there is a mover that could make the scheduler choose, the claim says where.
        proxy.delay(1, 4, path=r"/pods(\?|$)", method="POST")
        process = self.start("create", "-n", self.namespace, environment=proxy.environment)
        chosen = set()
        while process.poll() is None:
            chosen |= {(claim["metadata"].get("annotations", {}).get("volume.kubernetes.io/selected-node"),
                        claim["spec"].get("volumeName") is not None)
                       for claim in self.get("-n", self.namespace, "get", "pvc")["items"]
                       if claim["metadata"]["name"] != "data"}
        self.finish(process)
        self.assert_protected("snapshot")
        self.assertIn((node, True), chosen)
        self.assertLessEqual({where for where, _ in chosen}, {node, None})
        self.assert_nothing_left()

    def test_read_only_copy(self):
        """Where it costs no copy, the claim made from the snapshot is for readers only."""
        name = self.snapshot_class(annotations={"kubectl-backup/read-only-copy": "true"})
        directory = self.start_app()
        support.fill_directory(directory)
        os.sync()
        expected = support.describe_tree(directory)
        modes, stop = set(), threading.Event()

        def look():
            while not stop.is_set():
                for claim in self.get("-n", self.namespace, "get", "pvc")["items"]:
                    if claim["metadata"]["name"] != "data":
                        modes.add(tuple(claim["spec"]["accessModes"]))
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            self.backup("create", "-n", self.namespace, "--policy", self.policy({"snapshotClass": name}))
        finally:
            stop.set()
            watcher.join()
        self.assertEqual({("ReadOnlyMany",)}, modes)
        self.assert_protected("snapshot")
        self.assert_same(expected)
        self.assert_nothing_left()

    @support.long
    def test_class_that_fails(self):
        """What the driver says is told: the volume is read live where any way will do..."""
        name = self.snapshot_class(fail="the pool is full")
        (self.start_app() / "file").write_text("content")
        self.backup("create", "-n", self.namespace, "--policy", self.policy({"snapshotClass": name}))
        self.assertIn("the pool is full", self.assert_protected("live")["message"])
        self.assertEqual("content", self.content("file"))
        self.assert_nothing_left()

    @support.long
    def test_class_that_fails_where_there_is_no_other_way(self):
        """... and else Failed."""
        policy = self.policy({"action": "snapshot", "snapshotClass": self.snapshot_class(fail="the pool is full")})
        self.start_app()
        self.backup("create", "-n", self.namespace, "--policy", policy, code=3)
        volume = self.volume()
        self.assertEqual(("Failed", "SnapshotFailed"), (volume["outcome"], volume["reason"]), volume)
        self.assertIn("the pool is full", volume["message"])
        self.assert_nothing_left()

    def test_clone_that_the_driver_refuses(self):
        self.claim(storage_class=self.storage_class(parameters={"clones": "refuse"}))
        self.pod()
        self.backup("create", "-n", self.namespace, "--policy", self.policy({"action": "clone"}), code=3)
        self.assertIn("clones are not supported", self.volume()["message"])
        self.assert_nothing_left()

    def test_rules_of_a_policy_by_label_driver_and_class(self):
        for name in ("one", "two"):
            self.claim(name, storage_class="csi-immediate")
        self.claim("three")
        self.pod(claim="three")
        self.kubectl("-n", self.namespace, "label", "pvc", "one", "tier=scratch")
        self.wait_for(lambda: all(claim["status"]["phase"] == "Bound" for claim in
                                  self.get("-n", self.namespace, "get", "pvc")["items"]), what="volumes")
        policy = self.home / "policy.yaml"
        policy.write_text(f"""apiVersion: kubectl-backup/v1
kind: Policy
scope: {{namespaces: {self.namespace}}}
volumes:
- {{name: by label, match: {{selector: "tier=scratch"}}, action: skip}}
- {{name: by driver, match: {{drivers: ["csi.tests.*"]}}, action: snapshot}}
- {{name: by class, match: {{storageClasses: ["stand*"]}}, action: skip}}
""")
        self.backup("create", "--policy", policy)
        found = {volume["claim"]: (volume["outcome"], volume.get("method", ""),
                                   volume.get("rule", "") + volume.get("message", ""))
                 for volume in self.ledger()["volumes"]}
        for claim, outcome, method, rule in (("one", "Skipped", "", "by label"), ("two", "Protected", "snapshot", "by driver"),
                                             ("three", "Skipped", "", "by class")):
            self.assertEqual((outcome, method), found[claim][:2], claim)
            self.assertIn(rule, found[claim][2])

    def test_restricted_namespace(self):
        self.kubectl("label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce=restricted")
        self.claim(storage_class="csi")
        self.pod(security={"runAsNonRoot": True, "runAsUser": 12345, "runAsGroup": 12345,
                           "seccompProfile": {"type": "RuntimeDefault"}},
                 container_security={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}})
        self.in_pod("sh", "-c", "echo mine >/data/file")
        self.backup("create", "-n", self.namespace, code=None)
        self.assert_protected("snapshot")
        self.assertEqual("mine\n", self.content("file"))
        self.assert_nothing_left()


class Access(csi_support.CsiCase):
    def test_read_write_once_pod(self):
        """Nobody but the application's pod may have it, so it must be a copy."""
        self.claim(storage_class="csi", access="ReadWriteOncePod")
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        self.backup("create", "-n", self.namespace)
        self.assert_protected("snapshot")
        self.assertEqual("content", self.content("file"))
        self.assertEqual("", self.in_pod("sh", "-c", "echo more >>/data/file"))
        self.assert_nothing_left()

    def test_read_write_many_is_read_once(self):
        self.claim(storage_class="csi", access="ReadWriteMany")
        for name in ("app-1", "app-2", "app-3"):
            self.pod(name=name)
        (self.volume_directory() / "file").write_bytes(os.urandom(3 << 20))
        self.backup("create", "-n", self.namespace)
        self.assertEqual(1, len(self.ledger()["volumes"]))
        self.assertEqual(1, self.volume()["files"])
        self.assert_nothing_left()

    def test_several_claims_of_one_pod(self):
        claims = ["one", "two", "three"]
        for name in claims:
            self.claim(name, storage_class="csi")
        self.pod_with({f"/{name}": name for name in claims})
        for name in claims:
            (self.volume_directory(name) / "file").write_text(name)
        os.sync()
        for words in ([], ["--volumes=live"]):
            self.backup("create", "-n", self.namespace, *words)
            for name in claims:
                self.assert_protected("live" if words else "snapshot", name)
                self.assertEqual(name, self.content("file", name))
        self.assert_nothing_left(*claims)

    def test_globs(self):
        self.claim(storage_class="csi", annotations={"kubectl-backup/exclude-paths": "cache/**,*.tmp"})
        self.pod()
        directory = self.volume_directory()
        for name in ("keep/a.txt", "keep/b.tmp", "cache/deep/c.txt", "d.tmp", "e.txt"):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(name)
        os.sync()
        self.backup("create", "-n", self.namespace)
        restored = self.restored()
        found = {str(path.relative_to(restored)) for path in restored.rglob("*") if path.is_file()}
        self.assertEqual({"keep/a.txt", "e.txt"}, found)
        self.assert_nothing_left()


class Blocks(csi_support.CsiCase):
    """Block mode: an image, whose holes stay holes."""

    def setUp(self):
        super().setUp()
        self.claim(storage_class="csi", mode="Block", size="256Mi")
        self.pod_with({}, devices={"/dev/disk": "data"})
        for place in (0, 100, 255):
            self.write(place, b"block %d " % place)

    def write(self, place, word):
        path = self.home / "pattern"
        path.write_bytes((word * BLOCK)[:BLOCK])
        self.kubectl("-n", self.namespace, "cp", path, "app:/tmp/pattern")
        self.in_pod("dd", "if=/tmp/pattern", "of=/dev/disk", "bs=1048576", f"seek={place}", "conv=notrunc,fsync")

    def hash_in_pod(self):
        return self.in_pod("sha256sum", "/dev/disk").split()[0]

    def image(self):
        path = self.home / support.random_word()
        self.backup("cp", f"latest:namespaces/{self.namespace}/volumes/data.img", path)
        return path

    def check(self, method, *words):
        self.backup("create", "-n", self.namespace, *words)
        volume = self.assert_protected(method)
        self.assertEqual(256 * BLOCK, volume["bytes"], volume)
        image = self.image()
        self.assertEqual(256 * BLOCK, image.stat().st_size)
        self.assertEqual(self.hash_in_pod(), hashlib.sha256(image.read_bytes()).hexdigest())
        self.assertLess(image.stat().st_blocks * 512, 16 * BLOCK, "holes are holes")
        self.assert_nothing_left()
        return volume

    def test_by_snapshot(self):
        self.check("snapshot")
        again = self.check("snapshot")
        self.assertLess(again["bytesSent"], 64 << 10, again)
        self.write(50, b"new ")
        self.assertLess(self.check("snapshot")["bytesSent"], 16 * BLOCK)

    def test_live(self):
        self.check("live", "--volumes=live")


if __name__ == "__main__":
    support.run()
