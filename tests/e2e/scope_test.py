#!/usr/bin/env python3
"""What create takes and leaves out, and the rights it needs: the manifests of docs/rbac.md."""
import re
import subprocess

import support


class Scope(support.ClusterCase):
    def setUp(self):
        super().setUp()
        self.label = support.random_word(10)
        self.apply({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "settings", "labels": {"part": self.label},
                                 "annotations": {"kubectl-backup/include": "true"}}, "data": {"yes": "no"}},
                   {"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "marked", "annotations": {"kubectl-backup/exclude": "true"}}},
                   {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "door"}, "stringData": {"key": "x"}},
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}, namespace=self.namespace)

    def create(self, *words, code=0, environment=None):
        return self.backup("create", *words, "-o", "json", code=code, environment=environment).json()

    def plan(self, *words):
        return self.backup("create", *words, "--dry-run", "-o", "json").json()

    def kinds(self, plan, namespace=None):
        wanted = self.namespace if namespace is None else namespace
        return {kind["resource"] for kind in plan["kinds"] if kind["namespace"] == wanted}

    def lists(self, point, outcome):
        return [entry for entry in point["ledger"]["lists"] if entry["outcome"] == outcome]

    def as_user(self, *roles):
        """A new user with roles of docs/rbac.md, bound by kind: its environment."""
        user = "backup-" + support.random_word()
        path = subprocess.run([support.TOP / "tests" / "cluster", "--kubernetes", support.KUBERNETES, "user", user],
                              check=True, capture_output=True, text=True).stdout.strip()
        text = (support.TOP / "docs" / "rbac.md").read_text()
        for document in re.findall(r"```yaml\n(.*?)```", text, re.S):
            name = re.search(r"name: (\S+)", document)[1]
            if name not in roles:
                continue
            self.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=document)
            if "kind: Role\n" in document:
                self.kubectl("-n", self.namespace, "create", "rolebinding", user, "--role=" + name, "--user=" + user)
            else:
                binding = f"{user}-{name}"
                self.kubectl("create", "clusterrolebinding", binding, "--clusterrole=" + name, "--user=" + user)
                self.addCleanup(self.kubectl, "delete", "clusterrolebinding", binding, check=False)
        return {"KUBECONFIG": path}

    def test_plan_and_point_agree_and_say_why(self):
        plan = self.plan("-n", self.namespace)
        point = self.create("-n", self.namespace)
        self.assertEqual("Complete", point["status"])
        self.assertEqual(plan["objects"], point["statistics"]["objects"])
        self.assertEqual({"configmaps", "secrets", "serviceaccounts", "services"}, self.kinds(plan))
        skipped = {(entry["resource"], entry["reason"]) for entry in self.lists(point, "Skipped")}
        self.assertIn(("configmaps", "ExcludedByMark"), skipped)
        self.assertTrue({("events", "NeverStored"), ("events.events.k8s.io", "NeverStored")} & skipped)
        self.assertIn("namespaces", self.kinds(plan, namespace=""))

    def test_selectors(self):
        self.assertEqual({"configmaps"}, self.kinds(self.plan("-n", self.namespace, "-l", f"part={self.label}")))
        self.assertEqual({"configmaps"}, self.kinds(self.plan("-n", self.namespace, "--annotated")))
        self.assertEqual({"secrets"}, self.kinds(self.plan("-n", self.namespace, "--include-resource", "secret")))
        everywhere = self.plan("-A", "-l", f"part in ({self.label})")
        self.assertEqual([self.namespace], everywhere["namespaces"])
        by_pattern = self.plan("-n", self.namespace[:-2] + "*", "--exclude-resource", "cm,secrets")
        self.assertFalse({"configmaps", "secrets"} & self.kinds(by_pattern))

    def test_words_that_mean_nothing(self):
        self.assert_error(self.backup("create", "-n", self.namespace + "x", code=None), 1, "did you mean",
                          self.namespace)
        self.assert_error(self.backup("create", "-n", self.namespace, "--include-resource", "secretz", code=None), 2,
                          "did you mean", "secrets")

    def test_role_of_one_namespace(self):
        self.claim()
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        rights = self.as_user("kubectl-backup")
        point = self.create("-n", self.namespace, environment=rights)
        self.assertEqual("Warnings", point["status"])
        self.assertEqual([], self.lists(point, "Failed"))
        self.assertEqual("Protected", point["ledger"]["volumes"][0]["outcome"])
        self.assertEqual("content", self.backup("cat", f"latest:{self.namespace}/data/file").out)
        self.assertEqual([], self.our_leftovers())

    def test_role_with_what_is_related(self):
        self.claim()
        self.pod()
        rights = self.as_user("kubectl-backup", "kubectl-backup-related")
        point = self.create("-n", self.namespace, environment=rights)
        self.assertEqual("Complete", point["status"], point["ledger"]["warnings"])
        related = {entry["resource"] for entry in self.lists(point, "Protected") if not entry.get("scope")}
        self.assertLessEqual({"namespaces", "persistentvolumes", "storageclasses.storage.k8s.io"}, related)

    def test_role_of_many_namespaces(self):
        rights = self.as_user("kubectl-backup-all")
        point = self.create("-n", "e2e-*", "--volumes=none", environment=rights)
        self.assertIn(self.namespace, point["namespaces"])
        self.assertEqual([], [entry for entry in self.lists(point, "Failed") if entry.get("scope") == self.namespace])

    def test_rights_that_are_missing(self):
        self.claim()
        self.pod()
        reader = self.as_user()
        self.assert_error(self.backup("create", "-n", self.namespace, environment=reader, code=None), 21)
        user = "backup-" + support.random_word()
        path = subprocess.run([support.TOP / "tests" / "cluster", "--kubernetes", support.KUBERNETES, "user", user],
                              check=True, capture_output=True, text=True).stdout.strip()
        self.kubectl("-n", self.namespace, "create", "rolebinding", user, "--clusterrole=view", "--user=" + user)
        point = self.create("-n", self.namespace, code=3, environment={"KUBECONFIG": path})
        failed = {entry["resource"]: entry["message"] for entry in self.lists(point, "Failed")}
        self.assertIn("secrets", failed)
        volume = point["ledger"]["volumes"][0]
        self.assertEqual("Failed", volume["outcome"])
        self.assertIn("create pods in namespace " + self.namespace, volume["message"])
        self.assertEqual([], self.our_leftovers())


if __name__ == "__main__":
    support.run()
