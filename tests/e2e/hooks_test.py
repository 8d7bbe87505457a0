#!/usr/bin/env python3
"""Commands around a backup: an application that writes all the time is frozen, restores whole, and goes on."""
import hashlib
import json
import random
import resource
import signal
import sqlite3
import time

import support

# Two databases that belong together: each step is written to the first, then to the second. Between
# the two lies what takes a while to read, so that a copy of a running application tears them apart.
APPLICATION = r"""
sqlite3 /data/a.db 'pragma journal_mode=wal; create table if not exists steps (n integer primary key, pad text)' >/dev/null
sqlite3 /data/z.db 'pragma journal_mode=wal; create table if not exists steps (n integer primary key, pad text)' >/dev/null
[ -e /data/middle ] || head -c 40000000 /dev/urandom >/data/middle
n=$(sqlite3 /data/z.db 'select coalesce(max(n), 0) from steps')
while :; do
    if [ -e /tmp/freeze ]; then
        touch /tmp/frozen
        sleep 0.05
        continue
    fi
    rm -f /tmp/frozen
    n=$((n + 1))
    sqlite3 /data/a.db "insert or replace into steps values ($n, hex(randomblob(500)))"
    sqlite3 /data/z.db "insert or replace into steps values ($n, hex(randomblob(500)))"
    echo $n >/tmp/steps
done
"""
FREEZE = ["sh", "-c", "touch /tmp/freeze; until [ -e /tmp/frozen ]; do sleep 0.05; done; "
                      "sqlite3 /data/a.db 'pragma wal_checkpoint(truncate)'; sync; echo it is frozen"]
THAW = ["rm", "-f", "/tmp/freeze"]


def hook(command, **more):
    return json.dumps({"command": command, **more})


OURS = {"kubectl-backup/pre-hook": hook(FREEZE, container="app", timeout="60s"),
        "kubectl-backup/post-hook": hook(THAW)}
VELERO = {"pre.hook.backup.velero.io/container": "app", "pre.hook.backup.velero.io/command": json.dumps(FREEZE),
          "pre.hook.backup.velero.io/timeout": "60s", "post.hook.backup.velero.io/command": json.dumps(THAW)}


class Hooks(support.ClusterCase):
    def start_application(self, annotations, name="db", script=APPLICATION, claim="data", labels=None):
        if claim:
            self.claim(claim, size="256Mi")
        container = {"name": "app", "image": support.IMAGE, "imagePullPolicy": "IfNotPresent",
                     "command": ["sh", "-c", script]}
        # In front of it, as an injected proxy is: hooks without a container go to the annotated one.
        proxy = {"name": "proxy", "image": support.NO_SHELL_IMAGE, "imagePullPolicy": "IfNotPresent"}
        spec = {"terminationGracePeriodSeconds": 0, "containers": [proxy, container]}
        if claim:
            container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
            spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        annotations = {"kubectl.kubernetes.io/default-container": "app", **annotations}
        self.apply({"apiVersion": "v1", "kind": "Pod", "spec": spec,
                    "metadata": {"name": name, "annotations": annotations, "labels": labels or {}}},
                   namespace=self.namespace)
        self.wait_running(name)

    def run_in_pod(self, *command, pod="db"):
        return self.kubectl("-n", self.namespace, "exec", pod, "-c", "app", "--", *command, check=False)

    def exists(self, path, pod="db"):
        return self.run_in_pod("test", "-e", path, pod=pod).code == 0

    def steps(self):
        text = self.run_in_pod("cat", "/tmp/steps").out.strip()
        return int(text) if text else 0

    def wait_for_steps(self, more=3):
        begin = self.steps()
        self.wait_for(lambda: self.steps() >= begin + more, what="the application to write")

    def restored(self):
        target = self.home / ("restored-" + support.random_word())
        self.backup("restore", "latest", "--volume", f"{self.namespace}/data", "--to-directory", target)
        return target

    def read_steps(self, path):
        with sqlite3.connect(path) as database:
            self.assertEqual("ok", database.execute("pragma integrity_check").fetchone()[0])
            count, last = database.execute("select count(*), max(n) from steps").fetchone()
            self.assertEqual(count, last, "a step is missing")
            return last

    def hooks(self):
        return self.ledger()["hooks"]

    def outcomes(self):
        return [(each["phase"], each["outcome"]) for each in self.hooks()]

    def check_frozen_backup(self):
        self.wait_for_steps()
        self.check_frozen_backup_now()

    def check_frozen_backup_now(self):
        self.backup("create", "-n", self.namespace)
        ledger = self.ledger()
        self.assertEqual([("Pre", "Succeeded"), ("Post", "Succeeded")], self.outcomes(), json.dumps(ledger, indent=1))
        pre = ledger["hooks"][0]
        self.assertEqual(("db", "app", 0), (pre["pod"], pre["container"], pre["exitCode"]))
        self.assertIn("it is frozen", pre["output"])
        self.assertEqual(FREEZE, pre["command"])
        self.assertEqual("application", self.volume()["consistency"])
        self.assertEqual(0, self.volume().get("filesChanged", 0))
        target = self.restored()
        self.assertEqual(self.read_steps(target / "a.db"), self.read_steps(target / "z.db"))
        # It goes on.
        self.assertFalse(self.exists("/tmp/freeze"))
        self.wait_for_steps()
        self.assertEqual([], self.our_leftovers())
        self.assertIn("it is frozen", self.backup("describe", "latest", "-o", "wide").out)

    def test_frozen_by_our_annotations_it_restores_consistent(self):
        self.start_application(OURS)
        self.check_frozen_backup()

    def test_frozen_by_veleros_annotations_it_restores_consistent(self):
        self.start_application(VELERO)
        self.check_frozen_backup()

    def test_frozen_by_a_policy_it_restores_consistent(self):
        self.start_application({}, labels={"app": "db"})
        policy = self.home / "policy.json"
        policy.write_text(json.dumps({
            "apiVersion": "kubectl-backup/v1", "kind": "Policy",
            "hooks": [{"match": {"selector": "app=db", "namespaces": ["e2e-*"]}, "container": "app",
                       "pre": {"command": FREEZE, "timeout": "1m"}, "post": {"command": THAW}}]}))
        self.wait_for_steps()
        self.backup("create", "-n", self.namespace, "--policy", policy)
        self.assertEqual([("Pre", "Succeeded"), ("Post", "Succeeded")], self.outcomes())
        self.assertEqual("hooks[0] of the policy", self.hooks()[0]["origin"])
        target = self.restored()
        self.assertEqual(self.read_steps(target / "a.db"), self.read_steps(target / "z.db"))

    def test_without_hooks_the_ledger_says_so(self):
        self.start_application({})
        self.wait_for_steps()
        self.backup("create", "-n", self.namespace)
        self.assertEqual("crash", self.volume()["consistency"])
        self.assertEqual([], self.ledger().get("hooks", []))

    def test_no_hooks_and_dry_run(self):
        self.start_application(OURS)
        self.wait_for_steps()
        shown = self.backup("create", "-n", self.namespace, "--dry-run").out
        self.assertRegex(shown, rf"pre +{self.namespace}/db +app +sh -c touch")
        self.assertRegex(shown, rf"post +{self.namespace}/db +app +rm -f /tmp/freeze")
        planned = self.backup("create", "-n", self.namespace, "--dry-run", "-o", "json").json()["ledger"]["hooks"]
        self.assertEqual(["Pre", "Post"], [each["phase"] for each in planned])
        self.assertFalse(self.exists("/tmp/freeze"))

        self.backup("create", "-n", self.namespace, "--no-hooks")
        self.assertEqual([("Pre", "NotRun"), ("Post", "NotRun")], self.outcomes())
        self.assertEqual("crash", self.volume()["consistency"])
        self.assertFalse(self.exists("/tmp/frozen"))

        self.backup("create", "-n", self.namespace, "--volumes=none")
        self.assertEqual([], self.ledger().get("hooks", []), "nothing is read, so nothing is to be frozen")

    def test_a_hook_that_fails(self):
        fail = ["sh", "-c", "touch /tmp/began; echo no lock; exit 7"]
        self.start_application({"kubectl-backup/pre-hook": hook(fail),
                                "kubectl-backup/post-hook": hook(["touch", "/tmp/thawed"])},
                               script="sleep 1000000")
        self.backup("create", "-n", self.namespace, code=3)
        volume = self.volume()
        self.assertEqual(("Failed", "HookFailed"), (volume["outcome"], volume["reason"]), volume)
        self.assertIn("exit code 7", volume["message"])
        pre, post = self.hooks()
        self.assertEqual(("Failed", 7, "no lock"), (pre["outcome"], pre["exitCode"], pre["output"]))
        self.assertEqual("Succeeded", post["outcome"])
        self.assertTrue(self.exists("/tmp/thawed"))
        self.assertEqual("Incomplete", self.backup("list", "-o", "json").json()["items"][0]["status"])

        # The application may say that this is no reason to go without.
        self.kubectl("-n", self.namespace, "annotate", "--overwrite", "pod", "db",
                     "kubectl-backup/pre-hook=" + hook(fail, onError="Continue"))
        self.backup("create", "-n", self.namespace)
        volume = self.volume()
        self.assertEqual(("Protected", "crash"), (volume["outcome"], volume["consistency"]))

        # One that is not understood is not taken for one that is not there.
        self.kubectl("-n", self.namespace, "annotate", "--overwrite", "pod", "db", "kubectl-backup/pre-hook=freeze!")
        self.backup("create", "-n", self.namespace, code=3)
        self.assertIn("cannot be read", self.volume()["message"])

    def test_a_hook_that_hangs(self):
        self.start_application({"kubectl-backup/pre-hook": hook(["sleep", "1000"], timeout="2s"),
                                "kubectl-backup/post-hook": hook(["touch", "/tmp/thawed"])},
                               script="sleep 1000000")
        begin = time.monotonic()
        self.backup("create", "-n", self.namespace, code=3)
        self.assertLess(time.monotonic() - begin, 300)
        self.assertEqual([("Pre", "TimedOut"), ("Post", "Succeeded")], self.outcomes())
        self.assertTrue(self.exists("/tmp/thawed"))

    def interrupt(self, when, number=signal.SIGINT):
        process = self.start("create", "-n", self.namespace, "--limit-read", "2MiB")
        self.wait_for(when, what="the moment to stop")
        process.send_signal(number)
        process.communicate(timeout=120)
        return process.returncode

    def test_an_interrupted_backup_thaws(self):
        slow = ["sh", "-c", "touch /tmp/freeze; sleep 20; touch /tmp/late"]
        self.start_application({**OURS, "kubectl-backup/pre-hook": hook(slow)})
        self.wait_for_steps()
        # While the pre hook runs.
        self.assertEqual(130, self.interrupt(lambda: self.exists("/tmp/freeze")))
        self.assertFalse(self.exists("/tmp/freeze"))
        self.assertEqual([], self.our_leftovers())
        self.assertEqual([], self.backup("list", "-o", "json").json()["items"])
        # While the volume is read.
        self.kubectl("-n", self.namespace, "annotate", "--overwrite", "pod", "db",
                     "kubectl-backup/pre-hook=" + OURS["kubectl-backup/pre-hook"])
        for number in (signal.SIGINT, signal.SIGTERM):
            self.assertEqual(130, self.interrupt(lambda: self.exists("/tmp/frozen"), number))
            self.assertFalse(self.exists("/tmp/freeze"))
        self.wait_for_steps()

    def test_killed_while_it_is_frozen(self):
        """Nobody is left to thaw it; but nothing of ours is left after cleanup, and the next run thaws it."""
        self.start_application(OURS)
        self.wait_for_steps()
        process = self.start("create", "-n", self.namespace, "--limit-read", "2MiB")
        self.wait_for(lambda: self.exists("/tmp/frozen"), what="the pre hook")
        self.kill(process)
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for_nothing_left()
        self.assertTrue(self.exists("/tmp/frozen"))
        self.check_frozen_backup_now()

    def test_a_hook_whose_stream_is_cut(self):
        """The command may have run, or not: a pre hook is not run again, a post hook is, and always."""
        lines = "i=0; while [ $i -lt 400 ]; do echo a line of the hook; i=$((i+1)); done; sleep 1"
        self.start_application({"kubectl-backup/pre-hook": hook(["sh", "-c", f": prehook; echo x >>/tmp/pre; {lines}"]),
                                "kubectl-backup/post-hook": hook(["sh", "-c", ": posthook; echo x >>/tmp/post; sleep 1"])},
                               script="sleep 1000000")
        proxy = self.proxy()

        def count(name):
            return len(self.run_in_pod("cat", "/tmp/" + name).out.split())
        for number, place in enumerate((0, 3, random.randrange(4, 7000))):
            with self.subTest(place=place):
                before = count("pre"), count("post")
                proxy.clear()
                proxy.cut_exec(place, path="prehook")
                self.backup("create", "-n", self.namespace, environment=proxy.environment, code=3)
                self.assertEqual(number + 1, proxy.count(fault="cut_exec"))
                self.assertEqual([("Pre", "Failed"), ("Post", "Succeeded")], self.outcomes())
                self.assertEqual(("Failed", "HookFailed"), (self.volume()["outcome"], self.volume()["reason"]))
                self.assertLessEqual(count("pre"), before[0] + 1)
                self.assertEqual(before[1] + 1, count("post"))
        before = count("post")
        proxy.clear()
        proxy.cut_exec(0, path="posthook")
        self.backup("create", "-n", self.namespace, environment=proxy.environment)
        self.assertEqual([("Pre", "Succeeded"), ("Post", "Succeeded")], self.outcomes())
        self.assertEqual("application", self.volume()["consistency"])
        self.assertGreater(count("post"), before)
        proxy.clear()
        proxy.cut_exec(0, times=None, path="posthook")
        self.backup("create", "-n", self.namespace, environment=proxy.environment, code=3)
        self.assertEqual([("Pre", "Succeeded"), ("Post", "Failed")], self.outcomes())
        self.assertEqual("Protected", self.volume()["outcome"])
        self.assertEqual([], self.our_leftovers())

    def test_a_dump_whose_stream_is_cut(self):
        """Half a dump is none: no file, or the whole one. And the hooks beside it run all the same."""
        size = 6 << 20
        self.start_application({"k8up.io/backupcommand": "sh -c ': dumpcommand; cat /data/dump'",
                                "kubectl-backup/pre-hook": hook(["touch", "/tmp/frozen"]),
                                "kubectl-backup/post-hook": hook(["rm", "/tmp/frozen"])}, script="sleep 1000000")
        dump = self.volume_directory() / "dump"
        support.write_random(dump, size >> 20)
        path = f"latest:namespaces/{self.namespace}/commands/db"
        proxy = self.proxy()
        for number, place in enumerate((0, 2, random.randrange(size), random.randrange(size), size)):
            with self.subTest(place=place):
                proxy.clear()
                proxy.cut_exec(place, path="dumpcommand", times=None if number == 2 else 1)
                code = self.backup("create", "-n", self.namespace, environment=proxy.environment, code=None).code
                outcome = next(each["outcome"] for each in self.hooks() if each["phase"] == "Command")
                self.assertIn((code, outcome), {(3, "Failed")} if number == 2 else {(3, "Failed"), (0, "Succeeded")})
                stored = self.backup("cp", path, self.home / f"dump-{number}", code=None)
                if outcome == "Succeeded":
                    self.assertEqual(dump.read_bytes(), (self.home / f"dump-{number}").read_bytes())
                else:
                    self.assertNotEqual(0, stored.code, "what is there of a dump is not all of it")
                hooks = [(each["phase"], each["outcome"]) for each in self.hooks() if each["phase"] != "Command"]
                self.assertEqual([("Pre", "Succeeded"), ("Post", "Succeeded")], hooks)
                self.assertFalse(self.exists("/tmp/frozen"))
                self.assertEqual("Protected", self.volume()["outcome"])
        proxy.clear()
        self.backup("create", "-n", self.namespace, environment=proxy.environment)
        self.backup("cp", path, self.home / "whole")
        self.assertEqual(dump.read_bytes(), (self.home / "whole").read_bytes())

    def test_all_pods_of_a_group_first(self):
        log = "echo $(hostname) {} $(date +%s.%N) >>/data/log"
        for name in ("one", "two"):
            self.start_application(
                {"kubectl-backup/pre-hook": hook(log.format("pre")),
                 "kubectl-backup/post-hook": hook(log.format("post"))},
                name=name, claim=f"data-{name}", script="sleep 1000000")
            self.kubectl("-n", self.namespace, "label", "pvc", f"data-{name}", "velero.io/volume-group=set")
        self.backup("create", "-n", self.namespace)
        self.assertEqual([("Pre", "one"), ("Pre", "two"), ("Post", "two"), ("Post", "one")],
                         [(each["phase"], each["pod"]) for each in self.hooks()])
        # Both stand in both copies as frozen and not as thawed.
        for name in ("one", "two"):
            words = self.backup("cat", f"latest:{self.namespace}/data-{name}/log").out.split()
            self.assertEqual([name, "pre"], words[:2])
            self.assertEqual(3, len(words))

    def test_output_of_a_command_is_a_file(self):
        # The application writes on: a dump that meets a lock says so and ends with 0.
        dumping = "sqlite3 -cmd '.timeout 30000' /data/a.db .dump"
        self.start_application({"k8up.io/backupcommand": f'sh -c "{dumping}; echo dumped >&2"',
                                "k8up.io/backupcommand-container": "app", "k8up.io/file-extension": ".sql"})
        self.wait_for_steps()
        self.backup("create", "-n", self.namespace)
        dump = self.backup("cat", f"latest:namespaces/{self.namespace}/commands/db.sql").out
        database = sqlite3.connect(":memory:")
        database.executescript(dump)
        self.assertGreater(database.execute("select count(*) from steps").fetchone()[0], 2)
        record = self.hooks()[0]
        self.assertEqual(("Command", "Succeeded", "dumped"), (record["phase"], record["outcome"], record["output"]))
        mounted = self.mount()
        path = mounted / "latest" / "namespaces" / self.namespace / "commands" / "db.sql"
        self.assertEqual(dump, path.read_text())
        self.backup("verify", "--read-data")

    @support.long
    def test_large_output_is_streamed(self):
        # 300 MB that say what they are; no end of it may be missing.
        command = "sh -c 'i=0; while [ $i -lt 300 ]; do head -c 1000000 /dev/urandom; i=$((i+1)); done | tee /data/copy'"
        self.start_application({"k8up.io/backupcommand": command}, script="sleep 1000000")
        self.kubectl("-n", self.namespace, "annotate", "pvc", "data", "kubectl-backup/data=skip")
        self.backup("create", "-n", self.namespace, timeout=900)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        out = self.home / "out"
        self.backup("cp", f"latest:namespaces/{self.namespace}/commands/db", out, timeout=900)
        self.assertEqual(300_000_000, out.stat().st_size)
        copy = self.volume_directory() / "copy"
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (out, copy)]
        self.assertEqual(digests[0], digests[1])
        print(f"peak memory of a child: {peak} MiB")
        self.assertLess(peak, 250)

    def test_output_of_a_command_that_fails(self):
        self.start_application({"k8up.io/backupcommand": "sh -c 'echo half; echo disk full >&2; exit 4'"},
                               script="sleep 1000000")
        self.backup("create", "-n", self.namespace, code=3)
        record = self.hooks()[0]
        self.assertEqual(("Failed", 4, "disk full"), (record["outcome"], record["exitCode"], record["output"]))
        result = self.backup("cat", f"latest:namespaces/{self.namespace}/commands/db", code=None)
        self.assertNotEqual(0, result.code)


if __name__ == "__main__":
    support.run()
