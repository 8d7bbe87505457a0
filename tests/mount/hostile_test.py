#!/usr/bin/env python3
"""A repository whose pages lie: the mount ends no walk in a crash, in a loop of its own or in memory without bound."""
import errno
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import mounted

LIMIT = 160 << 20


class Hostile(mounted.MountCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="kubectl-backup-mount-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.repository, cls.key = cls.shared / "repository", cls.shared / "key"
        subprocess.run([mounted.BIN / "make_hostile_repository", cls.repository, cls.key], check=True, timeout=60)

    def setUp(self):
        super().setUp()
        self.top = self.mount()
        self.data = self.top / "latest" / mounted.VOLUME
        (self.daemon,) = mounted.daemons(self.top)

    def tearDown(self):
        """Whatever was asked of it: it is there, answers, and is small."""
        self.assertEqual(b"seen", mounted.read_bytes(self.data / "z"))
        self.assertEqual([self.daemon], mounted.daemons(self.top))
        status = pathlib.Path(f"/proc/{self.daemon}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) << 10
        print(f"at most {peak >> 20} MiB in memory")
        self.assertLess(peak, LIMIT)
        self.assertLess((self.top / ".backup" / "errors").stat().st_size, 1 << 20)

    def test_a_name_that_no_directory_can_hold(self):
        self.assert_errno(errno.EIO, os.listdir, self.data / "names")
        self.assert_errno(errno.EIO, os.stat, self.data / "names" / "x")

    def test_sizes_that_cannot_be(self):
        sizes = self.data / "sizes"
        self.assertEqual(["hole", "missing", "short", "z"], sorted(os.listdir(sizes)))
        for name in ("missing", "short"):
            with self.subTest(name):
                with open(sizes / name, "rb", buffering=0) as file:
                    self.assert_errno(errno.EIO, file.read, 4096)
        self.assert_errno(errno.EIO, os.stat, sizes / "hole")
        self.assertEqual(b"seen", mounted.read_bytes(sizes / "z"))

    def test_a_link_and_a_directory_of_one_name(self):
        self.assert_errno(errno.EIO, os.listdir, self.data / "slices")

    def test_attributes_that_a_thousand_files_share(self):
        files = self.data / "attributes"
        names = os.listdir(files)
        self.assertEqual(1000, len(names))
        for name in names:
            self.assertEqual(65536, len(os.getxattr(files / name, "user.long")))

    def test_a_tree_without_end(self):
        """Two to the fortieth paths."""
        end = time.monotonic() + 5
        seen = 0
        for _, directories, _ in os.walk(self.data / "twice"):
            seen += len(directories)
            if time.monotonic() > end:
                break
        self.assertGreater(seen, 1000)

    def test_a_tree_that_is_deeper_than_any_backup(self):
        depth = 0
        at = os.open(self.data / "deep", os.O_RDONLY | os.O_DIRECTORY)
        try:
            while "d" in os.listdir(at):
                below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
                os.close(at)
                at = below
                depth += 1
        except OSError as error:
            self.assertEqual(errno.EIO, error.errno)
        finally:
            os.close(at)
        self.assertGreater(depth, 1000)

    def test_programs_end(self):
        done = subprocess.run(["timeout", "60", "ls", "-lR", *[self.data / name for name in
                               ("attributes", "names", "sizes", "slices")]], capture_output=True)
        self.assertEqual(2, done.returncode, done.stderr)


if __name__ == "__main__":
    mounted.run()
