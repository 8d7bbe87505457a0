#!/usr/bin/env python3
"""Runs the session that the README shows and compares: what it promises is what happens.

BACKUP_ACCEPT=1 writes the session anew into README.md; the diff is to be reviewed.
"""
import os
import re
import subprocess

import support

README = support.TOP / "README.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.S)
COMMANDS = """\
kubectl backup create -n shop
kubectl backup list
kubectl backup mount backups
ls backups/latest/namespaces/shop
ls backups/latest/namespaces/shop/manifests
kubectl -n shop exec orders-0 -- sh -c 'echo oops >/data/orders.db'
cmp backups/latest/namespaces/shop/volumes/data-orders-0/invoices/2026-01/invoice-0000.txt invoice.txt && echo same
kubectl backup cp latest:shop/data-orders-0/orders.db shop/orders-0:/data/orders.db
kubectl -n shop exec orders-0 -- sqlite3 /data/orders.db 'select count(*) from orders'
kubectl backup umount backups
""".splitlines()


def normal(text):
    """Times, sizes, ids and the spaces that follow from them differ from run to run."""
    text = re.sub(r"\S*/(kubectl-backup|backups|\.local|\.config)\S*", "PATH", text)
    text = re.sub(r"(?m)^[^\n:]+: .*\d items\b.*\n", "", text)  # of a machine that takes its time
    text = re.sub(r"\d+", "N", text)
    text = re.sub(r"N(\.N)?[smhd]?(?:N[smhd])?", "N", text)
    text = re.sub(r"N [KMG]?i?B(/s)?", "N B", text)
    text = re.sub(r"\b[0-9a-f]{7,}\b|\b(?=\w*N)[0-9a-fN]{6,}\b", "N", text)
    return re.sub(r"[ \t]+", " ", text).strip()


class Readme(support.ClusterCase):
    def setUp(self):
        support.Case.setUp(self)
        self.environment.update(self.cluster)
        self.environment["PATH"] = f"{support.BIN}:{self.environment['PATH']}"
        self.namespace = "shop"
        self.addCleanup(self.kubectl, "delete", "crd", "coupons.shop.example.com", "--ignore-not-found", check=False)
        self.addCleanup(self.kubectl, "delete", "namespace", "shop", "--ignore-not-found", check=False)
        demo = support.TOP / "tests" / "demo.d"
        self.kubectl("delete", "namespace", "shop", "--ignore-not-found")
        self.kubectl("apply", "-f", "-", stdin=(demo / "shop.yaml").read_text().replace("IMAGE", support.IMAGE))
        self.kubectl("wait", "--for=condition=Established", "crd/coupons.shop.example.com", "--timeout=60s")
        # It is served a moment later.
        self.wait_for(lambda: self.kubectl("-n", "shop", "get", "coupons.shop.example.com", check=False).code == 0,
                      what="the new kind")
        self.kubectl("apply", "-f", demo / "coupons.yaml")
        self.kubectl("-n", "shop", "rollout", "status", "statefulset/orders", "--timeout=180s")
        self.kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=180s")
        data = subprocess.run(["python3", demo / "make_data.py"], capture_output=True, check=True).stdout
        self.kubectl("-n", "shop", "exec", "-i", "orders-0", "--", "tar", "xf", "-", "-C", "/data", stdin=data, text=False)
        (self.home / "backups").mkdir()
        self.addCleanup(subprocess.run, ["umount", "-l", self.home / "backups"], capture_output=True)
        (self.home / "invoice.txt").write_text(
            self.kubectl("-n", "shop", "exec", "orders-0", "--", "cat", "/data/invoices/2026-01/invoice-0000.txt").out)

    def run_session(self, commands):
        session = ""
        for command in commands:
            done = subprocess.run(["bash", "-c", command + " 2>&1"], capture_output=True, text=True, cwd=self.home,
                                  env=self.environment, stdin=subprocess.DEVNULL, timeout=300)
            self.assertEqual(0, done.returncode, f"$ {command}\n{done.stdout}")
            session += f"$ {command}\n{done.stdout}"
        return session

    def test_session(self):
        readme = README.read_text()
        shown = BLOCK.search(readme).group(1)
        if os.environ.get("BACKUP_ACCEPT"):
            session = self.run_session(COMMANDS).replace(str(self.home), "/home/you")
            README.write_text(BLOCK.sub(lambda _: f"```console\n{session}```", readme, count=1))
            return
        commands = [line[2:] for line in shown.splitlines() if line.startswith("$ ")]
        self.assertGreater(len(commands), 5)
        self.assertEqual(normal(shown), normal(self.run_session(commands).replace(str(self.home), "/home/you")))


if __name__ == "__main__":
    support.run()
