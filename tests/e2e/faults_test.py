#!/usr/bin/env python3
"""Things that go wrong in the middle: what was there before stays, what is left is removed."""
import os
import signal
import subprocess
import threading
import time

import support


class Faults(support.ClusterCase):
    def setUp(self):
        super().setUp()
        self.claim(size="1Gi")
        self.pod()
        self.directory = self.volume_directory()
        (self.directory / "first").write_text("first")
        self.backup("create", "first", "-n", self.namespace)

    def grow(self, megabytes):
        with open(self.directory / "large", "wb") as large:
            for _ in range(megabytes):
                large.write(os.urandom(1 << 20))

    def wait_for_mover(self):
        """Until a mover pod of ours runs; its name."""
        found = []

        def look():
            found[:] = self.kubectl("-n", self.namespace, "get", "pods", "-l",
                                    "app.kubernetes.io/managed-by=kubectl-backup",
                                    "--field-selector=status.phase=Running", "-o", "name").out.split()
            return found
        self.wait_for(look, what="the mover")
        return found[0]

    def check_first_point(self):
        self.assertEqual("first", self.backup("cat", f"first:{self.namespace}/data/first").out)
        self.backup("verify", "--read-data")

    def test_mover_killed_in_the_middle(self):
        self.grow(300)
        process = self.start("create", "second", "-n", self.namespace)
        mover = self.wait_for_mover()
        time.sleep(0.3)
        self.kubectl("-n", self.namespace, "delete", mover, "--grace-period=0", "--force")
        out, err = process.communicate(timeout=240)
        # Tried again and whole, or said to be missing: never a silent success without the data.
        self.assertIn(process.returncode, (0, 3), out + err)
        volume = self.ledger("second")["volumes"][0]
        if process.returncode == 0:
            self.assertEqual("Protected", volume["outcome"])
            self.backup("cp", f"second:{self.namespace}/data/large", self.home / "large")
            subprocess.run(["cmp", self.home / "large", self.directory / "large"], check=True)
        else:
            self.assertEqual("Failed", volume["outcome"])
        self.check_first_point()
        self.wait_for(lambda: not self.our_leftovers(), what="our pods to be gone")

    def test_interrupted(self):
        self.grow(300)
        process = self.start("create", "second", "-n", self.namespace)
        self.wait_for_mover()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(130, process.returncode, out + err)
        self.assertEqual([], self.our_leftovers())
        self.assertEqual(1, len(self.backup("list", "-o", "json").json()["items"]))
        self.check_first_point()
        self.backup("create", "third", "-n", self.namespace)

    def test_killed_then_cleanup(self):
        self.grow(300)
        process = self.start("create", "second", "-n", self.namespace)
        self.wait_for_mover()
        process.kill()
        process.wait()
        self.assertNotEqual([], self.our_leftovers())
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for(lambda: not self.our_leftovers(), seconds=30, what="cleanup")
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

    def test_api_server_restarts(self):
        self.grow(200)
        process = self.start("create", "second", "-n", self.namespace)
        self.wait_for_mover()
        subprocess.run([support.TOP / "tests" / "cluster", "--kubernetes", support.KUBERNETES, "restart-apiserver"],
                       check=True, capture_output=True)
        out, err = process.communicate(timeout=300)
        self.assertIn(process.returncode, (0, 3), out + err)
        outcome = self.ledger("second")["volumes"][0]["outcome"]
        self.assertEqual("Protected" if process.returncode == 0 else "Failed", outcome)
        self.check_first_point()
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for(lambda: not self.our_leftovers(), what="our pods to be gone")

    def test_api_server_not_there(self):
        result = self.backup("create", "-n", self.namespace, "--server", "https://127.0.0.1:9", code=None)
        self.assert_error(result, 20, "127.0.0.1:9")
        self.check_first_point()

    def test_no_such_namespace(self):
        result = self.backup("create", "-n", self.namespace + "x", code=None)
        self.assert_error(result, 1, "no namespace", "did you mean")

    def test_no_secret_in_any_log(self):
        planted = "planted-" + support.random_word(24)
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "planted"},
                    "stringData": {"password": planted}}, namespace=self.namespace)
        result = self.backup("create", "-n", self.namespace, "--log", "trace", "-v", "9",
                             environment={"KUBECTL_BACKUP_LOG": "trace"})
        import base64
        for text in (planted, base64.b64encode(planted.encode()).decode()[:-4]):
            self.assertNotIn(text, result.out + result.err)
        key = next((self.home / "config").rglob("*.key")).read_text().split()[-1]
        self.assertNotIn(key, result.out + result.err)
        # And nothing of it lies in the repository in clear text.
        found = subprocess.run(["grep", "-r", planted, str(self.repository)], capture_output=True)
        self.assertEqual(1, found.returncode)


if __name__ == "__main__":
    support.run()
