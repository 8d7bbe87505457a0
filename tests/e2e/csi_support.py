"""What tests of storage with snapshots share: the driver of the test clusters, and what copies may leave behind."""
import json
import os
import subprocess
import sys

import support

DRIVER = "csi.tests.kubectl-backup"
SNAPSHOT_CLASSES = "volumesnapshotclasses.snapshot.storage.k8s.io"
CREATED = ("persistentvolumes", "volumesnapshotcontents.snapshot.storage.k8s.io")


class CsiCase(support.ClusterCase):
    """Skipped where the cluster has no storage with snapshots."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shown = subprocess.run(["kubectl", "get", "storageclass", "csi"], capture_output=True,
                               env={**os.environ, **cls.cluster})
        if shown.returncode != 0:
            print(f"skipped: the {support.KUBERNETES} cluster has no CSI storage")
            sys.exit(support.SKIPPED)

    def pod_with(self, volumes, name="app", devices=None):
        """A pod that sleeps, with claims mounted (path -> claim) and as devices (path -> claim)."""
        claims = {claim: f"v{number}" for number, claim in
                  enumerate(sorted({*volumes.values(), *(devices or {}).values()}))}
        container = {
            "name": "app", "image": support.IMAGE, "imagePullPolicy": "IfNotPresent",
            "command": ["sleep", "1000000000"],
            "volumeMounts": [{"name": claims[claim], "mountPath": path} for path, claim in volumes.items()],
            "volumeDevices": [{"name": claims[claim], "devicePath": path} for path, claim in (devices or {}).items()]}
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": [container],
            "volumes": [{"name": volume, "persistentVolumeClaim": {"claimName": claim}}
                        for claim, volume in claims.items()]}}, namespace=self.namespace)
        self.wait_running(name)

    def in_pod(self, *words, pod="app"):
        return self.run_in(*words, pod=pod).out

    def owned(self):
        """Volumes and snapshots of this test's namespace, also those that a controller made for us."""
        found = set()
        for kind in CREATED:
            for item in self.get("get", kind)["items"]:
                spec = item["spec"]
                claim = spec.get("claimRef") or spec.get("volumeSnapshotRef") or {}
                if claim.get("namespace") == self.namespace:
                    found.add(f"{kind}/{claim['name']}")
        return found

    def assert_nothing_left(self, *claims):
        """Nothing but the volumes of these claims, neither of ours nor made for us."""
        wanted = {f"persistentvolumes/{claim}" for claim in claims or ("data",)}
        self.wait_for(lambda: not self.our_leftovers() and self.owned() == wanted, seconds=180,
                      what=lambda: f"an end of what is left: {json.dumps(self.our_objects(), indent=1)}"
                                   f" {self.owned()}")
        pods = [item["metadata"]["name"] for item in self.get("-n", self.namespace, "get", "pods")["items"]]
        self.assertEqual([], [name for name in pods if name != "app" and not name.startswith("app-")])

    def policy(self, *rules):
        path = self.home / "policy.yaml"
        path.write_text(json.dumps({"apiVersion": "kubectl-backup/v1", "kind": "Policy", "volumes": list(rules)}))
        return path

    def snapshot_class(self, deletion="Delete", annotations=None, **parameters):
        """A class of this test's own, that snapshots of its claims are to be made with."""
        name = "e2e-" + support.random_word(8)
        self.apply({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
                    "metadata": {"name": name, "annotations": annotations or {}},
                    "driver": DRIVER, "deletionPolicy": deletion, "parameters": parameters})
        self.addCleanup(self.kubectl, "delete", SNAPSHOT_CLASSES, name, "--wait=false", check=False)
        return name

    def storage_class(self, **how):
        """A class of this test's own."""
        name = "e2e-" + support.random_word(8)
        self.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                    "provisioner": DRIVER, **how})
        self.addCleanup(self.kubectl, "delete", "storageclass", name, check=False)
        return name

    def restored(self, claim="data", point="latest"):
        out = self.home / f"restored-{support.random_word()}"
        self.backup("restore", point, "--volume", f"{self.namespace}/{claim}", "--to-directory", out)
        return out

    def assert_same(self, expected, claim="data", point="latest"):
        """What describe_tree said of a volume's directory, against what the point has."""
        found = support.describe_tree(self.restored(claim, point))
        expected = {path: item for path, item in expected.items() if not path.startswith(b"lost+found")}
        found.pop(b"lost+found", None)
        self.assertEqual(expected, found)
