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
        path = subprocess.run(support.cluster_command("user", user),
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
        self.wait_for_rights()
        return {"KUBECONFIG": path}

    def test_lists_are_of_one_moment_and_what_is_unchanged_is_not_fetched(self):
        self.apply(*({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"many-{number}"}}
                     for number in range(20)), namespace=self.namespace)

        def counts(point):
            return {entry["resource"]: (entry["count"], entry.get("unchanged", 0))
                    for entry in self.lists(point, "Protected") if entry.get("scope") == self.namespace}

        first = self.create("-n", self.namespace)
        moments = {entry.get("resourceVersion") for entry in self.lists(first, "Protected")}
        self.assertEqual(1, len(moments), first["ledger"]["lists"])
        taken = counts(first)
        self.assertGreaterEqual(taken["configmaps"][0], 21)
        self.assertEqual({0}, {unchanged for _, unchanged in taken.values()})

        self.kubectl("-n", self.namespace, "label", "configmap", "many-7", "touched=yes")
        second = counts(self.create("-n", self.namespace))
        # A Service's spec is always read: it says which endpoints are generated.
        fetched = {"configmaps": 1, "services": 1}
        for resource, (count, _) in taken.items():
            self.assertEqual((count, count - fetched.get(resource, 0)), second[resource], resource)
        self.assertIn("touched", self.backup("cat", f"latest:namespaces/{self.namespace}/raw/configmaps/many-7.json").out)

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

    @support.alone
    def test_selectors(self):
        self.assertEqual({"configmaps"}, self.kinds(self.plan("-n", self.namespace, "-l", f"part={self.label}")))
        self.assertEqual({"configmaps"}, self.kinds(self.plan("-n", self.namespace, "--annotated")))
        self.assertEqual({"secrets"}, self.kinds(self.plan("-n", self.namespace, "--include-resource", "secret")))
        everywhere = self.plan("-A", "-l", f"part in ({self.label})")
        self.assertEqual([self.namespace], everywhere["namespaces"])
        by_pattern = self.plan("-n", self.namespace[:-2] + "*", "--exclude-resource", "cm,secrets")
        self.assertFalse({"configmaps", "secrets"} & self.kinds(by_pattern))

    def test_annotations(self):
        marks = {"both": ["team=" + self.label, "tier=web"], "one": ["team=" + self.label], "other": ["team=else"]}
        for name, annotations in marks.items():
            self.kubectl("-n", self.namespace, "create", "configmap", name)
            self.kubectl("-n", self.namespace, "annotate", "configmap", name, *annotations)
        team = f"team={self.label}"
        for names, words in (({"both", "one", "other"}, ["--annotation", "team"]),
                             ({"both", "one"}, ["--annotation", team]),
                             ({"both", "other"}, ["--annotation", "tier", "--annotation", "team=else"]),
                             (set(), ["--annotation", "team="])):
            with self.subTest(words=words):
                plan = self.plan("-n", self.namespace, *words)
                point = self.create("-n", self.namespace, *words)
                self.assertEqual(plan["objects"], point["statistics"]["objects"])
                self.assertEqual({("configmaps", name) for name in names}, self.stored("latest"))
        self.kubectl("-n", self.namespace, "label", "configmap", "one", "part=" + self.label)
        self.create("-n", self.namespace, "--annotation", team, "-l", f"part={self.label}")
        self.assertEqual({("configmaps", "one")}, self.stored("latest"), "together they narrow each other")

    def test_cluster_wide_objects(self):
        everything = {"nodes", "clusterroles.rbac.authorization.k8s.io", "priorityclasses.scheduling.k8s.io"}
        for which, expected in (("all", everything), ("auto", set()), ("none", set())):
            with self.subTest(which=which):
                kinds = self.kinds(self.plan("-n", self.namespace, "--cluster-resources=" + which), namespace="")
                self.assertEqual(expected, everything & kinds)
                self.assertIn("namespaces", kinds)
        self.create("-n", self.namespace, "--cluster-resources=all")
        node = self.get("get", "nodes")["items"][0]["metadata"]["name"]
        answer = self.explain("latest", "node/" + node)
        self.assertEqual((True, "cluster.all"), (answer["stored"], answer["rule"]), answer)
        found = self.backup("find", "latest", "--type", "f", "-o", "json").json()["items"]
        self.assertIn(f"/nodes/{node}.json", " ".join(entry["path"] for entry in found))

    def explain(self, *words):
        items = self.backup("explain", *words, "-o", "json").json()["items"]
        self.assertEqual(1, len(items), items)
        return items[0]

    def everything(self):
        """All objects of the namespace whose kinds a point may hold, as explain names them."""
        kinds = "pods,configmaps,secrets,services,serviceaccounts,endpoints,deployments.apps,replicasets.apps"
        shown = self.kubectl("-n", self.namespace, "get", kinds, "-o", "name").out.split()
        return [name.replace("/", f"/{self.namespace}/") for name in shown]

    def stored(self, point):
        """The objects of the namespace that the point holds: plural.group/name."""
        listed = self.backup("find", point, "--type", "f", "-o", "json").json()["items"]
        found = set()
        for entry in listed:
            parts = entry["path"].strip("/").split("/")
            if "raw" in parts and self.namespace in parts:
                found.add((parts[-2], parts[-1].removesuffix(".json")))
        return found

    def application(self):
        """A deployment with what it needs, some of it reachable only through another object."""
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}},
                   {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "spare"}, "stringData": {"key": "x"}},
                   {"apiVersion": "apps/v1", "kind": "Deployment",
                    "metadata": {"name": "web", "labels": {"part": self.label}},
                    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
                             "template": {"metadata": {"labels": {"app": "web"}},
                                          "spec": {"serviceAccountName": "runner",
                                                   "containers": [{"name": "c", "image": support.IMAGE,
                                                                   "envFrom": [{"secretRef": {"name": "door"}}]}]}}}},
                   namespace=self.namespace)

    @support.alone
    def test_explain_agrees_with_what_is_stored(self):
        self.application()
        for words in (["-n", self.namespace], ["-n", self.namespace, "-l", f"part={self.label}"],
                      ["-n", self.namespace, "--annotated"], ["-n", self.namespace, "--include-resource", "secrets,deploy"],
                      ["-n", self.namespace, "--exclude-resource", "apps,cm"],
                      ["-n", "e2e-*", "-l", f"part in ({self.label})", "--cluster-resources=none"]):
            with self.subTest(words=words):
                plan = self.plan(*words)
                point = self.create(*words)
                self.assertEqual(plan["objects"], point["statistics"]["objects"])
                held = self.stored(point["name"])
                for name in self.everything():
                    kind, _, object_name = name.split("/")
                    answer = self.explain(point["name"], name)
                    key = (answer["object"]["resource"], object_name)
                    self.assertEqual(key in held, answer["stored"], f"{words}: {name}: {answer}")
                    self.assertNotIn(answer["rule"], ("unknown", ""), name)
                    self.assertEqual(answer["verdict"] == "Related", bool(answer.get("neededBy")), answer)

    def test_explain_live_agrees_with_the_plan(self):
        self.application()
        for words in (["-n", self.namespace], ["-n", self.namespace, "-l", f"part={self.label}"]):
            point = self.create(*words)
            for name in ("deploy/web", "secret/door", "secret/spare", "sa/runner", "cm/marked", "cm/settings"):
                with self.subTest(words=words, name=name):
                    live, past = self.explain("--live", name, *words), self.explain(point["name"], name)
                    self.assertEqual(past["stored"], live["stored"], f"{live}\n{past}")
                    # Of what was not asked for a point knows the selector only.
                    expected = {past["rule"], "mark" if past["rule"] == "selector.label" else past["rule"]}
                    self.assertIn(live["rule"], expected)

    def test_explain_says_the_chain(self):
        self.application()
        point = self.create("-n", self.namespace, "-l", f"part={self.label}")
        door = self.backup("explain", point["name"], "secret/door").out
        self.assertIn("stored because it is needed", door)
        self.assertIn(f"needed by:  deployments.apps/{self.namespace}/web", door)
        self.assertIn("not stored", self.backup("explain", "latest", "secret/spare").out)
        whole = self.create("-n", self.namespace, "--include-resource", "configmaps")
        self.assertEqual("mark", self.explain(whole["name"], "cm/marked")["rule"])
        self.assert_error(self.backup("explain", "latest", "secretz/door", code=None), 2, "did you mean")
        self.assert_error(self.backup("explain", "--live", "cm/none", "-n", self.namespace, code=None), 1)

    def test_dry_run_shows_all_of_the_plan(self):
        self.claim()
        self.pod()
        self.claim("late", storage_class="nothing-of-the-kind")
        plan = self.plan("-n", self.namespace)
        volumes = {volume["claim"]: volume for volume in plan["ledger"]["volumes"]}
        self.assertTrue(volumes["data"]["method"])
        self.assertEqual(64 << 20, volumes["data"]["capacityBytes"])
        self.assertEqual("Unbound", volumes["late"]["reason"])
        marked = [entry for entry in self.lists(plan, "Skipped") if entry["reason"] == "ExcludedByMark"]
        self.assertEqual([("configmaps", 1)], [(entry["resource"], entry["count"]) for entry in marked])
        shown = self.backup("create", "-n", self.namespace, "--dry-run").out
        for text in ("NAMESPACE", "RESOURCE", "VOLUME", "METHOD", f"{self.namespace}/data", "64.0 MiB", "LEFT OUT",
                     "ExcludedByMark", "kubectl-backup/exclude: marked", "NeverStored"):
            self.assertIn(text, shown)
        self.assertFalse(self.repository.exists())
        self.assertEqual([], self.our_leftovers())

    def test_marks_that_contradict_each_other(self):
        self.apply({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "torn", "annotations": {"kubectl-backup/exclude": "true",
                                                                 "kubectl-backup/include": "true"}}},
                   {"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "kept", "labels": {"velero.io/exclude-from-backup": "true"},
                                 "annotations": {"kubectl-backup/exclude": "false"}}}, namespace=self.namespace)
        point = self.create("-n", self.namespace)
        warnings = "\n".join(point["ledger"]["warnings"])
        self.assertIn(f"configmaps/{self.namespace}/torn has both", warnings)
        self.assertIn(f"configmaps/{self.namespace}/kept has velero.io/exclude-from-backup=true, but", warnings)
        self.assertIn(("configmaps", "kept"), self.stored("latest"))
        self.assertNotIn(("configmaps", "torn"), self.stored("latest"))

    def test_naming_volumes_does_not_make_a_backup_smaller(self):
        for name in ("data", "more"):
            self.claim(name)
        self.apply({"apiVersion": "v1", "kind": "Pod",
                    "metadata": {"name": "app", "annotations": {"backup.velero.io/backup-volumes": "one"}},
                    "spec": {"terminationGracePeriodSeconds": 0,
                             "containers": [{"name": "app", "image": support.IMAGE, "command": ["sleep", "1000000000"],
                                             "volumeMounts": [{"name": "one", "mountPath": "/one"},
                                                              {"name": "two", "mountPath": "/two"}]}],
                             "volumes": [{"name": "one", "persistentVolumeClaim": {"claimName": "data"}},
                                         {"name": "two", "persistentVolumeClaim": {"claimName": "more"}}]}},
                   namespace=self.namespace)
        self.wait_running("app")
        planned = {volume["claim"]: volume.get("method") for volume in self.plan("-n", self.namespace)["ledger"]["volumes"]}
        self.assertEqual({"data", "more"}, set(planned))
        self.assertTrue(all(planned.values()), planned)

    def test_annotation_on_a_namespace(self):
        whole = self.make_namespace()
        self.kubectl("annotate", "namespace", whole, "kubectl-backup/include=true")
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}}, namespace=whole)
        plan = self.plan("-n", f"{self.namespace},{whole}", "--annotated")
        self.assertIn("configmaps", self.kinds(plan, namespace=whole))
        self.assertEqual({"configmaps"}, self.kinds(plan))
        point = self.create("-n", f"{self.namespace},{whole}", "--annotated")
        self.assertEqual("namespace.annotated", self.explain(point["name"], f"cm/{whole}/plain")["rule"])
        self.assertEqual("selector", self.explain(point["name"], f"cm/{self.namespace}/settings")["rule"])

    def test_namespaces_by_label_annotation_pattern_and_exclusion(self):
        other = self.make_namespace(labels={"team": self.label})
        self.kubectl("label", "namespace", self.namespace, f"team={self.label}")
        self.kubectl("annotate", "namespace", other, f"owner={self.label}")
        both = sorted([self.namespace, other])
        chosen = lambda *words: self.plan(*words)["namespaces"]
        self.assertEqual(both, chosen("--namespace-selector", f"team={self.label}"))
        self.assertEqual([other], chosen("--namespace-annotation", f"owner={self.label}"))
        self.assertEqual([other], chosen("--namespace-selector", f"team={self.label}", "--exclude-namespace", self.namespace))
        self.assertEqual([self.namespace], chosen("-n", self.namespace[:-1] + "?", "--namespace-selector", f"team in ({self.label})"))
        self.kubectl("annotate", "namespace", other, "kubectl-backup/exclude=true")
        plan = self.plan("--namespace-selector", f"team={self.label}")
        self.assertEqual([self.namespace], plan["namespaces"])
        self.assertIn((other, "ExcludedByMark"), [(entry.get("scope"), entry["reason"]) for entry in self.lists(plan, "Skipped")])

    def test_policy_and_flags(self):
        policy = self.home / "policy.yaml"
        policy.write_text("apiVersion: kubectl-backup/v1\nkind: Policy\nscope:\n"
                          f"  namespaces: [{self.namespace}]\n  includeResources: [secrets]\n")
        self.assertEqual({"secrets"}, self.kinds(self.plan("--policy", policy)))
        self.assertEqual({"configmaps"}, self.kinds(self.plan("--policy", policy, "--include-resource", "cm")))
        policy.write_text("apiVersion: kubectl-backup/v1\nkind: Policy\nscope:\n  namespace: [x]\n")
        self.assert_error(self.backup("create", "--policy", policy, code=None), 2, "did you mean", "namespaces")

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

    @support.alone
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
        path = subprocess.run(support.cluster_command("user", user),
                              check=True, capture_output=True, text=True).stdout.strip()
        self.kubectl("-n", self.namespace, "create", "rolebinding", user, "--clusterrole=view", "--user=" + user)
        self.wait_for_rights()
        point = self.create("-n", self.namespace, code=3, environment={"KUBECONFIG": path})
        failed = {entry["resource"]: entry["message"] for entry in self.lists(point, "Failed")}
        self.assertIn("secrets", failed)
        volume = point["ledger"]["volumes"][0]
        self.assertEqual("Failed", volume["outcome"])
        self.assertIn("create pods in namespace " + self.namespace, volume["message"])
        self.assertEqual([], self.our_leftovers())


if __name__ == "__main__":
    support.run()
