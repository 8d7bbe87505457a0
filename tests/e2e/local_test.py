#!/usr/bin/env python3
"""Without a cluster: import, mount, restore, and every error a person can run into."""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import subprocess
import time

import support


class Local(support.Case):
    def setUp(self):
        super().setUp()
        self.source = self.home / "source"
        self.source.mkdir()
        support.fill_directory(self.source)

    def do_import(self, *words, **options):
        return self.backup("import", "directory", self.source, "--as", "shop/data", *words, **options)

    def test_import_mount_restore(self):
        self.do_import()
        mounted = self.mount()
        volume = mounted / "latest" / "namespaces" / "shop" / "volumes" / "data"
        self.assertEqual(support.describe_tree(self.source), support.describe_tree(volume))
        listing = subprocess.run(["ls", "-lR", mounted], capture_output=True, text=True, errors="replace")
        self.assertEqual(0, listing.returncode, listing.stderr)
        # A point that is made while the mount is there appears in it.
        self.do_import("--name", "newer")
        self.assertTrue(any((mounted / "by-name" / "newer").exists() or time.sleep(0.5)
                            for _ in range(40)))
        target = self.home / "target"
        self.backup("restore", "latest", "--volume", "shop/data", "--to-directory", target)
        self.assertEqual(support.describe_tree(self.source), support.describe_tree(target))

    def test_umount_ends_what_other_namespaces_have_of_it(self):
        """As those of containers that were started meanwhile."""
        self.do_import()
        mounted = self.mount()
        other = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sleep", "1000"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        place = pathlib.Path(f"/proc/{other.pid}/ns/mnt")
        self.wait_for(lambda: place.readlink() != pathlib.Path("/proc/self/ns/mnt").readlink(), what="the namespace")
        status = (mounted / ".backup" / "status").read_text()
        daemon = pathlib.Path("/proc") / re.search(r"(?m)^pid: (\d+)$", status)[1] / "cmdline"
        self.assertIn("kubectl-backup-mount", daemon.read_text())
        self.backup("umount", mounted)
        # A dead one whose parent does not fetch its exit code has no command line.
        with contextlib.suppress(OSError):
            self.assertEqual("", daemon.read_text())
        self.assertEqual([], list(mounted.iterdir()))

    def test_umount_spares_another_mount_of_the_same(self):
        self.do_import()
        mounted = self.mount()
        second = self.home / "second"
        second.mkdir()
        subprocess.run(["mount", "--bind", mounted / "latest", second], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", second])
        self.assert_error(self.backup("umount", mounted, code=None), 1, "second")
        self.assertEqual(["namespaces"], [path.name for path in second.iterdir() if path.is_dir()][-1:])

    def test_many_files(self):
        many = self.home / "many"
        for folder in range(100):
            (many / f"d{folder:03}").mkdir(parents=True)
            for number in range(1000):
                (many / f"d{folder:03}" / f"f{number:04}").write_bytes(b"x" * (1 + number % 700))
        time.sleep(0.1)  # Files must be older than the clock's grain, otherwise equal times prove nothing.
        self.backup("import", "directory", many, "--as", "shop/many")
        again = self.backup("import", "directory", many, "--as", "shop/many", "-o", "json").json()
        volume = again["ledger"]["volumes"][0]
        self.assertEqual(0, volume["bytesRead"], volume)
        self.assertEqual(0, volume["bytesSent"], volume)
        self.assertEqual(100000, volume["filesUnchanged"], volume)
        mounted = self.mount()
        listing = subprocess.run(["ls", "-lR", mounted / "latest" / "namespaces"], capture_output=True, text=True)
        self.assertEqual(100000, sum(1 for line in listing.stdout.splitlines() if " f0" in line))

    def test_no_repository(self):
        self.assert_error(self.backup("list", code=None), 10, "init")

    def test_wrong_key(self):
        self.do_import()
        other = self.home / "other"
        self.backup("init", "--repo", other)
        keys = sorted((self.home / "config").rglob("*.key"), key=lambda path: path.stat().st_mtime)
        self.assert_error(self.backup("list", "--key-file", keys[-1], code=None), 12)
        keys[0].unlink()
        self.assert_error(self.backup("list", code=None), 12, "key")

    def test_mount_point_not_empty(self):
        self.do_import()
        busy = self.home / "busy"
        busy.mkdir()
        (busy / "file").touch()
        self.assert_error(self.backup("mount", busy, code=None), 1, "empty")
        self.assert_error(self.backup("mount", self.home / "missing", code=None), 1)
        self.assert_error(self.backup("mount", self.repository, code=None), 1)
        inside = self.repository / "inside"
        inside.mkdir()
        self.assert_error(self.backup("mount", inside, code=None), 1, "repository")

    def test_without_libcurl(self):
        """What calls no server does not need it; the rest says what to install."""
        libraries = self.home / "libraries"
        libraries.mkdir()
        (libraries / "libcurl.so.4").write_bytes(b"")
        self.environment["LD_LIBRARY_PATH"] = str(libraries)
        self.do_import()
        mounted = self.mount()
        self.assertTrue((mounted / "latest" / "namespaces").is_dir())
        self.backup("restore", "latest", "--volume", "shop/data", "--to-directory", self.home / "target")
        config = self.home / "config.yaml"
        config.write_text("{clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], contexts: "
                          "[{name: a, context: {cluster: a}}], current-context: a}")
        created = self.backup("create", "-n", "shop", "--kubeconfig", config, code=None)
        self.assert_error(created, 1, "libcurl.so.4", "install libcurl")

    def test_unknown_words(self):
        self.do_import()
        self.assert_error(self.backup("lsit", code=None), 2, "did you mean", "list")
        self.assert_error(self.backup("list", "--no-header", code=None), 2, "--no-headers")
        self.assert_error(self.backup("describe", "lates", code=None), 1, "did you mean", "latest")
        self.assert_error(self.backup("cat", "latest:shop/data/big.dbb", code=None), 1, "big.db")

    def test_full_disk(self):
        small = self.home / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        self.backup("init", "--repo", small / "repository")
        tiny = self.home / "tiny"
        tiny.mkdir()
        (tiny / "file").write_text("kept")
        self.backup("import", "directory", tiny, "--as", "shop/tiny", "--repo", small / "repository")
        with open(self.source / "large", "wb") as large:
            large.write(os.urandom(12 << 20))
        self.assert_error(self.do_import("--repo", small / "repository", code=None), 1, "space")
        self.assertEqual("kept", self.backup("cat", "latest:shop/tiny/file", "--repo", small / "repository").out)
        self.backup("verify", "--read-data", "--repo", small / "repository")

    def test_full_disk_gives_space_back(self):
        small = self.home / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        repository = ("--repo", small / "repository")
        self.backup("init", *repository)
        data = self.home / "data"
        data.mkdir()
        (data / "small").write_bytes(os.urandom(100_000))
        for name in ("old", "new"):
            # The small file is shared: what the old point leaves is a pack that is hardly needed.
            (data / "large").write_bytes(os.urandom(12 << 20))
            self.backup("import", "directory", data, "--as", "shop/data", "--name", name, *repository)
        # Not one byte is left, but for what the repository keeps for this.
        filler = open(small / "filler", "wb", buffering=0)
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError:
                pass
        self.assert_error(self.do_import("--name", "more", *repository, code=None), 1, "space")
        self.backup("delete", "old", *repository)
        pruned = self.backup("prune", "-o", "json", *repository).json()
        self.assertGreater(pruned["bytesRemoved"], 12 << 20, pruned)
        self.assertEqual([], list((small / "repository" / "gc").glob("*")))
        filler.close()
        (small / "filler").unlink()
        self.backup("verify", "--read-data", *repository)
        self.backup("prune", *repository)
        self.assertTrue((small / "repository" / ".reserve").exists())
        self.do_import("--name", "more", *repository)

    def test_loader_without_room_leaves_nothing(self):
        """Each try of an exec in a mover pod is a run of it over the same small volume."""
        programs = support.BIN.parent / "plugin" / "mover"
        parts, scratch = self.home / "parts", self.home / "scratch"
        parts.mkdir()
        scratch.mkdir()
        shutil.copy(programs / "mover.zst", parts / "mover.00")
        ended = subprocess.run(
            [programs / "mover_loader", "run", parts, scratch],
            restore_signals=False,  # SIGXFSZ stays ignored
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual((70, "kubectl-backup loader: cannot start the mover: File too large\n"),
                         (ended.returncode, ended.stderr))
        self.assertEqual([], list(scratch.iterdir()))

    def test_read_only_repository(self):
        self.do_import()
        subprocess.run(["mount", "--bind", self.repository, self.repository], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.repository])
        subprocess.run(["mount", "-o", "remount,bind,ro", self.repository], check=True)
        self.assertEqual("odd", self.backup("cat", "latest:shop/data/odd name \u00fc \n *").out)
        self.assert_error(self.do_import(code=None), 1, "read-only")

    def test_damage_is_found(self):
        self.do_import()
        blobs = [path for path in self.repository.rglob("*")
                 if path.is_file() and path.stat().st_size and not path.name.startswith(".")]
        self.assertGreater(len(blobs), 3)
        for blob in blobs:
            copy = self.home / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self.repository, copy)
            target = copy / blob.relative_to(self.repository)
            size = target.stat().st_size
            target.chmod(0o600)
            for at in {0, size // 3, size // 2, size - 1}:
                content = bytearray(target.read_bytes())
                content[at] ^= 0x40
                target.write_bytes(content)
                result = self.backup("verify", "--read-data", "--repo", copy, code=None)
                self.assertIn(result.code, (1, 12, 13), f"{target} at {at}\n{result}")
                self.assertNotEqual("", result.err + result.out)
                content[at] ^= 0x40
                target.write_bytes(content)
        self.backup("verify", "--read-data", "--repo", copy)

    def test_restore_into_what_is_there(self):
        self.do_import()
        target = self.home / "target"
        target.mkdir()
        (target / "mine").touch()
        result = self.backup("restore", "latest", "--volume", "shop/data", "--to-directory", target, code=None)
        self.assert_error(result, 1, "empty")
        self.assertTrue((target / "mine").exists())


if __name__ == "__main__":
    support.run()
