"""What the tests of the mount share: repositories made from directories, and real mounts of them.

Run by ctest with the environment TEST_BIN (folder of the programs).
"""
import contextlib
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))
from support import BIN, SKIPPED, describe_tree, fill_directory  # noqa: E402,F401

DAEMON = "kubectl-backup-mount"
VOLUME = "namespaces/shop/volumes/data"


def skip_without_fuse():
    if not os.path.exists("/dev/fuse"):
        print("skipped: this machine has no /dev/fuse")
        sys.exit(SKIPPED)


def make_point(repository, key, name, source):
    """Makes the repository and its key when there is none; the id of the new point."""
    made = subprocess.run([BIN / "make_repository", repository, key, name, source],
                          capture_output=True, text=True, timeout=300)
    if made.returncode != 0:
        raise AssertionError(f"make_repository: {made.stderr}")
    return made.stdout.strip()


def mounted_at(directory):
    """The options of the mount at `directory`, None when there is none."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        words = line.split()
        if words[1] == str(directory):
            return words[3].split(",")
    return None


def daemons(directory):
    """Ids of the living daemons that serve `directory`."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(DAEMON.encode()) and os.fsencode(directory) in words:
                found.append(int(process.name))
    return found


def read_bytes(path):
    with open(path, "rb", buffering=0) as file:
        return file.read()


def read_or_errno(path):
    """The bytes, or the number of the error that reading met."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return error.errno


def as_user(user, group, *words, **options):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60,
                          errors="surrogateescape", user=user, group=group, extra_groups=[], **options)


def let_everybody_use_fuse(case):
    """As udev does; a machine without it has a device for root only."""
    mode = os.stat("/dev/fuse").st_mode & 0o777
    if mode & 0o006 != 0o006:
        os.chmod("/dev/fuse", 0o666)
        case.addCleanup(os.chmod, "/dev/fuse", mode)


class MountCase(unittest.TestCase):
    """A source that fill() made, and a repository with a point of it."""

    @classmethod
    def fill(cls, source):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="kubectl-backup-mount-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        # Other users have to get through.
        cls.shared.chmod(0o755)
        cls.source = cls.shared / "source"
        cls.source.mkdir(mode=0o755)
        cls.fill(cls.source)
        cls.repository, cls.key = cls.shared / "repository", cls.shared / "key"
        cls.point = make_point(cls.repository, cls.key, "first", cls.source)

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kubectl-backup-mount-"))
        self.home.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def own_repository(self):
        """A copy that this test may break."""
        shutil.copytree(self.repository, self.home / "repository")
        return self.home / "repository"

    def directory(self, name="mnt"):
        directory = self.home / name
        directory.mkdir()
        self.addCleanup(self.clean_up, directory)
        return directory

    def clean_up(self, directory):
        if mounted_at(directory) is not None:
            subprocess.run(["umount", "-l", str(directory)], capture_output=True)
        for process in daemons(directory):
            os.kill(process, signal.SIGTERM)

    def command(self, directory, *options, repository=None, key=None):
        return [str(BIN / DAEMON), f"--repo={repository or self.repository}",
                f"--key-file={key or self.key}", *options, "--", str(directory)]

    def try_mount(self, directory, *options, repository=None, key=None, **more):
        return subprocess.run(self.command(directory, *options, repository=repository, key=key),
                              capture_output=True, text=True, timeout=60, **more)

    def mount(self, *options, repository=None, key=None):
        directory = self.directory()
        result = self.try_mount(directory, *options, repository=repository, key=key)
        self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))
        return directory

    def volume(self, *options, **more):
        """The volume in a new mount."""
        return self.mount(*options, **more) / "latest" / VOLUME

    def run_program(self, *words, code=0, **options):
        result = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300,
                                errors="surrogateescape", env={**os.environ, "LC_ALL": "C.UTF-8"}, **options)
        self.assertEqual(code, result.returncode, f"{words}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
        return result.stdout

    def need(self, program):
        if shutil.which(program) is None:
            self.fail(f"{program} is not installed: tests/install-packages installs what the tests need")

    def wait_for(self, condition, seconds=60, what="a condition"):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited {seconds} s for {what}")
            time.sleep(0.02)

    def assert_ended(self, directory):
        """No daemon, no mount, and no 'Transport endpoint is not connected'."""
        self.wait_for(lambda: not daemons(directory), what="the daemon to end")
        self.assertIsNone(mounted_at(directory))
        self.assertEqual([], os.listdir(directory))

    def assert_refused(self, result, code, *texts):
        self.assertEqual(code, result.returncode, result.stderr)
        self.assertEqual("", result.stdout)
        lines = result.stderr.splitlines()
        self.assertEqual(1, sum(line.startswith("error: ") for line in lines), result.stderr)
        self.assertRegex(result.stderr, r"(?m)^hint: ")
        for text in texts:
            self.assertIn(text, result.stderr)

    def assert_errno(self, number, action, *arguments):
        with self.assertRaises(OSError) as caught:
            action(*arguments)
        self.assertEqual(errno.errorcode[number], errno.errorcode[caught.exception.errno])


def run():
    skip_without_fuse()
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
