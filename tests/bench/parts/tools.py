# SPDX-License-Identifier: Apache-2.0
"""Every program of the duel behind the same few verbs. A tool says None where it cannot do a thing."""
import contextlib
import functools
import os
import pathlib
import re
import shutil
import subprocess
import time
import uuid

from parts.processes import Failed, bytes_below, cpu_seconds, is_mounted, peak_mib, processes_with, run

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "kubectl-backup-bench" / "bin"
PASSWORD = "bench"
MOUNT_TIMEOUT = 600


class Mounted:
    """A tree that can be read at `root`; the daemons that serve `mount_point` are weighed (None: there are none)."""

    def __init__(self, root, mount_point=None):
        self.root = root
        self.mount_point = mount_point

    @functools.cached_property
    def pids(self):
        """Looked for when they are asked for: that takes longer than a mount may."""
        return processes_with(self.mount_point) if self.mount_point else []

    def cpu(self):
        return cpu_seconds(self.pids)

    def peak(self):
        return peak_mib(self.pids)


class Tool:
    name = "?"
    program = None
    version_words = ("version",)

    def __init__(self, work):
        self.work = pathlib.Path(work) / self.name
        self.repository = self.work / "repository"
        self.found = self.program and find_program(self.program)

    def missing(self):
        """Why it takes no part, or None."""
        return None if self.program is None or self.found else f"{self.program} is not installed"

    def version(self):
        if not self.found:
            return ""
        pinned = pathlib.Path(f"{self.found}.version")
        if pinned.exists():
            return f"{self.name} {pinned.read_text().strip()}"
        for word in self.version_words:
            with contextlib.suppress(Failed):
                return run([self.found, word], environment=self.environment(), accepted=(0, 1)).output.splitlines()[0]
        return "?"

    def environment(self):
        """A home of its own: no configuration and no cache of the person who runs this."""
        home = self.work / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}

    def run(self, *words, **options):
        return run([self.found, *words], environment=self.environment(), **options)

    def reset(self):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.init()

    def init(self):
        pass

    def has_backup(self):
        return (self.work / "has-backup").exists()

    def note_backup(self):
        (self.work / "has-backup").touch()

    def stored_bytes(self):
        return bytes_below(self.repository)

    # What a tool does not override it cannot do.
    backup = None            # (tree) -> Cost
    restore = None           # (tree, directory) -> Cost
    open_mount = None        # (tree, directory) -> Mounted
    list_points = None       # (directory of a mount of all points) -> names
    ls = None                # (tree, file for the output) -> Cost; every entry with mode, size and time
    find = None              # (tree, pattern of names, file for the output) -> Cost
    cat_words = None         # (tree, file) -> the words of a command that prints it
    cp = None                # (tree, directory that is not there) -> Cost

    def listed(self, tree):
        """What a line of `ls` begins with when it is an entry."""
        return rb"^[-bcdlps][-rwxsStT]{9}"

    def found_below(self, tree):
        """What the names that `find` prints begin with."""
        return f"{tree}/"

    def restored(self, tree, directory):
        return directory

    @contextlib.contextmanager
    def mount(self, tree, directory):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            yield self.open_mount(tree, directory)
        finally:
            unmount(directory)

    def start_daemon(self, directory, *words):
        """Starts a program that stays in the foreground, or goes to the background, while it serves `directory`."""
        log = open(self.work / "mount.log", "wb")
        process = subprocess.Popen([str(word) for word in words], env={**os.environ, **self.environment()},
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + MOUNT_TIMEOUT
        while not is_mounted(directory):
            if process.poll() not in (None, 0):
                raise Failed(f"{self.name}: the mount ended: {(self.work / 'mount.log').read_text()[-200:]}")
            if time.monotonic() > end:
                process.kill()
                raise Failed(f"{self.name}: not mounted after {MOUNT_TIMEOUT} s")
            time.sleep(0.001)


def find_program(name):
    kept = CACHE / name
    return str(kept) if kept.exists() else shutil.which(name)


def unmount(directory):
    for _ in range(100):
        if not is_mounted(directory):
            break
        words = ["umount"] if os.geteuid() == 0 else ["fusermount3", "-u"]
        subprocess.run([*words, str(directory)], check=False, stderr=subprocess.DEVNULL)
        time.sleep(0.05)
    else:
        subprocess.run(["umount", "-l", str(directory)], check=False, stderr=subprocess.DEVNULL)
    # The daemon ends a moment later; the next one must not meet its locks.
    for _ in range(100):
        if not processes_with(directory):
            return
        time.sleep(0.05)


class Ours(Tool):
    name = "ours"
    volume = ("bench", "tree")
    bin = None  # folder of the programs, set from the command line

    def __init__(self, work):
        super().__init__(work)
        self.found = str(self.bin / "kubectl-backup")

    def missing(self):
        return None if os.path.exists(self.found) else f"{self.found} is not built"

    def version(self):
        return self.run("version", "--client", accepted=range(256)).output.splitlines()[0]

    def flags(self):
        return ["--repo", self.repository, "--key-file", self.work / "key", "--progress", "none"]

    def init(self):
        self.run("init", *self.flags())

    def backup(self, tree):
        return self.run("import", "directory", tree, "--as", "/".join(self.volume), *self.flags())

    def restore(self, tree, directory):
        return self.run("restore", "latest", "--volume", "/".join(self.volume), "--to-directory", directory,
                        *self.flags())

    def inside(self, path=""):
        return "/".join(["latest:" + self.volume[0], self.volume[1], *filter(None, [path])])

    def ls(self, tree, output):
        return self.run("ls", "-l", "-R", self.inside(), *self.flags(), to=output)

    def find(self, tree, pattern, output):
        return self.run("find", self.inside(), "--name", pattern, "--print0", *self.flags(), to=output)

    def found_below(self, tree):
        space, claim = self.volume
        return f"namespaces/{space}/volumes/{claim}/"

    def cat_words(self, tree, file):
        return [self.found, "cat", self.inside(file), *self.flags()]

    def cp(self, tree, directory):
        return self.run("cp", "-r", self.inside(), directory, *self.flags())

    def open_mount(self, tree, directory):
        self.start_daemon(directory, self.found, "mount", directory, *self.flags())
        space, claim = self.volume
        return Mounted(directory / "latest" / "namespaces" / space / "volumes" / claim, directory)

    def list_points(self, directory):
        return os.listdir(directory / "by-time")


class Restic(Tool):
    name = program = "restic"

    def environment(self):
        return {**super().environment(), "RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(self.repository)}

    def init(self):
        self.run("init")

    def backup(self, tree):
        return self.run("backup", "--quiet", tree)

    def restore(self, tree, directory):
        return self.run("restore", "latest", "--target", directory)

    def restored(self, tree, directory):
        return directory / str(tree).lstrip("/")

    def open_mount(self, tree, directory):
        self.start_daemon(directory, self.found, "mount", directory)
        return Mounted(directory / "snapshots" / "latest" / str(tree).lstrip("/"), directory)

    def list_points(self, directory):
        return [name for name in os.listdir(directory / "snapshots") if name != "latest"]

    def ls(self, tree, output):
        return self.run("ls", "--quiet", "--long", "latest", to=output)

    def listed(self, tree):
        """It prints the directories above the tree too."""
        return rb"^[-a-zA-Z]+ .* " + re.escape(os.fsencode(f"{tree}/"))

    def find(self, tree, pattern, output):
        return self.run("find", "--quiet", "--snapshot", "latest", pattern, to=output)

    def cat_words(self, tree, file):
        return [self.found, "dump", "--quiet", "latest", f"{tree}/{file}"]


class Rustic(Restic):
    name = program = "rustic"
    version_words = ("--version",)
    list_points = open_mount = None
    ls = find = cat_words = None

    def environment(self):
        return {**super().environment(), "RUSTIC_PASSWORD": PASSWORD, "RUSTIC_REPOSITORY": str(self.repository)}

    def backup(self, tree):
        return self.run("backup", "--no-progress", tree)

    def restore(self, tree, directory):
        return self.run("restore", "--no-progress", "latest", directory)


class Borg(Tool):
    name = program = "borg"
    version_words = ("--version",)

    def environment(self):
        return {**super().environment(), "BORG_BASE_DIR": str(self.work / "home"), "BORG_PASSPHRASE": PASSWORD,
                "BORG_REPO": str(self.repository)}

    def init(self):
        self.run("init", "--encryption", "repokey-blake2")

    def backup(self, tree):
        name = uuid.uuid4().hex
        cost = self.run("create", f"::{name}", ".", directory=tree)
        (self.work / "latest").write_text(name)
        return cost

    def latest(self):
        return "::" + (self.work / "latest").read_text()

    def restore(self, tree, directory):
        return self.run("extract", self.latest(), directory=directory)

    def open_mount(self, tree, directory):
        self.start_daemon(directory, self.found, "mount", "--foreground", self.latest(), directory)
        return Mounted(directory, directory)


class Kopia(Tool):
    name = program = "kopia"
    version_words = ("--version",)

    def environment(self):
        return {**super().environment(), "KOPIA_PASSWORD": PASSWORD, "KOPIA_CONFIG_PATH": str(self.work / "config"),
                "KOPIA_CACHE_DIRECTORY": str(self.work / "cache"), "KOPIA_LOG_DIR": str(self.work / "log"),
                "KOPIA_CHECK_FOR_UPDATES": "false"}

    def init(self):
        self.repository.mkdir(parents=True, exist_ok=True)
        self.run("repository", "create", "filesystem", "--path", self.repository)
        # Its default is no compression at all.
        self.run("policy", "set", "--global", "--compression=zstd-fastest")

    def backup(self, tree):
        return self.run("snapshot", "create", "--no-progress", tree)

    def latest(self, tree):
        lines = self.run("snapshot", "list", "--all", "--show-identical", str(tree)).output.splitlines()
        ids = [word for line in lines for word in line.split() if word.startswith("k") and len(word) > 30]
        if not ids:
            raise Failed("kopia: no snapshot listed")
        return ids[-1]

    def restore(self, tree, directory):
        return self.run("snapshot", "restore", "--no-progress", self.latest(tree), directory)

    def open_mount(self, tree, directory):
        self.start_daemon(directory, self.found, "mount", self.latest(tree), directory)
        return Mounted(directory, directory)


class Tar(Tool):
    name = "tar+zstd"
    program = "zstd"
    version_words = ("--version",)

    def __init__(self, work):
        super().__init__(work)
        self.repository = self.work / "tree.tar.zst"

    def backup(self, tree):
        script = 'tar -C "$1" --xattrs -cf - . | zstd -q -f -1 -T2 -o "$2"'
        return run(["bash", "-o", "pipefail", "-c", script, "-", tree, self.repository])

    def restore(self, tree, directory):
        script = 'zstd -q -dc "$1" | tar -C "$2" --xattrs -xpf -'
        return run(["bash", "-o", "pipefail", "-c", script, "-", self.repository, directory])


class Squashfs(Tool):
    """The kernel's file system; the image is a backup of a kind too."""
    name = "squashfs"
    program = "mksquashfs"
    version_words = ("-version",)

    def __init__(self, work):
        super().__init__(work)
        self.repository = self.work / "image"

    def backup(self, tree):
        self.repository.unlink(missing_ok=True)
        return self.run(tree, self.repository, "-comp", "zstd", "-Xcompression-level", "1", "-b", "131072",
                        "-noappend", "-no-progress", "-quiet")

    def open_mount(self, tree, directory):
        run(["mount", "-t", "squashfs", "-o", "loop,ro", self.repository, directory])
        return Mounted(directory)


class Squashfuse(Squashfs):
    name = "squashfuse"

    def __init__(self, work):
        super().__init__(work)
        self.work = pathlib.Path(work) / Squashfs.name  # the same image
        self.repository = self.work / "image"
        self.daemon = find_program("squashfuse_ll") or find_program("squashfuse")

    def missing(self):
        return super().missing() or (None if self.daemon else "squashfuse is not installed")

    def version(self):
        return pathlib.Path(self.daemon or "").name

    def open_mount(self, tree, directory):
        self.start_daemon(directory, self.daemon, self.repository, directory)
        return Mounted(directory, directory)


def list_tree(root, output, how="-lR"):
    """ls of some trees meets what it may not read: its exit 1 is fine, the lines are compared."""
    return run(["ls", how, root], to=output, accepted=(0, 1))


class Native(Tool):
    """What the file system itself takes: the tree read where it lies, `cp -a` as its restore."""
    name = "native"

    def restore(self, tree, directory):
        return run(["cp", "-a", f"{tree}/.", directory])

    def open_mount(self, tree, directory):
        return Mounted(tree)

    def ls(self, tree, output):
        return list_tree(tree, output, "-lAR")  # the other tools show hidden files, too

    def find(self, tree, pattern, output):
        return run(["find", tree, "-name", pattern, "-print0"], to=output, accepted=(0, 1))

    def cat_words(self, tree, file):
        return ["cat", f"{tree}/{file}"]

    def cp(self, tree, directory):
        return run(["cp", "-a", tree, directory])

    def has_backup(self):
        return True


ALL = (Ours, Native, Tar, Restic, Borg, Kopia, Rustic, Squashfs, Squashfuse)
