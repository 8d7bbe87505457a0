#!/usr/bin/env python3
"""One marked object brings its application, and policies of ours and Velero's, from a file and from the cluster."""
import json

import support

MARK = {"kubectl-backup/include": "true"}


class Closure(support.ClusterCase):
    def names(self, *words):
        """What a point of the namespace would hold, as "plural.group/name"."""
        point = self.backup("create", "-n", self.namespace, "--volumes", "none", "-o", "json", *words).json()
        listed = self.backup("find", point["name"], "--type", "f", "-o", "json").json()["items"]
        found = set()
        for entry in listed:
            parts = entry["path"].strip("/").split("/")
            if "raw" in parts and self.namespace in parts:
                found.add(parts[-2] + "/" + parts[-1].removesuffix(".json"))
        return point, found

    def application(self):
        pod = {"serviceAccountName": "runner", "terminationGracePeriodSeconds": 0,
               "containers": [{"name": "c", "image": support.IMAGE, "command": ["sleep", "1000000000"],
                               "envFrom": [{"configMapRef": {"name": "settings"}}],
                               "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}
        claim = {"metadata": {"name": "data"},
                 "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "64Mi"}}}}
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}},
                   {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}},
                   {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "spare"}},
                   {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "spare"}},
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
                    "spec": {"clusterIP": "None", "selector": {"app": "db"}}},
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "spare"},
                    "spec": {"selector": {"app": "spare"}, "ports": [{"port": 80}]}},
                   {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "db"},
                    "spec": {"podSelector": {"matchLabels": {"app": "db"}}}},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
                    "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
                    "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": self.namespace}],
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}},
                   {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "labels": {"part": "db"}},
                    "spec": {"serviceName": "db", "replicas": 1, "selector": {"matchLabels": {"app": "db"}},
                             "template": {"metadata": {"labels": {"app": "db"}}, "spec": pod},
                             "volumeClaimTemplates": [claim]}}, namespace=self.namespace)
        self.wait_running("db-0")

    EXPECTED = {"configmaps/settings", "networkpolicies.networking.k8s.io/db", "persistentvolumeclaims/data-db-0",
                "pods/db-0", "rolebindings.rbac.authorization.k8s.io/reader", "roles.rbac.authorization.k8s.io/reader",
                "serviceaccounts/runner", "services/db", "statefulsets.apps/db"}

    def test_one_object_brings_its_application(self):
        self.application()
        self.kubectl("-n", self.namespace, "annotate", "statefulset", "db", "kubectl-backup/include=true")
        # The tokens of service accounts are Secrets of their own before v1.24.
        tokens = lambda names: {name for name in names if not name.startswith("secrets/runner-token")}
        for words in (["--annotated"], ["-l", "part=db"], ["-l", "part in (db)", "-l", "part=none"]):
            with self.subTest(words=words):
                point, held = self.names(*words)
                self.assertEqual(self.EXPECTED, tokens(held))
                self.assertEqual("Complete", point["status"], point["ledger"])
        self.kubectl("-n", self.namespace, "annotate", "statefulset", "db", "kubectl-backup/include-")
        self.kubectl("-n", self.namespace, "annotate", "pod", "db-0", "kubectl-backup/include=true")
        self.assertEqual(self.EXPECTED, tokens(self.names("--annotated")[1]))
        self.kubectl("-n", self.namespace, "annotate", "pod", "db-0", "kubectl-backup/include-")
        self.kubectl("-n", self.namespace, "annotate", "pvc", "data-db-0", "kubectl-backup/include=true")
        self.assertEqual({"persistentvolumeclaims/data-db-0"}, self.names("--annotated")[1])

    def custom_resource(self, kind, spec):
        """A marked object `main` of a kind of its own; the kind's name, as "plural.group"."""
        group = f"{self.namespace}.example.com"
        plural = kind.lower() + "s"
        self.apply({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                    "metadata": {"name": f"{plural}.{group}"},
                    "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                             "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                                 "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}})
        self.addCleanup(self.kubectl, "delete", "crd", f"{plural}.{group}", check=False)
        self.wait_for(lambda: self.kubectl("-n", self.namespace, "get", f"{plural}.{group}", check=False).code == 0,
                      what="the new kind")
        self.apply({"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "main", "annotations": MARK},
                    "spec": spec}, namespace=self.namespace)
        return f"{plural}.{group}"

    @support.alone  # a kind that comes or goes is half there for whoever asks just then
    def test_a_workload_brings_its_data_and_a_custom_resource_its_definition(self):
        self.application()
        claims = ["data-db-0", "data-db-1"]
        self.kubectl("-n", self.namespace, "scale", "statefulset", "db", "--replicas=2")
        self.wait_running("db-1")
        for seed, claim in enumerate(claims):
            support.fill_directory(self.volume_directory(claim), files=20, seed=seed)
        self.claim("data-other-0", storage_class="standard")
        # A set keeps its claims when it is scaled down.
        self.kubectl("-n", self.namespace, "scale", "statefulset", "db", "--replicas=0")
        self.wait_for(lambda: not self.get("-n", self.namespace, "get", "pods")["items"], what="an end of the pods")
        self.kubectl("-n", self.namespace, "annotate", "statefulset", "db", "kubectl-backup/include=true")
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "root"}}, namespace=self.namespace)
        kind = self.custom_resource("Shop", {"secretName": "root"})

        self.backup("create", "-n", self.namespace, "--annotated")
        point = self.assert_status("Complete")
        self.assertEqual([(claim, "Protected") for claim in claims],
                         sorted((volume["claim"], volume["outcome"]) for volume in point["ledger"]["volumes"]))
        for claim in claims:
            restored = self.home / claim
            self.backup("restore", "latest", "--volume", f"{self.namespace}/{claim}", "--to-directory", restored)
            self.assertEqual(support.describe_tree(self.volume_directory(claim)), support.describe_tree(restored))

        tree = self.mount() / "latest"
        held = tree / "namespaces" / self.namespace
        self.assertEqual(claims, sorted(path.name for path in (held / "volumes").iterdir()))
        for claim in claims:
            self.assertEqual(support.describe_tree(self.volume_directory(claim)),
                             support.describe_tree(held / "volumes" / claim))
        self.assertEqual("root", json.loads((held / "raw" / kind / "main.json").read_text())["spec"]["secretName"])
        self.assertTrue((held / "manifests" / "secrets" / "root.yaml").exists())
        self.assertFalse((held / "manifests" / "secrets" / "spare.yaml").exists())
        definition = f"cluster/raw/customresourcedefinitions.apiextensions.k8s.io/{kind}.json"
        self.assertEqual("Shop", json.loads((tree / definition).read_text())["spec"]["names"]["kind"])
        self.assertEqual((tree / definition).read_text(), self.backup("cat", f"latest:{definition}").out)

    def test_filters_and_volume_rules_of_a_policy(self):
        self.application()
        policy = self.home / "policy.yaml"
        policy.write_text(f"""apiVersion: kubectl-backup/v1
kind: Policy
scope: {{namespaces: {self.namespace}}}
filters:
- namespaces: ["*"]
  objects:
  - {{kinds: [configmaps, secrets], names: [spare]}}
  - {{kinds: [pvc]}}
volumes:
- {{name: small ones, match: {{size: "<1Gi", claims: ["data-*"]}}, action: skip}}
""")
        plan = self.backup("create", "--policy", policy, "--dry-run", "-o", "json").json()
        counts = {kind["resource"]: kind["objects"] for kind in plan["kinds"] if kind["namespace"] == self.namespace}
        self.assertEqual({"configmaps": 1, "secrets": 1, "persistentvolumeclaims": 1}, counts)
        [volume] = plan["ledger"]["volumes"]
        self.assertEqual(("Skipped", "ExcludedByPolicy"), (volume["outcome"], volume["reason"]))
        self.assertIn("small ones", volume.get("rule", "") + volume.get("message", ""))

    def test_velero_policy_of_the_cluster(self):
        self.application()
        text = ('version: v1\nvolumePolicies:\n- conditions: {capacity: "0,1Gi"}\n  action: {type: skip}\n'
                "includeExcludePolicy: {excludedNamespaceScopedResources: [configmaps]}\n")
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policy"}, "data": {"policy.yaml": text}},
                   namespace=self.namespace)
        source = f"configmap/{self.namespace}/policy"
        plan = self.backup("create", "-n", self.namespace, "--policy", source, "--dry-run", "-o", "json").json()
        self.assertNotIn("configmaps", {kind["resource"] for kind in plan["kinds"]})
        self.assertEqual("ExcludedByPolicy", plan["ledger"]["volumes"][0]["reason"])
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policy"},
                    "data": {"policy.yaml": text.replace("capacity", "capacities")}}, namespace=self.namespace)
        self.assert_error(self.backup("create", "-n", self.namespace, "--policy", source, code=None), 2, "line 3",
                          "did you mean", "capacity")
        self.assert_error(self.backup("create", "--policy", source + "x", code=None), 1, source)


if __name__ == "__main__":
    support.run()
