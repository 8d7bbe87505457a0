#!/usr/bin/env python3
"""Things that go wrong in the middle: what was there before stays, what is left is removed."""
import base64
import http.server
import json
import signal
import subprocess
import threading
import unittest

import support


class Hook(http.server.ThreadingHTTPServer):
    """A web server that keeps what is posted to it and answers with the statuses it was given, then 200."""

    def __init__(self, *statuses):
        super().__init__(("127.0.0.1", 0), HookRequest)
        self.statuses, self.posts = list(statuses), []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def url(self, credentials=""):
        return f"http://{credentials}127.0.0.1:{self.server_port}/path-that-is-secret"

    def close(self):
        self.shutdown()
        self.server_close()

    def events(self):
        return [post["event"] for _, post in self.posts]


class HookRequest(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.posts.append((dict(self.headers), json.loads(body)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class FaultCase(support.ClusterCase):
    """With a volume, and a point `first` that nothing may hurt."""

    def setUp(self):
        super().setUp()
        self.claim(size="1Gi")
        self.pod()
        self.directory = self.volume_directory()
        (self.directory / "first").write_text("first")
        self.backup("create", "first", "-n", self.namespace)

    def grow(self, megabytes):
        support.write_random(self.directory / "large", megabytes)

    def check_first_point(self):
        self.assertEqual("first", self.content("first", point="first"))
        self.backup("verify", "--read-data")

    def check_second_point(self, outcome="Protected", status="Complete"):
        """The point `second`, its status and its volume; and that nothing else was hurt."""
        point = self.assert_status(status, "second")
        volume = point["ledger"]["volumes"][0]
        self.assertEqual(outcome, volume["outcome"], volume)
        if outcome == "Protected" and (self.directory / "large").exists():
            self.assert_same_file("large", point="second")
        self.check_first_point()
        self.wait_for_nothing_left()
        return point

    def failed_lists(self, point):
        return {entry["resource"]: entry["reason"] for entry in point["ledger"]["lists"]
                if entry["outcome"] == "Failed"}

    def many_config_maps(self, count):
        self.apply(*({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"many-{number}"},
                      "data": {"number": str(number)}} for number in range(count)), namespace=self.namespace)

    def config_maps_stored(self, point):
        return [entry for entry in point["ledger"]["lists"]
                if entry["resource"] == "configmaps" and entry["outcome"] == "Protected"][0]


class Lists(FaultCase):
    def test_expired_continue_token(self):
        self.many_config_maps(1100)
        proxy = self.proxy()
        proxy.expire_continue(1)
        self.backup("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.assertEqual(1, proxy.count(status=410))
        # The list is begun again: all of it is of one moment.
        maps = self.config_maps_stored(self.check_second_point())
        self.assertTrue(maps["consistent"])
        self.assertGreaterEqual(maps["count"], 1100)

    def test_continue_tokens_that_expire_again_and_again(self):
        self.many_config_maps(1100)
        proxy = self.proxy()
        proxy.expire_continue(5)
        self.backup("create", "second", "-n", self.namespace, environment=proxy.environment)
        point = self.check_second_point(status="Warnings")
        maps = self.config_maps_stored(point)
        # Everything is there, but nobody may think that it is of one moment.
        self.assertGreaterEqual(maps["count"], 1100)
        self.assertFalse(maps["consistent"])
        self.assertIn("ListInconsistent", self.backup("describe", "second").out)

    def test_pages_that_are_too_large_for_the_server(self):
        """It gives up on 500 objects at once: fewer are asked for, and all come."""
        self.many_config_maps(1100)
        proxy = self.proxy()
        proxy.fail(None, 504, reason="Timeout", path=r"/configmaps\?(.*&)?limit=500(&|$)")
        self.backup("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.assertGreater(proxy.count(status=504), 0)
        self.assertGreater(proxy.count(path=r"/configmaps\?(.*&)?limit=100(&|$)", status=200), 1)
        maps = self.config_maps_stored(self.check_second_point())
        self.assertTrue(maps["consistent"])
        self.assertEqual(1100, maps["count"])

    def test_server_that_is_busy(self):
        """429 while it is learned what there is, while lists are read, pods made and streams opened."""
        self.grow(20)
        hook = json.dumps({"command": ["sh", "-c", "echo ran >>/tmp/hook"]})
        self.kubectl("-n", self.namespace, "annotate", "pod", "app", f"kubectl-backup/pre-hook={hook}")
        proxy = self.proxy()
        places = {r"^/(api(/v1)?|apis(/[^/?]+){0,2})(\?|$)": (4, None), r"/namespaces/[^/]+/[a-z]+(\?|$)": (30, "GET"),
                  r"/selfsubjectaccessreviews": (3, "POST"), r"/pods(\?|$)": (3, "POST"), r"/pods/[^/]+/exec": (3, None)}
        for path, (times, method) in places.items():
            proxy.throttle(times, retry_after=1, path=path, method=method)
        self.backup("create", "second", "-n", self.namespace, environment=proxy.environment)
        for path, (times, method) in places.items():
            self.assertEqual(times, proxy.count(path=path, method=method, status=429), path)
        point = self.check_second_point()
        # Who was told to come back later has run nothing: that is no second time.
        self.assertEqual(["Succeeded"], [hook["outcome"] for hook in point["ledger"]["hooks"]])
        self.assertEqual("ran\n", self.kubectl("-n", self.namespace, "exec", "app", "--", "cat", "/tmp/hook").out)

    def hang(self, resource):
        """A list that is never answered: the point is there without it and says so."""
        proxy = self.proxy()
        proxy.hang(None, path=rf"/{resource}(\?|$)")
        result = self.backup("create", "second", "-n", self.namespace, "--request-timeout", "3s", code=3, timeout=600,
                             environment=proxy.environment)
        self.assertGreater(proxy.count(fault="hang"), 0)
        point = self.assert_status("Incomplete", "second")
        self.assertIn("second", self.backup("list", "--status", "incomplete", "-o", "name").out)
        shown = self.backup("describe", "second").out
        self.assertRegex(shown, rf"(?m)^.*\b{resource}\b.*$", "what could not be read is named")
        # What has nothing to do with it is there.
        stored = {entry["resource"]: entry["count"] for entry in point["ledger"]["lists"] if entry["outcome"] == "Protected"}
        self.assertGreater(stored["serviceaccounts"], 0)
        self.check_first_point()
        if self.our_leftovers():
            # Who cannot see which pods use a program may not take it away; but says what remains.
            self.assertIn("cleanup", shown + result.err)
            self.backup("cleanup", "-n", self.namespace)
        self.wait_for_nothing_left()
        return point

    def test_secrets_that_are_never_listed(self):
        point = self.hang("secrets")
        self.assertEqual({"secrets": "TimedOut"}, self.failed_lists(point))
        self.assertEqual("Protected", point["ledger"]["volumes"][0]["outcome"])
        self.assertIn(f"secrets in namespace {self.namespace}: TimedOut", self.backup("describe", "second").out)

    def test_pods_that_are_never_listed(self):
        point = self.hang("pods")
        self.assertEqual({"pods": "TimedOut"}, self.failed_lists(point))

    def test_storage_classes_that_are_never_listed(self):
        point = self.hang("storageclasses")
        self.assertEqual("Protected", point["ledger"]["volumes"][0]["outcome"], "it needs no class to be read")

    @unittest.skipIf(support.KUBERNETES == "v1.20", "the v1.20 cluster has no snapshots")
    def test_snapshot_classes_that_are_never_listed(self):
        point = self.hang("volumesnapshotclasses")
        self.assertEqual("Protected", point["ledger"]["volumes"][0]["outcome"], "read live instead")

    def test_nodes_that_are_never_listed(self):
        """Their number matters to a folder of the node that any pod, anywhere, might call its own."""
        self.host_path_claim("folder")
        (self.volume_directory("folder") / "file").write_text("content")
        self.pod("user", claim="folder")
        self.hang("nodes")
        # Its pod says which node it is: that one is asked, how many others there are does not matter.
        self.assertEqual("content", self.content("file", "folder", point="second"))

    def test_list_that_is_slow_once(self):
        proxy = self.proxy()
        proxy.hang(1, seconds=2, path=r"/secrets(\?|$)")
        self.backup("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.check_second_point()

    def test_api_group_that_is_down(self):
        proxy = self.proxy()
        proxy.fail(None, 503, path=r"^/apis/apps/v1/")
        self.backup("create", "second", "-n", self.namespace, code=3, environment=proxy.environment)
        failed = self.failed_lists(self.check_second_point(status="Incomplete"))
        self.assertEqual("ApiUnavailable", failed["deployments.apps"])
        self.assertTrue(all(resource.endswith(".apps") for resource in failed), failed)

    @support.alone
    def test_aggregated_api_is_down(self):
        group = f"{support.random_word(8)}.example.com"
        self.apply({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1." + group},
                    "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10,
                             "insecureSkipTLSVerify": True,
                             "service": {"name": "nobody", "namespace": self.namespace}}})
        self.addCleanup(self.kubectl, "delete", "apiservice", "v1." + group, check=False)
        self.wait_for(lambda: group in self.kubectl("get", "--raw", "/apis").out, what="the group")
        self.backup("create", "second", "-n", self.namespace, code=3)
        self.kubectl("delete", "apiservice", "v1." + group)
        point = self.check_second_point(status="Incomplete")
        self.assertIn(group, " ".join(problem["subject"] for problem in point["ledger"]["problems"]))
        self.assertIn(group, self.backup("describe", "second").out)

    def test_objects_deleted_while_they_are_listed(self):
        """A list is of one moment: what goes before its last page was read is in it all the same."""
        self.many_config_maps(1100)
        proxy = self.proxy()
        proxy.delay(1, 4, path="/configmaps.*continue=")
        process = self.start("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.wait_for(lambda: proxy.count(fault="delay") == 1, what="the second page")
        self.kubectl("-n", self.namespace, "delete", "configmap", "many-999", "many-1")
        self.finish(process)
        maps = self.config_maps_stored(self.check_second_point())
        self.assertTrue(maps["consistent"])
        self.assertGreaterEqual(maps["count"], 1100)
        self.backup("cat", f"second:namespaces/{self.namespace}/raw/configmaps/many-999.json")

    def test_object_deleted_before_it_is_fetched(self):
        """Of an unchanged namespace only what changed is fetched, one by one."""
        self.many_config_maps(150)
        self.backup("create", "before", "-n", self.namespace)
        self.kubectl("-n", self.namespace, "annotate", "configmap", "many-77", "changed=yes")
        proxy = self.proxy()
        proxy.delay(1, 4, path=r"/configmaps.*metadata\.name(%3D|=)many-77")
        process = self.start("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.wait_for(lambda: proxy.count(fault="delay") == 1 or process.poll() is not None, what="the one that changed")
        self.kubectl("-n", self.namespace, "delete", "configmap", "many-77")
        self.finish(process)
        self.assertEqual(1, proxy.count(fault="delay"))
        point = self.check_second_point()
        # It was there at the moment of the list. A server that has forgotten that moment says it is gone.
        gone = [entry for entry in point["ledger"]["lists"] if entry.get("reason") == "DeletedMeanwhile"]
        stored = self.backup("cat", f"second:namespaces/{self.namespace}/raw/configmaps/many-77.json", code=None)
        self.assertEqual([], gone) if stored.code == 0 else self.assertEqual(1, gone[0]["count"])

    def test_claim_deleted_before_it_is_read(self):
        """Nothing to be alarmed about, but never green: the data is not there."""
        self.claim("short-lived", storage_class="immediate")
        (self.volume_directory("short-lived") / "file").write_text("content")
        proxy = self.proxy()
        proxy.delay(None, 15, path=r"/persistentvolumeclaims/short-lived(\?|$)", method="GET")
        process = self.start("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.wait_for(lambda: proxy.count(fault="delay") >= 1 or process.poll() is not None, what="the claim to be read")
        self.kubectl("-n", self.namespace, "delete", "pvc", "short-lived")
        self.finish(process)
        self.assertEqual("Protected", self.volume(point="second")["outcome"])
        gone = self.volume("short-lived", "second")
        self.assertEqual(("Skipped", "DeletedMeanwhile"), (gone["outcome"], gone["reason"]), gone)
        self.assert_status("Warnings", "second")
        self.assertEqual("first", self.content("first", point="second"))
        self.wait_for_nothing_left()


class Server(FaultCase):
    """The API server, or the way to it, is gone for a while."""

    def stop_before(self, path, method):
        """A run with a request that comes to the API server when that has been stopped: it is made again."""
        proxy = self.proxy()
        proxy.delay(1, 6, path=path, method=method)
        process = self.start("create", "second", "-n", self.namespace, environment=proxy.environment)
        self.wait_for(lambda: proxy.count(fault="delay") or process.poll() is not None, what="the request")
        self.assertIsNone(process.poll(), "it was not made")
        before = proxy.count(path=path)
        try:
            subprocess.run(support.cluster_command("stop-apiserver"), check=True, capture_output=True)
            self.wait_for(lambda: proxy.count(path=path) > before or process.poll() is not None,
                          what="a second try")
        finally:
            subprocess.run(support.cluster_command("start-apiserver"), check=True, capture_output=True)
        self.finish(process)
        self.assertGreater(proxy.count(path=path), before)

    def test_connections_that_break(self):
        self.grow(60)
        proxy = self.proxy()
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "20MiB",
                             environment=proxy.environment)
        self.wait_for_mover(process)
        proxy.refuse(2)
        self.finish(process)
        self.check_second_point()

    @support.alone
    def test_api_server_restarts_while_volumes_are_read(self):
        self.grow(60)
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "10MiB")
        self.wait_for_mover(process)
        subprocess.run(support.cluster_command("restart-apiserver"), check=True, capture_output=True)
        self.finish(process)
        self.check_second_point()

    @support.alone
    def test_api_server_restarts_while_movers_are_made(self):
        self.grow(5)
        self.stop_before(r"/pods(\?|$)", "POST")
        self.check_second_point()

    @support.alone
    def test_api_server_restarts_while_objects_are_listed(self):
        self.stop_before(r"/secrets(\?|$)", "GET")
        self.check_second_point()

    def test_api_server_not_there(self):
        result = self.backup("create", "-n", self.namespace, "--server", "https://127.0.0.1:9", code=None)
        self.assert_error(result, 20, "127.0.0.1:9")
        self.check_first_point()


class Faults(FaultCase):
    def test_namespace_begins_to_terminate_before_the_mover_is_made(self):
        proxy = self.proxy()
        proxy.fail(None, 403, reason="Forbidden", method="POST", path=r"/pods(\?|$)",
                   message=f'pods "x" is forbidden: unable to create new content in namespace {self.namespace} '
                           "because it is being terminated")
        self.backup("create", "second", "-n", self.namespace, code=3, environment=proxy.environment)
        volume = self.check_second_point("Failed", "Incomplete")["ledger"]["volumes"][0]
        self.assertEqual("NamespaceTerminating", volume["reason"])

    def test_notifications(self):
        hook = Hook()
        self.addCleanup(hook.close)
        result = self.backup("create", "second", "-n", self.namespace, "--notify", hook.url("me:planted@"),
                             "--log", "trace", "-v", "9", environment={"KUBECTL_BACKUP_LOG": "trace"})
        self.assertEqual(["start", "success"], hook.events())
        headers, post = hook.posts[-1]
        self.assertEqual("Basic bWU6cGxhbnRlZA==", headers["Authorization"])
        self.assertEqual(("BackupNotification", "second", 0), (post["kind"], post["name"], post["exitCode"]))
        self.assertEqual(1, post["summary"]["volumes"]["protected"])
        for secret in ("planted", "path-that-is-secret", "bWU6"):
            self.assertNotIn(secret, result.out + result.err)

        # An incomplete point is no success.
        proxy = self.proxy()
        proxy.fail(None, 403, path=r"/secrets(\?|$)")
        self.backup("create", "third", "-n", self.namespace, "--notify", hook.url(), code=3,
                    environment=proxy.environment)
        self.assertEqual(["start", "failure"], hook.events()[2:])
        self.assertEqual("Incomplete", hook.posts[-1][1]["status"])
        self.assertIn("Forbidden", {finding["reason"] for finding in hook.posts[-1][1]["findings"]})

        # Nor is no point at all; and a dry run is nobody's business.
        self.backup("create", "-n", self.namespace + "x", "--notify", hook.url(), code=1)
        self.assertEqual("failure", hook.events()[-1])
        self.assertEqual("KubeNotFound", hook.posts[-1][1]["error"]["code"])
        before = len(hook.posts)
        self.backup("create", "-n", self.namespace, "--dry-run", "--notify", hook.url())
        self.assertEqual(before, len(hook.posts))

    def test_notifications_are_tried_again_and_never_in_the_way(self):
        hook = Hook(503, 503)
        self.addCleanup(hook.close)
        self.backup("create", "second", "-n", self.namespace, "--notify", hook.url())
        self.assertEqual("success", hook.events()[-1])
        refused = Hook(*[400] * 20)
        self.addCleanup(refused.close)
        for number, url in enumerate((refused.url("me:planted@"), "http://127.0.0.1:9/planted")):
            result = self.backup("create", f"other-{number}", "-n", self.namespace, "--notify", url)
            self.assertIn("notification did not arrive", result.err)
            self.assertNotIn("planted", result.err)
        result = self.backup("create", "-n", self.namespace, "--notify", "planted", code=2)
        self.assertNotIn("planted", result.err)

    def start_and_wait_for_mover(self):
        """A run that takes a while."""
        self.grow(60)
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "5MiB")
        self.wait_for_mover(process)
        return process

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                process = self.start_and_wait_for_mover()
                process.send_signal(number)
                self.finish(process, code=130, timeout=60)
                self.assertEqual([], self.our_leftovers())
                self.assertEqual(1, len(self.backup("list", "-o", "json").json()["items"]))
        self.check_first_point()
        self.backup("create", "third", "-n", self.namespace)

    def test_killed_then_cleanup(self):
        process = self.start_and_wait_for_mover()
        self.kill(process)
        self.assertNotEqual([], self.our_leftovers())
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for_nothing_left()
        self.check_first_point()

    def test_two_at_once(self):
        self.grow(60)
        results = []
        threads = [threading.Thread(target=lambda name=name: results.append(
            self.backup("create", name, "-n", self.namespace, code=None))) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            self.assertEqual(0, result.code, str(result))
        self.assertEqual(3, len(self.backup("list", "-o", "json").json()["items"]))
        self.check_first_point()
        self.assertEqual([], self.our_leftovers())

    def test_no_such_namespace(self):
        result = self.backup("create", "-n", self.namespace + "x", code=None)
        self.assert_error(result, 1, "no namespace", "did you mean")

    def test_no_secret_in_any_log(self):
        planted = "planted-" + support.random_word(24)
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "planted"},
                    "stringData": {"password": planted}}, namespace=self.namespace)
        result = self.backup("create", "-n", self.namespace, "--log", "trace", "-v", "9",
                             environment={"KUBECTL_BACKUP_LOG": "trace"})
        for text in (planted, base64.b64encode(planted.encode()).decode()[:-4]):
            self.assertNotIn(text, result.out + result.err)
        key = next((self.home / "config").rglob("*.key")).read_text().split()[-1]
        self.assertNotIn(key, result.out + result.err)
        # And nothing of it lies in the repository in clear text.
        found = subprocess.run(["grep", "-r", planted, str(self.repository)], capture_output=True)
        self.assertEqual(1, found.returncode)


if __name__ == "__main__":
    support.run()
