#!/usr/bin/env python3
"""The main job: back up a namespace, look at it in every way, get things back."""
import json
import os
import subprocess

import support


class RoundTrip(support.ClusterCase):
    def setUp(self):
        super().setUp()
        self.claim()
        self.pod()
        self.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
             "data": {"answer": "yes", "number": "1e3", "day": "2026-01-01", "text": "a\n b\n\n"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": "p"}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
             "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
             "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
                      "template": {"metadata": {"labels": {"app": "web"}},
                                   "spec": {"containers": [{"name": "web", "image": support.IMAGE}]}}}},
            namespace=self.namespace)
        self.directory = self.volume_directory()
        support.fill_directory(self.directory)

    def test_create_and_read(self):
        created = self.backup("create", "-n", self.namespace, "-o", "json").json()
        self.assertEqual("kubectl-backup/v1", created["apiVersion"])
        listed = self.backup("list", "-o", "json").json()["items"]
        self.assertEqual(1, len(listed))
        self.assertEqual("Complete", listed[0]["status"], json.dumps(self.ledger(), indent=1)[:5000])
        self.assertIn(self.namespace, listed[0]["namespaces"])

        mounted = self.mount()
        volume = mounted / "latest" / "namespaces" / self.namespace / "volumes" / "data"
        self.assertEqual("", subprocess.run(["diff", "-r", "--no-dereference", "-x", "fifo", "-x", "null", self.directory,
                                             volume], capture_output=True, text=True).stdout)
        self.assertEqual(support.describe_tree(self.directory), support.describe_tree(volume))

        self.backup("umount", mounted)
        self.assertFalse(os.path.ismount(mounted))

        out = self.home / "out"
        self.backup("cp", "-r", f"latest:{self.namespace}/data", out)
        self.assertEqual(support.describe_tree(self.directory), support.describe_tree(out))
        restored = self.home / "restored"
        self.backup("restore", "latest", "--volume", f"{self.namespace}/data", "--to-directory", restored)
        self.assertEqual(support.describe_tree(self.directory), support.describe_tree(restored))

        content = self.backup("cat", f"latest:namespaces/{self.namespace}/raw/configmaps/settings.json").json()
        self.assertEqual("1e3", content["data"]["number"])
        listing = self.backup("ls", f"latest:{self.namespace}/data/folder-0").out
        self.assertIn("deep-0", listing)
        self.backup("verify", "--read-data")

    def test_one_file_back_into_the_pod(self):
        (self.directory / "orders.db").write_bytes(b"good content")
        os.chown(self.directory / "orders.db", 12345, 54321)
        self.backup("create", "-n", self.namespace)
        (self.directory / "orders.db").write_bytes(b"damaged")
        self.backup("cp", f"latest:{self.namespace}/data/orders.db", f"{self.namespace}/app:/data/orders.db")
        self.assertEqual(b"good content", (self.directory / "orders.db").read_bytes())
        self.assertEqual(12345, (self.directory / "orders.db").stat().st_uid)
        # A place that is on no volume: through the container's own tar.
        self.backup("cp", f"latest:{self.namespace}/data/orders.db", f"{self.namespace}/app:/tmp/orders.db")
        self.assertEqual("good content",
                         self.kubectl("-n", self.namespace, "exec", "app", "--", "cat", "/tmp/orders.db").out)
        # A whole folder.
        self.backup("cp", "-r", f"latest:{self.namespace}/data/folder-1", f"{self.namespace}/app:/data/copy")
        self.assertEqual("", subprocess.run(["diff", "-r", self.directory / "folder-1", self.directory / "copy"],
                                            capture_output=True, text=True).stdout)

    def test_unchanged_sends_nothing(self):
        self.backup("create", "-n", self.namespace)
        subprocess.run(["sync"])
        self.backup("create", "-n", self.namespace)
        volume = self.ledger()["volumes"][0]
        self.assertEqual(0, volume["bytesSent"], volume)
        self.assertGreater(volume["files"], 100)

    def apply_one_of_many_kinds(self):
        """An object of each kind that people have; each passes a dry run elsewhere or docs/tree.md says why not."""
        old = support.KUBERNETES == "v1.20"
        pod = {"metadata": {"labels": {"app": "x"}},
               "spec": {"containers": [{"name": "x", "image": support.IMAGE, "imagePullPolicy": "IfNotPresent",
                                        "command": ["true"], "resources": {"requests": {"cpu": "1m"}}}]}}
        once = {**pod, "spec": {**pod["spec"], "restartPolicy": "Never"}}
        selector = {"matchLabels": {"app": "x"}}
        kinds = {
            ("apps/v1", "StatefulSet"): {"serviceName": "x", "replicas": 0, "selector": selector, "template": pod},
            ("apps/v1", "DaemonSet"): {"selector": selector, "template": {**pod, "spec": {
                **pod["spec"], "nodeSelector": {"never": "there"}}}},
            ("batch/v1", "Job"): {"template": once},
            ("batch/v1beta1" if old else "batch/v1", "CronJob"): {
                "schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": once}}},
            ("networking.k8s.io/v1", "Ingress"): {"rules": [{"host": "x.example.com", "http": {"paths": [{
                "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]},
            ("networking.k8s.io/v1", "NetworkPolicy"): {"podSelector": {}, "policyTypes": ["Ingress"]},
            ("policy/v1beta1" if old else "policy/v1", "PodDisruptionBudget"): {"minAvailable": 1, "selector": selector},
            ("autoscaling/v1", "HorizontalPodAutoscaler"): {
                "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
            ("v1", "ResourceQuota"): {"hard": {"pods": "100"}},
            ("v1", "LimitRange"): {"limits": [{"type": "Container", "default": {"cpu": "2"}}]},
            ("v1", "ReplicationController"): {"replicas": 0, "selector": {"app": "rc"}, "template": {
                **pod, "metadata": {"labels": {"app": "rc"}}}},
        }
        self.apply(*({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
                     for (version, kind), spec in kinds.items()),
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "outside"},
                    "spec": {"type": "NodePort", "ports": [{"port": 8080, "nodePort": 31777 if old else 31776}]}},
                   {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless"},
                    "spec": {"clusterIP": "None", "ports": [{"port": 1}]}},
                   {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "headless"},
                    "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 1}]}]},
                   {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}},
                   {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
                    "metadata": {"name": "robot-token", "annotations": {"kubernetes.io/service-account.name": "robot"}}},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"},
                    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
                   {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "x"},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"},
                    "subjects": [{"kind": "ServiceAccount", "name": "robot"}]},
                   namespace=self.namespace)
        self.wait_for(lambda: self.kubectl("-n", self.namespace, "get", "job", "x", "-o",
                                           "jsonpath={.status.succeeded}").out == "1", what="the job")

    def test_manifests_pass_a_dry_run(self):
        self.apply_one_of_many_kinds()
        self.backup("create", "-n", self.namespace)
        mounted = self.mount()
        manifests = mounted / "latest" / "namespaces" / self.namespace / "manifests"
        names = [path for path in manifests.rglob("*.yaml")]
        self.assertGreater(len(names), 20)
        copies = self.home / "manifests"
        subprocess.run(["cp", "-r", manifests, copies], check=True)
        self.kubectl("delete", "namespace", self.namespace, "--timeout=180s")
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        self.wait_for(lambda: self.kubectl("-n", self.namespace, "get", "sa", "default", check=False).code == 0)
        refused = []
        for path in sorted(copies.rglob("*.yaml")):
            result = self.kubectl("apply", "--dry-run=server", "-f", path, check=False)
            if result.code != 0:
                refused.append(f"{path}\n{path.read_text()}\n{result}")
        self.assertEqual([], refused, "\n".join(refused))

    def test_orphan_scaled_to_zero_and_pending_claims(self):
        self.claim("orphan", storage_class="immediate")
        (self.volume_directory("orphan") / "file").write_text("lonely")
        self.claim("pending")  # nobody uses it: WaitForFirstConsumer
        self.kubectl("-n", self.namespace, "delete", "pod", "app")  # 'data' is now without a consumer
        self.backup("create", "-n", self.namespace)
        volumes = {volume["claim"]: volume for volume in self.ledger()["volumes"]}
        self.assertEqual("Protected", volumes["orphan"]["outcome"], volumes)
        self.assertEqual("Protected", volumes["data"]["outcome"], volumes)
        self.assertEqual("Skipped", volumes["pending"]["outcome"], volumes)
        self.assertEqual("lonely", self.backup("cat", f"latest:{self.namespace}/orphan/file").out)
        self.assertEqual([], self.our_leftovers())


if __name__ == "__main__":
    support.run()
