#!/usr/bin/env python3
"""Marks on objects, claims and pods, ours and those of other tools: what they leave out, and that none is ever written."""
import support

VELERO = "velero.io/exclude-from-backup"
BY_POD = {"kubectl-backup/exclude-volumes": "one", "backup.velero.io/backup-volumes-excludes": "two"}
# What is said of a claim's data alone, on the claim: its object is stored.
DATA_MARKS = {"skipped": "kubectl-backup/data=skip", "k8up": "k8up.io/backup=false"}
# What leaves out the claim with its data.
OBJECT_MARKS = {"ours": "kubectl-backup/exclude=true", "velero": VELERO + "=true"}


class Marks(support.ClusterCase):
    """A claim for each mark; each volume has a file."""

    def setUp(self):
        super().setUp()
        claims = ["kept", "by-pod", "by-velero", *DATA_MARKS, *OBJECT_MARKS]
        for name in claims:
            self.claim(name, storage_class="immediate")
        for claim, mark in {**DATA_MARKS, **OBJECT_MARKS}.items():
            self.kubectl("-n", self.namespace, "label" if VELERO in mark else "annotate", "pvc", claim, mark)
        for name in ("plain", "labelled"):
            self.kubectl("-n", self.namespace, "create", "configmap", name)
        self.kubectl("-n", self.namespace, "label", "configmap", "labelled", VELERO + "=true")
        self.pod_of({"zero": ("/zero", "kept"), "one": ("/one", "by-pod"), "two": ("/two", "by-velero")}, annotations=BY_POD)
        for name in claims:
            (self.volume_directory(name) / "file").write_text(name)

    def check(self, ledger):
        """What is in, and of what is not the reason and the mark."""
        volumes = {volume["claim"]: volume for volume in ledger["volumes"]}
        self.assertTrue(volumes["kept"]["method"], volumes["kept"])
        marks = {**DATA_MARKS, **OBJECT_MARKS, **dict(zip(("by-pod", "by-velero"), BY_POD))}
        for claim, mark in marks.items():
            volume = volumes[claim]
            self.assertEqual(("Skipped", "ExcludedByMark"), (volume["outcome"], volume["reason"]), volume)
            self.assertEqual(mark.partition("=")[0], volume["message"].removeprefix("annotation "))
            self.assertNotIn("method", volume)
        left_out = {(entry["resource"], entry["count"]): entry["message"] for entry in ledger["lists"]
                    if entry.get("reason") == "ExcludedByMark"}
        self.assertEqual({("configmaps", 1), ("persistentvolumeclaims", 2)}, set(left_out), left_out)
        said = " ".join(left_out.values())
        for text in ("kubectl-backup/exclude", VELERO, "ours", "velero", "labelled"):
            self.assertIn(text, said)

    def test_dry_run_says_what_each_mark_leaves_out(self):
        self.check(self.backup("create", "-n", self.namespace, "--dry-run", "-o", "json").json()["ledger"])
        shown = self.backup("create", "-n", self.namespace, "--dry-run").out
        for mark in (*BY_POD, *(mark.partition("=")[0] for mark in DATA_MARKS.values()), VELERO):
            self.assertIn(mark, shown)

    def marks_there_are(self):
        """Annotations and labels of the namespace and of all in it, with the version of what nobody else changes."""
        items = [self.get("get", "namespace", self.namespace)]
        items += self.get("-n", self.namespace, "get", "pods,persistentvolumeclaims,configmaps,serviceaccounts")["items"]
        still = ("Namespace", "PersistentVolumeClaim", "ConfigMap")
        return {(item["kind"], item["metadata"]["name"]):
                (item["metadata"].get("annotations"), item["metadata"].get("labels"),
                 item["metadata"]["resourceVersion"] if item["kind"] in still else None) for item in items}

    def test_what_is_marked_is_not_read_and_marks_are_never_written(self):
        before = self.marks_there_are()
        self.backup("create", "-n", self.namespace)
        self.wait_for_nothing_left()
        self.assertEqual(before, self.marks_there_are())
        self.check(self.assert_status("Complete")["ledger"])
        found = {entry["path"] for entry in self.backup("find", "latest", "--type", "f", "-o", "json").json()["items"]}
        self.assertEqual([f"namespaces/{self.namespace}/volumes/kept/file"], sorted(path for path in found if "/volumes/" in path))
        stored = {path.rpartition("/")[2] for path in found if "/raw/persistentvolumeclaims/" in path}
        self.assertEqual({name + ".json" for name in ("kept", "by-pod", "by-velero", *DATA_MARKS)}, stored)
        self.assertIn(f"namespaces/{self.namespace}/raw/configmaps/plain.json", found)
        self.assertNotIn(f"namespaces/{self.namespace}/raw/configmaps/labelled.json", found)


if __name__ == "__main__":
    support.run()
