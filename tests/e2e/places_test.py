#!/usr/bin/env python3
"""Where a mover must get along: restricted Pod Security, no shell, few rights."""
import os
import subprocess
import unittest

import support


class Places(support.ClusterCase):
    @unittest.skipIf(support.KUBERNETES == "v1.20", "Pod Security admission came with v1.22")
    def test_restricted_namespace(self):
        namespace = self.make_namespace({"pod-security.kubernetes.io/enforce": "restricted"})
        self.claim(namespace=namespace)
        self.pod(namespace=namespace,
                 security={"runAsNonRoot": True, "runAsUser": 12345, "runAsGroup": 12345,
                           "seccompProfile": {"type": "RuntimeDefault"}},
                 container_security={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                                     "readOnlyRootFilesystem": True})
        directory = self.volume_directory(namespace=namespace)
        (directory / "mine").write_text("readable")
        os.chown(directory / "mine", 12345, 12345)
        (directory / "roots").write_text("not readable")
        (directory / "roots").chmod(0o600)
        result = self.backup("create", "-n", namespace, code=3)
        self.assertIn("roots", result.err + self.backup("describe", "latest").out)
        volume = self.ledger()["volumes"][0]
        self.assertEqual(1, volume["filesUnreadable"], volume)
        self.assertEqual("readable", self.backup("cat", f"latest:{namespace}/data/mine").out)
        self.assertEqual([], self.our_leftovers())

    @unittest.skipIf(support.KUBERNETES == "v1.20", "Pod Security admission came with v1.22")
    def test_baseline_namespace(self):
        """Enough for what an administrator reads."""
        namespace = self.make_namespace({"pod-security.kubernetes.io/enforce": "baseline"})
        self.claim(namespace=namespace)
        self.pod(namespace=namespace)
        directory = self.volume_directory(namespace=namespace)
        (directory / "roots").write_text("readable")
        (directory / "roots").chmod(0o600)
        (directory / "theirs").write_text("readable, too")
        (directory / "theirs").chmod(0)
        os.chown(directory / "theirs", 12345, 12345)
        self.backup("create", "-n", namespace)
        self.assertEqual("readable", self.backup("cat", f"latest:{namespace}/data/roots").out)
        self.assertEqual("readable, too", self.backup("cat", f"latest:{namespace}/data/theirs").out)
        self.assertEqual([], self.our_leftovers())

    def test_pod_without_a_shell(self):
        self.claim()
        self.pod(image=support.NO_SHELL_IMAGE, command=None)
        directory = self.volume_directory()
        (directory / "file").write_text("content")
        self.backup("create", "-n", self.namespace)
        self.assertEqual("content", self.backup("cat", f"latest:{self.namespace}/data/file").out)
        (directory / "file").write_text("damaged")
        self.backup("cp", f"latest:{self.namespace}/data/file", f"{self.namespace}/app:/data/file")
        self.assertEqual("content", (directory / "file").read_text())

    def test_forbidden(self):
        name = "user-" + support.random_word()
        kubeconfig = self.user(name)
        result = self.backup("create", "-n", self.namespace, "--kubeconfig", kubeconfig, code=None)
        self.assert_error(result, 21, self.namespace)

    def test_edit_role_is_enough(self):
        name = "user-" + support.random_word()
        kubeconfig = self.user(name)
        self.kubectl("-n", self.namespace, "create", "rolebinding", "edit", "--clusterrole=edit", f"--user={name}")
        self.wait_for_rights()
        self.claim()
        self.pod()
        (self.volume_directory() / "file").write_text("content")
        result = self.backup("create", "-n", self.namespace, "--kubeconfig", kubeconfig, code=None)
        # 'edit' may not list everything (roles, quotas of others): that is said, and all else is there.
        self.assertIn(result.code, (0, 3), str(result))
        if result.code == 3:
            self.assertRegex(result.err + self.backup("describe", "latest").out, r"cannot list|forbidden|may not")
        self.assertEqual("content", self.backup("cat", f"latest:{self.namespace}/data/file").out)

    def user(self, name):
        return subprocess.run(support.cluster_command("user", name),
                              capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    support.run()
