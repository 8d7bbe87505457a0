#!/usr/bin/env python3
"""Volumes of kinds that any cluster has: folders and disks of a node, shared ones, emptyDirs, named ones, full disks."""
import os
import subprocess
import unittest

import support

MIB = 1 << 20


class KindCase(support.ClusterCase):
    def create(self, *words, code=0, status="Complete", **more):
        result = self.backup("create", "-n", self.namespace, *words, code=code, **more)
        self.assert_status(status)
        self.wait_for_nothing_left()
        return result


class Folders(KindCase):
    """PersistentVolumes made by hand: a folder of whichever node it is used on."""

    def test_folder_that_one_pod_uses(self):
        folder = self.host_path_claim("data")
        support.fill_directory(folder, files=30)
        self.pod()
        self.create()
        self.assertEqual(("Protected", "live"), (self.volume()["outcome"], self.volume()["method"]))
        out = self.home / "out"
        self.backup("restore", "latest", "--volume", f"{self.namespace}/data", "--to-directory", out)
        self.assertEqual(support.describe_tree(folder), support.describe_tree(out))

    def test_folder_that_nobody_uses(self):
        """Of a cluster of one node there is no doubt where it is."""
        (self.host_path_claim("data") / "file").write_text("lonely")
        self.create()
        self.assertEqual("idle", self.volume()["consistency"])
        self.assertEqual("lonely", self.content("file"))

    def test_folders_that_pods_share_are_read_once(self):
        size = 3 << 20
        for claim, mode in (("many", "ReadWriteMany"), ("readers", "ReadOnlyMany")):
            support.write_random(self.host_path_claim(claim, access=(mode,)) / "large", 3)
        for number in range(3):
            self.pod_of({"a": ("/many", "many"), "b": ("/readers", "readers")}, name=f"app-{number}")
        self.create()
        self.assertEqual(["many", "readers"], sorted(volume["claim"] for volume in self.ledger()["volumes"]))
        for claim in ("many", "readers"):
            volume = self.volume(claim)
            self.assertEqual(("Protected", 1, size), (volume["outcome"], volume["files"], volume["bytesRead"]), volume)
            self.assert_same_file("large", claim)

    def test_what_is_mounted_below(self):
        """A disk of its own for a folder of the volume belongs to the volume: the application sees both as one."""
        folder = self.host_path_claim("data")
        (folder / "file").write_text("outer")
        (folder / "disk").mkdir()
        self.in_node("mount", "-t", "tmpfs", "-o", "size=4m", "none", folder / "disk")
        self.addCleanup(self.in_node, "umount", "-l", folder / "disk")
        (self.node_root() / str(folder).lstrip("/") / "disk" / "file").write_text("inner")
        self.pod()
        self.assertEqual("inner", self.run_in("cat", "/data/disk/file").out)
        self.create()
        self.assertEqual("outer", self.content("file"))
        self.assertEqual("inner", self.content("disk/file"))

    @support.long
    def test_server_that_is_away(self):
        """An NFS server that does not answer: this volume is Failed in bounded time, and the rest is good.
        (A server that does answer needs one in the kernel, which few machines for tests have.)"""
        self.host_path_claim("gone", access=("ReadWriteMany",), source={"nfs": {"server": "192.0.2.1", "path": "/gone"}})
        (self.host_path_claim("data") / "file").write_text("content")
        self.pod()
        self.create(code=3, status="Incomplete", timeout=600)
        volume = self.volume("gone")
        self.assertEqual("Failed", volume["outcome"], volume)
        self.assertIn(volume["reason"], ("MoverFailed", "TimedOut"), volume)
        self.assertIn("does not start", volume["message"])
        self.assertEqual("content", self.content("file"))

    @support.alone
    def test_node_with_a_taint(self):
        """Where only those go who tolerate it: a mover goes with them."""
        taint = "kubectl-backup.test/only=some:NoSchedule"
        tolerations = [{"key": "kubectl-backup.test/only", "operator": "Equal", "value": "some", "effect": "NoSchedule"}]
        claims = {"own": "ReadWriteOnce", "shared": "ReadWriteMany"}
        for claim, mode in claims.items():
            (self.host_path_claim(claim, access=(mode,)) / "file").write_text(claim)
        storage = {}
        if self.has_snapshots():
            self.claim("copied", storage_class="csi")
            storage = {"copied": ("/copied", "copied")}
        node = self.get("get", "nodes")["items"][0]["metadata"]["name"]
        self.kubectl("taint", "node", node, taint)
        self.addCleanup(self.kubectl, "taint", "node", node, taint + "-", check=False)
        self.pod_of({**{claim: (f"/{claim}", claim) for claim in claims}, **storage}, tolerations=tolerations)
        if storage:
            self.run_in("sh", "-c", "echo copied >/copied/file; sync")
        self.create()
        for claim in claims:
            self.assertEqual(claim, self.content("file", claim))
        if storage:
            self.assertEqual("snapshot", self.volume("copied")["method"])
            self.assertEqual("copied\n", self.content("file", "copied"))


class Devices(KindCase):
    """A PersistentVolume made by hand of a disk of the node, in block mode."""

    SIZE = 64 << 20

    def make_disk(self):
        """A device, and the file in which its bytes are: words far apart, and holes."""
        path = self.state() / "host-paths" / f"{self.namespace}.img"
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as file:
            file.truncate(self.SIZE)
            for place in (0, 20 << 20, self.SIZE - MIB):
                file.seek(place)
                file.write(os.urandom(MIB))
        self.addCleanup(path.unlink)
        done = subprocess.run(["losetup", "--find", "--show", path], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("no loop devices: " + done.stderr)
        device = done.stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=True)
        return device, path

    def claim_of(self, device):
        node = self.get("get", "nodes")["items"][0]["metadata"]["name"]
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        self.host_path_claim("data", mode="Block", source={
            "local": {"path": device},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}})

    def use(self):
        self.pod_of({"data": ("", "data")}, container={
            "volumeMounts": [], "volumeDevices": [{"name": "data", "devicePath": "/dev/disk"}]})

    def stop_using(self):
        """And waits for the kubelet, which holds the device a moment longer than there is a pod."""
        self.kubectl("-n", self.namespace, "delete", "pod", "app", "--ignore-not-found")
        held = f"/{self.namespace}-data/"
        self.wait_for(lambda: held not in subprocess.run(
            ["losetup", "--noheadings", "--output", "BACK-FILE"], capture_output=True, text=True, check=True).stdout,
            what="the kubelet to let go of the device")

    def test_disk_of_the_node(self):
        device, path = self.make_disk()
        self.claim_of(device)
        self.use()
        self.addCleanup(self.stop_using)
        content = path.read_bytes()
        self.create()
        volume = self.volume()
        self.assertEqual(("Protected", "live", self.SIZE), (volume["outcome"], volume["method"], volume["bytes"]), volume)
        image = f"latest:namespaces/{self.namespace}/volumes/data.img"
        self.backup("cp", image, self.home / "image")
        self.assertEqual(content, (self.home / "image").read_bytes())
        self.assertLessEqual((self.home / "image").stat().st_blocks * 512, 4 * MIB, "holes are holes")
        # Onto the device itself, where its holes have become something else.
        self.run_in("dd", "if=/dev/urandom", "of=/dev/disk", f"bs={MIB}", f"count={self.SIZE // MIB}", "conv=fsync")
        self.assertNotEqual(content, path.read_bytes())
        self.stop_using()
        self.backup("cp", image, device)
        subprocess.run(["blockdev", "--flushbufs", device], check=True)
        self.assertEqual(content, path.read_bytes())


class Globs(KindCase):
    def setUp(self):
        super().setUp()
        folder = self.host_path_claim("data")
        for name in ("kept", "cache/left", "deep/left.tmp", "deep/kept"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name)

    def mark(self, **annotations):
        self.kubectl("-n", self.namespace, "annotate", "--overwrite", "pvc", "data",
                     *(f"kubectl-backup/{key.replace('_', '-')}={value}" for key, value in annotations.items()))

    def test_paths_that_are_left_out(self):
        self.mark(exclude_paths="cache,*.tmp")
        self.create()
        self.assertEqual(2, self.volume()["files"])
        self.assertEqual("deep/kept", self.content("deep/kept"))

    def test_paths_that_are_asked_for(self):
        self.mark(paths="deep/*")
        self.create()
        self.assertEqual(2, self.volume()["files"])

    def files(self):
        found = self.backup("find", "latest", "--type", "f", "-o", "json").json()["items"]
        place = f"{self.namespace}/volumes/data/"
        return sorted(entry["path"].partition(place)[2] for entry in found if place in entry["path"])

    def test_paths_that_k8up_leaves_out(self):
        arguments = '["--exclude", "*.tmp", "--exclude=/data/data/cache", "--exclude=/data/other/deep", "--one-file-system"]'
        self.kubectl("-n", self.namespace, "annotate", "pvc", "data", "k8up.io/backup-restic-args=" + arguments)
        self.create()
        self.assertEqual(["deep/kept", "kept"], self.files())

    def test_paths_of_a_policy(self):
        """Its include goes before the mark's, and what either leaves out is left out."""
        self.mark(paths="cache/*", exclude_paths="*.tmp")
        policy = self.home / "policy.yaml"
        policy.write_text("apiVersion: kubectl-backup/v1\nkind: Policy\nvolumes:\n"
                          "- {name: others, match: {claims: [other]}, include: [cache]}\n"
                          "- {name: some, match: {claims: ['da*']}, include: ['deep/*', ./kept], exclude: [./kept]}\n")
        self.create("--policy", policy)
        self.assertEqual(["deep/kept"], self.files())
        self.assertEqual(1, self.volume()["files"])

    def test_paths_that_match_nothing_are_not_green(self):
        self.mark(paths="uplaods/**")
        self.create(status="Warnings")
        volume = self.volume()
        self.assertEqual(0, volume.get("files", 0), volume)
        self.assertIn("match none of its 4 files", volume["message"])
        self.assertIn("match none of its 4 files", self.backup("describe", "latest").out)


class Named(KindCase):
    """Volumes that are no claim's, which a pod names."""

    def test_names_of_every_kind(self):
        folder = self.state() / "host-paths" / f"{self.namespace}-inline"
        folder.mkdir(parents=True)
        self.addCleanup(os.rmdir, folder)
        self.claim()
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}}), "other": ("/other", {"emptyDir": {}}),
                     "folder": ("/folder", {"hostPath": {"path": str(folder)}}), "data": ("/data", "data")},
                    annotations={"backup.velero.io/backup-volumes": "scratch,folder,data,scrtach"})
        self.run_in("sh", "-c", "echo kept >/scratch/file; echo claimed >/data/file; echo lost >/other/file")
        self.create(code=3, status="Incomplete")
        volumes = {volume["claim"]: volume for volume in self.ledger()["volumes"]}
        self.assertEqual("Protected", volumes["data"]["outcome"])
        self.assertEqual("Protected", volumes["app~scratch"]["outcome"], volumes)
        self.assertEqual("kept\n", self.content("file", "app~scratch"))
        # A folder of the node without a claim: nothing reads it, and that is said, not passed over.
        self.assertEqual(("Failed", "UnsupportedVolume"),
                         (volumes["app~folder"]["outcome"], volumes["app~folder"]["reason"]), volumes)
        self.assertNotIn("app~other", [name for name, volume in volumes.items() if volume["outcome"] == "Protected"])
        self.assertRegex(" ".join(self.ledger()["warnings"]), "scrtach")
        (folder / "x").unlink(missing_ok=True)

    def test_a_wrong_name_warns(self):
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}})}, annotations={"kubectl-backup/volumes": "scrtach"})
        self.create(status="Warnings")
        self.assertRegex(" ".join(self.ledger()["warnings"]), "scrtach")

    def test_another_volume_below(self):
        """A volume that the container mounts below the named one is read for itself, or not at all."""
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}}), "other": ("/scratch/inner", {"emptyDir": {}})},
                    annotations={"kubectl-backup/volumes": "scratch"})
        self.run_in("sh", "-c", "echo kept >/scratch/file; echo other >/scratch/inner/file")
        self.create()
        volume = self.volume("app~scratch")
        self.assertEqual(("Protected", 1), (volume["outcome"], volume["files"]), volume)
        left = self.run_in("sh", "-c", "ls -A /tmp").out
        self.assertNotIn("kubectl-backup", left)


class Inside(KindCase):
    """A mover in the application's own pod."""

    def start_scratch(self, megabytes=0, **container):
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}})}, annotations={"kubectl-backup/volumes": "scratch"},
                    container=container)
        self.run_in("sh", "-c", f"echo kept >/scratch/file; head -c {megabytes << 20} /dev/urandom >/scratch/large")

    def ephemeral_containers(self):
        return self.get("-n", self.namespace, "get", "pod", "app")["spec"].get("ephemeralContainers", [])

    def ephemeral_containers_have_ended(self):
        statuses = self.get("-n", self.namespace, "get", "pod", "app")["status"].get("ephemeralContainerStatuses", [])
        return bool(statuses) and all("terminated" in status["state"] for status in statuses)

    def kill_while_it_reads(self):
        process = self.start("create", "-n", self.namespace, "--limit-read", "2MiB")
        self.wait_for(lambda: self.movers_inside() or process.poll() is not None, what="the mover")
        self.kill(process)
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for(lambda: not self.movers_inside(), seconds=120, what="the mover to end")
        self.wait_for_nothing_left()

    def test_killed_then_cleanup(self):
        self.start_scratch(60)
        self.kill_while_it_reads()
        self.assertNotIn("kubectl-backup", self.run_in("sh", "-c", "ls -A /tmp /var/tmp /run").out)
        self.create()
        self.assertEqual("kept\n", self.content("file", "app~scratch"))

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ephemeral containers came later")
    def test_read_only_container_is_read_by_an_ephemeral_one(self):
        self.start_scratch(securityContext={"readOnlyRootFilesystem": True})
        self.create()
        self.assertEqual("kept\n", self.content("file", "app~scratch"))
        self.wait_for(self.ephemeral_containers_have_ended, seconds=120, what="the ephemeral container to end")

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ephemeral containers came later")
    def test_ephemeral_container_killed_then_cleanup(self):
        self.start_scratch(60, securityContext={"readOnlyRootFilesystem": True})
        self.kill_while_it_reads()
        self.wait_for(self.ephemeral_containers_have_ended, seconds=60, what="the ephemeral container to end")

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ReadWriteOncePod came with v1.22")
    def test_claim_for_one_pod_only(self):
        self.claim(access="ReadWriteOncePod")
        self.pod()
        (self.volume_directory() / "file").write_text("kept")
        self.create("--volumes=live")
        self.assertEqual("kept", self.content("file"))
        self.assertEqual([], self.ephemeral_containers())

    def read_in_an_ephemeral_container(self, *words):
        support.fill_directory(self.volume_directory(), files=30)
        result = self.create("--volumes=live", "--log", "volume=info", *words)
        volume = self.volume()
        self.assertEqual(("Protected", "live"), (volume["outcome"], volume["method"]), volume)
        self.assertIn("only inside pod app", volume["rule"])
        self.assertNotIn("made pod ", result.err)
        self.assertEqual({support.IMAGE}, {container["image"] for container in self.ephemeral_containers()})
        self.wait_for(self.ephemeral_containers_have_ended, seconds=120, what="the ephemeral container to end")
        out = self.home / "out"
        self.backup("restore", "latest", "--volume", f"{self.namespace}/data", "--to-directory", out)
        self.assertEqual(support.describe_tree(self.volume_directory()), support.describe_tree(out))

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ReadWriteOncePod came with v1.22")
    def test_claim_for_one_pod_only_that_is_read_only(self):
        """No second pod may have the claim, and in this one's container no program can be put."""
        self.claim(access="ReadWriteOncePod")
        self.pod(container_security={"readOnlyRootFilesystem": True})
        self.read_in_an_ephemeral_container()

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ReadWriteOncePod came with v1.22")
    def test_claim_for_one_pod_only_without_a_shell(self):
        """The ephemeral container needs one, so its image is not the pod's."""
        self.claim(access="ReadWriteOncePod")
        self.pod(image=support.NO_SHELL_IMAGE, command=None)
        self.read_in_an_ephemeral_container("--mover-image", support.IMAGE)


class FullDisks(KindCase):
    def setUp(self):
        super().setUp()
        (self.host_path_claim("data") / "file").write_text("content")
        self.pod("keeper")

    def test_no_room_for_the_program(self):
        """The only place for programs in the container is full: an ephemeral container has its own, where there are such."""
        folder = self.state() / "host-paths" / f"{self.namespace}-full"
        folder.mkdir(parents=True)
        self.in_node("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder)
        self.addCleanup(os.rmdir, folder)
        self.addCleanup(self.in_node, "umount", "-l", folder)
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}}), "tmp": ("/tmp", {"hostPath": {"path": str(folder)}})},
                    annotations={"kubectl-backup/volumes": "scratch"},
                    container={"securityContext": {"readOnlyRootFilesystem": True}})
        self.run_in("sh", "-c", "echo kept >/scratch/file")
        if support.KUBERNETES == "v1.20":
            self.create(code=3, status="Incomplete", timeout=600)
            volume = self.volume("app~scratch")
            self.assertEqual(("Failed", "MoverFailed"), (volume["outcome"], volume.get("reason")), volume)
            self.assertTrue(volume["message"], volume)
        else:
            self.create(timeout=600)
            self.assertEqual("kept\n", self.content("file", "app~scratch"))
        self.assertEqual("content", self.content("file"))
        self.assertEqual("", self.run_in("ls", "-A", "/tmp").out)

    def test_application_over_its_limit(self):
        """The kubelet evicts a pod whose emptyDir is too large, and what was in it is gone: that volume is lost."""
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {"sizeLimit": "40Mi"}})},
                    annotations={"kubectl-backup/volumes": "scratch"})
        self.run_in("sh", "-c", "head -c 30000000 /dev/urandom >/scratch/large")
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "100KiB")
        self.wait_for(lambda: self.movers_inside() or process.poll() is not None, what="the mover")
        self.run_in("sh", "-c", "head -c 60000000 /dev/urandom >/scratch/more", check=False)  # it may be ended meanwhile
        self.wait_for(lambda: self.get("-n", self.namespace, "get", "pod", "app")["status"].get("reason") == "Evicted",
                      seconds=100, what="the kubelet to evict the application")
        self.finish(process, code=3)
        volume = self.volume("app~scratch", "second")
        self.assertEqual("Failed", volume["outcome"], volume)
        self.assertIn(volume["reason"], ("MoverFailed", "NodeUnavailable"), volume)
        self.assertTrue(volume["message"], volume)
        self.assertEqual("content", self.content("file", point="second"))
        self.wait_for_nothing_left()


if __name__ == "__main__":
    support.run()
