#!/usr/bin/env python3
"""Who may do how much: the manifests of docs/rbac.md, the role `edit`, and what forbids a part of a backup.

Whatever is forbidden, the rest is saved, and the ledger names the rule that is missing.
"""
import json
import os
import re
import shlex
import subprocess
import unittest

import support

RBAC = support.TOP / "docs" / "rbac.md"


def manifests():
    """The manifests of docs/rbac.md, by name."""
    documents = re.findall(r"```yaml\n(.*?)```", RBAC.read_text(), re.S)
    return {re.search(r"(?m)^  name: (\S+)", document)[1]: document for document in documents}


def commands(section):
    """The commands that a section of docs/rbac.md shows."""
    text = RBAC.read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return [line for block in re.findall(r"```\n(.*?)```", text, re.S) for line in block.splitlines()]


class Rights(support.ClusterCase):
    def setUp(self):
        super().setUp()
        self.claim()
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "door"}, "stringData": {"key": "x"}},
                   {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}},
                   namespace=self.namespace)

    def new_user(self):
        """A user without any rights: name and environment."""
        user = "backup-" + support.random_word()
        path = subprocess.run(support.cluster_command("user", user), check=True, capture_output=True,
                              text=True).stdout.strip()
        return user, {"KUBECONFIG": path}

    def bind(self, user, role, kind="role", namespace=None):
        namespace = namespace or self.namespace
        self.kubectl("-n", namespace, "create", "rolebinding", f"{user}-{role}", f"--{kind}={role}", "--user=" + user)
        self.wait_for_rights()

    def bind_cluster_wide(self, user, role):
        name = f"{user}-{role}"
        own = f"{role}-{self.namespace}"
        self.kubectl("create", "clusterrolebinding", name, "--clusterrole=" + own, "--user=" + user)
        self.addCleanup(self.kubectl, "delete", "clusterrolebinding", name, check=False)
        self.wait_for_rights()

    def apply_manifest(self, name, change=lambda text: text):
        """A manifest as it stands; what is not of the test's namespace has a name of its own."""
        document = change(manifests()[name])
        if "kind: ClusterRole\n" in document:
            own = f"{name}-{self.namespace}"
            document = document.replace(f"  name: {name}\n", f"  name: {own}\n", 1)
            self.addCleanup(self.kubectl, "delete", "clusterrole", own, check=False)
        self.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=document)

    def add_rules(self, user, lines):
        """A Role made of the lines that `describe` shows as missing, as they stand."""
        name = "granted-" + support.random_word()
        role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n" \
               f"  name: {name}\nrules:\n" + "".join(line + "\n" for line in lines)
        self.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=role)
        self.bind(user, name)

    def kept_claim(self, name):
        """A claim whose storage class keeps volumes when their claims are deleted."""
        own = "e2e-" + support.random_word(8)
        self.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": own},
                    "provisioner": "csi.tests.kubectl-backup", "reclaimPolicy": "Retain",
                    "volumeBindingMode": "WaitForFirstConsumer"})
        self.addCleanup(self.kubectl, "delete", "storageclass", own, check=False)
        self.claim(name, storage_class=own)
        self.pod("of-" + name, claim=name)
        volume = self.get("-n", self.namespace, "get", "pvc", name)["spec"]["volumeName"]
        self.addCleanup(self.kubectl, "patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')

    def sealed_pod(self):
        """One in which no program can be put: its volume is read by an ephemeral container."""
        self.pod_of({"scratch": ("/scratch", {"emptyDir": {}})}, name="sealed",
                    annotations={"kubectl-backup/volumes": "scratch"},
                    container={"securityContext": {"readOnlyRootFilesystem": True}})
        self.run_in("sh", "-c", "echo kept >/scratch/file", pod="sealed")

    def may_get(self, user, resource, group):
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": user, "resourceAttributes": {"verb": "get", "resource": resource, "group": group}}}
        return self.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}", stdin=json.dumps(review)).out == "true"

    def methods(self, point):
        return {volume["claim"]: volume["method"] for volume in point["ledger"]["volumes"]}

    def create(self, environment, *words, code=0):
        return self.backup("create", "-n", self.namespace, *words, "-o", "json", code=code,
                           environment=environment).json()

    def failed_lists(self, point):
        return {entry["resource"]: entry for entry in point["ledger"]["lists"] if entry["outcome"] == "Failed"}

    def check_volume(self, point):
        volume = point["ledger"]["volumes"][0]
        self.assertEqual("Protected", volume["outcome"], volume)
        self.assertEqual("content", self.content("file"))

    def check_clean(self):
        """Neither in its namespaces, nor what a controller made outside of them for this run."""
        self.wait_for_nothing_left()

    def missing_rules(self):
        """The lines under "Missing rights" of describe for this namespace."""
        shown = self.backup("describe", "latest").out
        self.assertIn("Missing rights", shown)
        section = shown.split("Missing rights", 1)[1].split("\n\n", 1)[0]
        part = section.split(f"namespace {self.namespace}:", 1)[1]
        lines = re.split(r"\n  in a ", part)[0].splitlines()
        return [line.strip() for line in lines if line.strip()]


    def test_edit_role_backs_up_its_namespace(self):
        """By the lines of the document, as they stand: what they leave out is what the role forbids, and no more."""
        user, rights = self.new_user()
        bind, *choices = [shlex.split(re.sub(r"\banna\b", user, re.sub(r"\bshop\b", self.namespace, line)))
                          for line in commands("With the role `edit`")]
        self.assertEqual([["kubectl", "create", "rolebinding"]] + 2 * [["kubectl", "backup", "create"]],
                         [line[:3] for line in (bind, *choices)])
        self.kubectl(*bind[1:])
        point = self.create(rights, code=3)
        self.assertEqual("Incomplete", point["status"])
        self.check_volume(point)
        stored = {entry["resource"]: entry["count"] for entry in point["ledger"]["lists"]
                  if entry["outcome"] == "Protected"}
        for resource in ("configmaps", "secrets", "pods", "persistentvolumeclaims", "serviceaccounts"):
            self.assertGreater(stored[resource], 0, resource)
        failed = self.failed_lists(point)
        self.assertIn("roles.rbac.authorization.k8s.io", failed)
        for resource, entry in failed.items():
            self.assertEqual("Forbidden", entry["reason"], entry)
            plural, _, group = resource.partition(".")
            rule = f'- {{apiGroups: ["{group}"], resources: ["{plural}"], verbs: ["list"]}}'
            self.assertIn(f"add to a Role in namespace {self.namespace}: {rule}", entry["message"])
        self.check_clean()

        # What the role forbids can be left out, and then the point is as whole as it was asked for.
        line = choices[1 if self.has_snapshots() else 0]
        if support.KUBERNETES == "v1.20":  # as the document says in a sentence
            line[line.index("--exclude-resource") + 1] += ",endpointslices"
        without = self.backup(*line[2:], "-o", "json", environment=rights).json()
        self.assertIn(without["status"], ("Complete", "Warnings"))
        self.assertEqual({}, self.failed_lists(without))
        self.check_volume(without)
        left_out = line[line.index("--exclude-resource") + 1].split(",")
        self.assertEqual(sorted(resource.partition(".")[0] for resource in failed), sorted(left_out))

    def test_the_rules_that_describe_names_are_the_ones_that_are_missing(self):
        user, rights = self.new_user()
        self.bind(user, "view", kind="clusterrole")
        point = self.create(rights, code=3)
        volume = point["ledger"]["volumes"][0]
        self.assertEqual(("Failed", "Forbidden"), (volume["outcome"], volume["reason"]))
        self.assertIn({"verb": "create", "apiGroup": "", "resource": "pods/exec", "namespace": self.namespace},
                      volume["missingRules"])
        self.assertIn("secrets", self.failed_lists(point))
        self.add_rules(user, self.missing_rules())
        point = self.create(rights)
        self.assertEqual({}, self.failed_lists(point))
        self.check_volume(point)
        self.check_clean()


    def test_role_of_one_namespace(self):
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup")
        self.bind(user, "kubectl-backup")
        point = self.create(rights)
        self.assertEqual({}, self.failed_lists(point))
        self.check_volume(point)
        self.check_clean()

    def test_role_with_what_is_related(self):
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup")
        self.bind(user, "kubectl-backup")
        self.apply_manifest("kubectl-backup-related")
        self.bind_cluster_wide(user, "kubectl-backup-related")
        if self.has_snapshots():
            self.kubectl("-n", self.namespace, "annotate", "pvc", "data", "velero.io/csi-volumesnapshot-class=csi")
        point = self.create(rights)
        self.assertEqual("Complete", point["status"], point["ledger"]["warnings"])
        self.check_volume(point)
        # Also those of which the cluster has none.
        code = (support.TOP / "core" / "capture" / "references.cpp").read_text()
        classes = set(re.findall(r'"(\w+classes)\.([\w.]+)"', code))
        self.assertIn(("gatewayclasses", "gateway.networking.k8s.io"), classes)
        self.assertEqual([], [each for each in classes if not self.may_get(user, *each)])

    def test_role_of_many_namespaces(self):
        other = self.make_namespace(prefix=self.namespace)
        if support.KUBERNETES != "v1.20":
            self.sealed_pod()
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup-all")
        self.bind_cluster_wide(user, "kubectl-backup-all")
        point = self.backup("create", "-n", self.namespace + "*", "-o", "json", environment=rights).json()
        self.assertEqual(sorted([self.namespace, other]), sorted(point["namespaces"]))
        self.check_volume(point)
        self.assertEqual({"Protected"}, {volume["outcome"] for volume in point["ledger"]["volumes"]})

    def test_every_manifest_is_tried(self):
        self.assertEqual({"kubectl-backup", "kubectl-backup-related", "kubectl-backup-ephemeral-containers",
                          "kubectl-backup-snapshots", "kubectl-backup-snapshot-classes",
                          "kubectl-backup-retained-volumes", "kubectl-backup-all"}, set(manifests()))
        # The server takes them as they stand, whichever of the kinds it has.
        for document in manifests().values():
            self.kubectl("-n", self.namespace, "apply", "--dry-run=server", "-f", "-", stdin=document)

    def test_role_for_snapshots(self):
        """Where the cluster has no snapshots it is of no use, and does no harm."""
        method = "snapshot" if self.has_snapshots() else "live"
        self.claim("copied", storage_class="csi" if self.has_snapshots() else "standard")
        self.pod("other", claim="copied")
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup")
        self.bind(user, "kubectl-backup")

        def method_now():
            return self.methods(self.create(rights))["copied"]
        self.assertEqual("live", method_now())
        self.apply_manifest("kubectl-backup-snapshots")
        self.bind(user, "kubectl-backup-snapshots")
        self.apply_manifest("kubectl-backup-snapshot-classes")
        self.bind_cluster_wide(user, "kubectl-backup-snapshot-classes")
        self.assertEqual(method, method_now())
        self.check_clean()

    def test_role_for_volumes_that_are_kept(self):
        if not self.has_snapshots():
            self.skipTest("the cluster has no storage with snapshots")
        self.kept_claim("kept")
        user, rights = self.new_user()
        for role in ("kubectl-backup", "kubectl-backup-snapshots"):
            self.apply_manifest(role)
            self.bind(user, role)
        self.apply_manifest("kubectl-backup-snapshot-classes")
        self.bind_cluster_wide(user, "kubectl-backup-snapshot-classes")
        self.assertEqual("live", self.methods(self.create(rights))["kept"])
        self.apply_manifest("kubectl-backup-retained-volumes")
        self.bind_cluster_wide(user, "kubectl-backup-retained-volumes")
        self.assertEqual("snapshot", self.methods(self.create(rights))["kept"])
        self.check_clean()

    @unittest.skipIf(support.KUBERNETES == "v1.20", "ephemeral containers came later")
    def test_role_for_ephemeral_containers(self):
        self.sealed_pod()
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup")
        self.bind(user, "kubectl-backup")
        self.check_volume(self.create(rights, code=3))
        volume = self.volume("sealed~scratch")
        self.assertEqual(("Failed", "Forbidden"), (volume["outcome"], volume["reason"]), volume)
        self.assertEqual(['- {apiGroups: [""], resources: ["pods/ephemeralcontainers"], verbs: ["patch"]}'],
                         self.missing_rules())
        self.apply_manifest("kubectl-backup-ephemeral-containers")
        self.bind(user, "kubectl-backup-ephemeral-containers")
        self.create(rights)
        self.assertEqual("kept\n", self.content("file", "sealed~scratch"))

    def test_role_of_many_namespaces_takes_snapshots(self):
        if not self.has_snapshots():
            self.skipTest("the cluster has no storage with snapshots")
        self.claim("copied", storage_class="csi")
        self.pod("other", claim="copied")
        self.kept_claim("kept")
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup-all")
        self.bind_cluster_wide(user, "kubectl-backup-all")
        point = self.create(rights)
        self.assertEqual("Complete", point["status"], point["ledger"]["warnings"])
        self.assertEqual({"data": "live", "copied": "snapshot", "kept": "snapshot"}, self.methods(point))
        self.check_clean()

    def kill_in_the_middle(self, environment=None):
        """A create that is ended by the system when it has a mover, and a snapshot with its copy where there are such."""
        claim = "data"
        if self.has_snapshots():
            claim = "copied"
            self.claim(claim, storage_class="csi")
            self.pod("other", claim=claim)
        support.write_random(self.volume_directory(claim) / "large", 40)
        os.sync()
        wanted = {"pod", "configmap"} | ({"persistentvolumeclaim", "volumesnapshot", "volumesnapshotcontent"}
                                         if self.has_snapshots() else set())
        process = self.start("create", "-n", self.namespace, "--limit-read", "1MiB", environment=environment)
        self.wait_for(lambda: process.poll() is not None or
                      self.our_movers() and wanted <= {name.partition("/")[0] for name in self.our_leftovers()},
                      what=lambda: f"{wanted}, there is {self.our_leftovers()}")
        self.assertIsNone(process.poll(), process.stderr.read() if process.poll() is not None else "")
        self.kill(process)

    def clean_up(self, environment, code):
        """Whatever the storage takes for it: how long is no question of rights."""
        return self.backup("cleanup", "-n", self.namespace, "--timeout", "10m", code=code, timeout=900,
                           environment=environment)

    def test_cleanup_with_the_roles_of_one_namespace(self):
        """After `kill -9` nobody with more rights is needed, not even those with which the methods were chosen."""
        user, rights = self.new_user()
        for role in ("kubectl-backup", "kubectl-backup-snapshots"):
            self.apply_manifest(role)
            self.bind(user, role)
        self.apply_manifest("kubectl-backup-snapshot-classes")
        self.bind_cluster_wide(user, "kubectl-backup-snapshot-classes")
        self.kill_in_the_middle(rights)
        self.kubectl("delete", "clusterrolebinding", f"{user}-kubectl-backup-snapshot-classes")
        self.wait_for_rights()
        self.wait_for(lambda: not self.may_get(user, "volumesnapshotclasses", "snapshot.storage.k8s.io"),
                      what="the rights to be gone")
        self.clean_up(rights, code=0)
        self.check_clean()

    @support.alone
    def test_cleanup_of_all_namespaces(self):
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup-all")
        self.bind_cluster_wide(user, "kubectl-backup-all")
        self.kill_in_the_middle(rights)
        self.backup("cleanup", "--timeout", "10m", timeout=900, environment=rights)
        self.check_clean()

    def test_cleanup_with_the_role_edit(self):
        """It takes all that `edit` may take, and names the rules for the rest; with these it is enough. Without -n
        `edit` may not look, and is told that there is -n."""
        user, rights = self.new_user()
        self.bind(user, "edit", kind="clusterrole")
        self.kill_in_the_middle()
        everywhere = self.backup("cleanup", environment=rights, code=3).err
        self.assertIn("add to a ClusterRole: ", everywhere)
        self.assertIn("kubectl backup cleanup -n ", everywhere)
        self.assertNotEqual([], self.our_movers())
        granted = []
        while (result := self.clean_up(rights, code=None)).code != 0:
            self.assertEqual(3, result.code, str(result))
            # The volume of the claim goes when its provisioner has the time.
            self.wait_for(lambda: {name.partition("/")[0] for name in self.our_leftovers()}
                          == {"volumesnapshot", "volumesnapshotcontent"},
                          what=lambda: f"no more than the snapshot: {self.our_leftovers()}\n{result}")
            rules = re.findall(rf"\(add to a Role in namespace {self.namespace}: (- .*)\)", result.err)
            self.assertEqual(1, len(rules), str(result))
            self.assertNotIn(rules[0], granted, str(result))
            granted += rules
            self.add_rules(user, rules)
        self.assertEqual([f'- {{apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["{verb}"]}}'
                          for verb in ("list", "get", "delete")] if self.has_snapshots() else [], granted)
        self.check_clean()

    def test_objects_alone_need_no_right_to_make_anything(self):
        user, rights = self.new_user()
        self.add_rules(user, ['- {apiGroups: ["*"], resources: ["*"], verbs: ["get", "list"]}'])
        point = self.create(rights, "--volumes=none")
        self.assertEqual({}, self.failed_lists(point))
        self.assertEqual("ExcludedByUser", point["ledger"]["volumes"][0]["reason"])


    def test_nothing_is_allowed(self):
        _, rights = self.new_user()
        result = self.backup("create", "-n", self.namespace, environment=rights, code=None)
        self.assert_error(result, 21, "add to a Role")
        self.assertEqual(0, len(self.backup("list", "-o", "json", code=None).json()["items"]))

    def test_secrets_are_forbidden(self):
        user, rights = self.new_user()
        # RBAC cannot take away: a Role of all kinds but Secrets.
        kinds = self.kubectl("api-resources", "--namespaced", "--verbs=list", "--no-headers", "-o", "name").out.split()
        groups = {}
        for kind in kinds:
            plural, _, group = kind.partition(".")
            groups.setdefault(group, []).append(plural)
        groups[""].remove("secrets")
        lines = [f"- {{apiGroups: [{json.dumps(group)}], resources: {json.dumps(plurals)}, verbs: [get, list]}}"
                 for group, plurals in groups.items()]
        lines.append('- {apiGroups: [""], resources: ["pods", "configmaps", "pods/exec"], '
                     'verbs: ["get", "create", "delete"]}')
        self.add_rules(user, lines)
        point = self.create(rights, code=3)
        failed = self.failed_lists(point)
        self.assertEqual(["secrets"], sorted(failed))
        self.assertEqual("Forbidden", failed["secrets"]["reason"])
        self.check_volume(point)
        self.assertEqual(['- {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}'], self.missing_rules())
        self.check_clean()

    def test_policy_says_how_bad_it_is(self):
        user, rights = self.new_user()
        self.bind(user, "edit", kind="clusterrole")
        policy = self.home / "policy.yaml"

        def status_with(severity, code):
            policy.write_text("apiVersion: kubectl-backup/v1\nkind: Policy\nseverity:\n  Forbidden: " + severity + "\n")
            return self.create(rights, "--policy", policy, code=code)["status"]
        self.assertEqual("Warnings", status_with("warning", 0))
        self.assertEqual("Incomplete", status_with("incomplete", 3))
        self.assertEqual("Failed", status_with("failed", 1))
        self.assertEqual(1, len(self.backup("list", "--status", "failed", "-o", "json").json()["items"]))
        # No policy makes a claim without its data green.
        self.kubectl("-n", self.namespace, "delete", "rolebinding", f"{user}-edit")
        self.bind(user, "view", kind="clusterrole")
        self.assertEqual("Warnings", status_with("ok", 0))
        policy.write_text("apiVersion: kubectl-backup/v1\nkind: Policy\nseverity:\n  Unbound: ok\n")
        refused = self.backup("create", "-n", self.namespace, "--policy", policy, code=None)
        self.assert_error(refused, 2, "Unbound", "action: skip")

    def test_exec_is_forbidden(self):
        user, rights = self.new_user()
        self.apply_manifest("kubectl-backup", lambda text: re.sub(
            r'- apiGroups: \[""\]\n  resources: \["pods/exec"\]\n  verbs: .*\n', "", text))
        self.bind(user, "kubectl-backup")
        point = self.create(rights, code=3)
        self.assertEqual({}, self.failed_lists(point))
        volume = point["ledger"]["volumes"][0]
        self.assertEqual(("Failed", "Forbidden"), (volume["outcome"], volume["reason"]))
        self.assertEqual({"pods/exec"}, {rule["resource"] for rule in volume["missingRules"]})
        self.assertIn("pods/exec", volume["message"])
        # It was asked before, so nothing had to be made and removed.
        self.assertEqual([], self.our_leftovers())
        self.add_rules(user, self.missing_rules())
        self.check_volume(self.create(rights))

    def test_quota_forbids_pods(self):
        self.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
                    "spec": {"hard": {"pods": "1"}}}, namespace=self.namespace)
        self.wait_for(lambda: self.get("-n", self.namespace, "get", "resourcequota", "full").get("status", {})
                      .get("used", {}).get("pods") == "1", what="the quota to count")
        result = self.backup("create", "-n", self.namespace, code=3)
        self.assertIn("kubectl describe quota", result.err)
        volume = self.ledger()["volumes"][0]
        self.assertEqual(("Failed", "QuotaExceeded"), (volume["outcome"], volume["reason"]))
        self.assertIn("exceeded quota", volume["message"])
        # RBAC is not what is missing.
        self.assertNotIn("Role", volume["message"])
        shown = self.backup("describe", "latest").out
        self.assertIn(f"volume {self.namespace}/data: QuotaExceeded", shown)
        self.assertNotIn("Missing rights", shown)
        self.check_clean()

    def test_namespace_that_is_going_away(self):
        going = self.make_namespace(prefix=self.namespace)
        self.apply({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "holds", "finalizers": ["example.com/never"]}}, namespace=going)
        self.addCleanup(self.kubectl, "-n", going, "patch", "configmap", "holds", "--type=merge", "-p",
                        '{"metadata":{"finalizers":null}}', check=False)
        self.kubectl("delete", "namespace", going, "--wait=false")
        self.wait_for(lambda: self.get("get", "namespace", going)["status"]["phase"] == "Terminating",
                      what="the namespace to go")
        alone = self.backup("create", "-n", going, code=None)
        self.assertNotEqual(0, alone.code)
        self.assertIn("Terminating", alone.err)
        self.assertEqual(0, len(self.backup("list", "-o", "json", code=None).json()["items"]))
        # Beside others it stops nothing, and is named.
        point = self.backup("create", "-n", self.namespace + "*", "-o", "json").json()
        self.assertEqual([self.namespace], point["namespaces"])
        self.assertIn((going, "Terminating"), {(entry.get("scope"), entry.get("reason"))
                                               for entry in point["ledger"]["lists"]})
        self.check_volume(point)
        self.check_clean()

    def test_namespace_deleted_while_it_is_read(self):
        other = self.make_namespace(prefix=self.namespace)
        self.claim(namespace=other)
        self.pod(namespace=other)
        support.write_random(self.volume_directory(namespace=other) / "large", 40)
        process = self.start("create", "both", "-n", f"{self.namespace},{other}", "--limit-read", "1MiB")
        self.wait_for(lambda: self.our_movers(namespace=other) or process.poll() is not None, what="the mover")
        self.kubectl("delete", "namespace", other, "--wait=false")
        out, err = process.communicate(timeout=240)
        self.assertEqual(3, process.returncode, out + err)
        volumes = {entry["namespace"]: entry for entry in self.ledger("both")["volumes"]}
        self.assertEqual("Protected", volumes[self.namespace]["outcome"])
        self.assertEqual("Failed", volumes[other]["outcome"])
        self.assertIn(volumes[other]["reason"], ("NamespaceTerminating", "MoverFailed"), volumes[other])
        self.check_clean()


if __name__ == "__main__":
    support.run()
