#!/usr/bin/env python3
"""Volumes of two nodes: each is read where it is, and one whose node has gone is told."""
import os

import support


@support.alone
class Nodes(support.ClusterCase):
    """A cluster of two nodes; the second has local storage only. It takes a while to come and to be missed: one test."""

    def test_second_node(self):
        self.add_node()
        self.claim()
        self.start_over_there()
        (self.volume_directory() / "file").write_text("over there")
        self.claim("near", storage_class="csi-immediate" if self.has_snapshots() else "immediate")
        self.pod("app-near", claim="near")
        (self.volume_directory("near") / "file").write_text("here")
        os.sync()
        with self.subTest("volumes of two nodes"):
            self.check_volumes_of_two_nodes()
        with self.subTest("a folder of a node"):
            self.check_folder_of_a_node()
        with self.subTest("a node that goes away"):
            self.start_over_there()
            self.check_node_that_goes_away()

    def start_over_there(self):
        self.pod_of({"data": ("/data", "data")}, nodeSelector={"kubernetes.io/hostname": "node-2"})

    def check_volumes_of_two_nodes(self):
        self.backup("create", "-n", self.namespace)
        self.assert_protected("live")
        self.assert_protected("snapshot" if self.has_snapshots() else "live", "near")
        for claim, text in (("data", "over there"), ("near", "here")):
            self.assertEqual(text, self.content("file", claim))
        self.kubectl("-n", self.namespace, "delete", "pod", "app")
        self.backup("create", "-n", self.namespace)  # nobody uses it, but it is still over there
        self.assert_protected("live")
        self.wait_for_nothing_left()

    def check_folder_of_a_node(self):
        """It is read on the node of its pod; when nobody uses it nobody knows which node's is meant."""
        (self.host_path_claim("folder", access=("ReadWriteMany",)) / "file").write_text("there")
        self.pod_of({"folder": ("/folder", "folder")}, name="user", nodeName="node-2")
        process = self.start("create", "-n", self.namespace)
        nodes = set()
        while process.poll() is None:
            for pod in self.get("-n", self.namespace, "get", "pods", "-l", support.MANAGED_BY)["items"]:
                claims = [volume.get("persistentVolumeClaim", {}).get("claimName") for volume in pod["spec"]["volumes"]]
                if "folder" in claims and "nodeName" in pod["spec"]:
                    nodes.add(pod["spec"]["nodeName"])
        self.finish(process)
        self.assertEqual({"node-2"}, nodes)
        self.assertEqual("there", self.content("file", "folder"))
        self.kubectl("-n", self.namespace, "delete", "pod", "user")
        self.backup("create", "-n", self.namespace, code=3)
        volume = self.volume("folder")
        self.assertEqual(("Failed", "NodeUnavailable"), (volume["outcome"], volume["reason"]), volume)
        self.assertEqual("over there", self.content("file"))
        self.kubectl("-n", self.namespace, "delete", "pvc", "folder")

    def check_node_that_goes_away(self):
        """Its volume is Failed with a reason, in bounded time; the rest of the point is good."""
        support.write_random(self.volume_directory() / "large", 100)
        process = self.start("create", "cut", "-n", self.namespace, "--limit-read", "1MiB")
        self.wait_for(lambda: process.poll() is not None or "node-2" in self.kubectl(
            "-n", self.namespace, "get", "pods", "-l", support.MANAGED_BY,
            "--field-selector=status.phase=Running", "-o", "wide").out, what="a mover on the second node")
        self.cut_node()
        self.finish(process, code=3, timeout=900)
        volume = self.volume(point="cut")
        self.assertEqual(("Failed", "NodeUnavailable"), (volume["outcome"], volume["reason"]), volume)
        self.assertTrue(volume["message"], volume)
        self.assertEqual("Protected", self.volume("near", "cut")["outcome"])
        self.assertEqual("here", self.content("file", "near", "cut"))


if __name__ == "__main__":
    support.run()
