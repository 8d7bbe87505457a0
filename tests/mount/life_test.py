"""How a mount begins, follows its repository, survives damage, and ends; who may look into it."""
import contextlib
import errno
import os
import pathlib
import pwd
import random
import shutil
import signal
import stat
import subprocess
import time

import mounted
from mounted import DAEMON, VOLUME, as_user, daemons, make_point, mounted_at, read_bytes, read_or_errno

NOBODY = pwd.getpwnam("nobody")
OWNER, GROUP, FRIEND, STRANGER = 12345, 23456, 34567, 45678


def fill_small(source):
    generator = random.Random(11)
    for number in range(30):
        (source / f"file-{number:02}").write_bytes(generator.randbytes(200_000 + number))
    (source / "for-owner").write_bytes(b"mine")
    (source / "for-owner").chmod(0o600)
    (source / "for-friend").write_bytes(b"ours")
    (source / "for-friend").chmod(0o640)
    (source / "closed").mkdir()
    (source / "closed" / "inside").write_bytes(b"inside")
    for name in ("for-owner", "for-friend", "closed"):
        os.chown(source / name, OWNER, GROUP)
    (source / "closed").chmod(0o700)
    # The mode shows the mask as the rights of the group, which has none.
    subprocess.run(["setfacl", "-m", f"u:{FRIEND}:r,g::-", source / "for-friend"], check=True)


class Case(mounted.MountCase):
    fill = staticmethod(fill_small)

    def names(self):
        return sorted(path.name for path in self.source.iterdir())


class BeginningTest(Case):
    def test_the_tree_is_ready_when_the_shell_goes_on(self):
        for _ in range(20):
            directory = self.directory()
            result = self.try_mount(directory)
            self.assertEqual((0, "", ""), (result.returncode, result.stdout, result.stderr))
            self.assertEqual(self.names(), sorted(os.listdir(directory / "latest" / VOLUME)))
            # Nor is it busy with itself.
            subprocess.run(["umount", directory], check=True)
            self.assert_ended(directory)
            directory.rmdir()

    def test_paths_may_be_relative(self):
        directory = self.directory()
        relative = os.path.relpath(directory, self.shared)
        result = subprocess.run([mounted.BIN / DAEMON, "--repo", "repository", "--key-file", "key", relative],
                                cwd=self.shared, timeout=60)
        self.assertEqual(0, result.returncode)
        self.assertEqual(b"mine", read_bytes(directory / "latest" / VOLUME / "for-owner"))
        self.assertEqual("/", os.readlink(f"/proc/{daemons(relative)[0]}/cwd"))

    def test_a_key_can_come_through_a_pipe(self):
        directory = self.directory()
        reading, writing = os.pipe()
        os.write(writing, b"key-file\n" + self.key.read_bytes())
        os.close(writing)
        subprocess.run([mounted.BIN / DAEMON, f"--repo={self.repository}", f"--secret-fd={reading}", "--", directory],
                       pass_fds=[reading], check=True, timeout=60)
        os.close(reading)
        self.assertTrue((directory / "latest").is_dir())

    def test_in_the_foreground(self):
        directory = self.directory()
        process = subprocess.Popen(self.command(directory, "--foreground"))
        self.wait_for(lambda: mounted_at(directory) is not None, what="the mount")
        self.assertEqual(b"mine", read_bytes(directory / "latest" / VOLUME / "for-owner"))
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(0, process.wait(10))
        self.assert_ended(directory)

    def test_sequential_reads_are_read_ahead(self):
        for name in ("mnt", "with space \\ and\ttab"):
            directory = self.directory(name)
            self.assertEqual(0, self.try_mount(directory).returncode)
            device = os.stat(directory).st_dev
            path = pathlib.Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
            self.wait_for(lambda: path.read_text() == "1024\n", what="the kernel to read ahead 1 MiB")

    def test_the_mount_cannot_do_harm(self):
        options = mounted_at(self.mount())
        self.assertLessEqual({"ro", "nosuid", "nodev"}, set(options))
        self.assertNotIn("allow_other", options)

    def test_a_directory_that_is_in_use_or_missing_is_refused(self):
        full = self.directory("full")
        (full / "file").touch()
        (self.home / "file").touch()
        for place, texts in ((full, ["not empty"]), (self.home / "file", ["not a directory"]),
                             (self.home / "none", ["no directory", "hint: make it first: mkdir -p"])):
            with self.subTest(place):
                self.assert_refused(self.try_mount(place), 1, str(place), *texts)
                self.assertIsNone(mounted_at(place))
        directory = self.mount()
        self.assert_refused(self.try_mount(directory), 1, "not empty")
        self.assertEqual(1, len(daemons(directory)))

    def test_a_directory_that_overlaps_the_repository_is_refused(self):
        repository = self.own_repository()
        (repository / "inside").mkdir()
        (self.home / "link").symlink_to(repository / "inside")
        for place in (repository, repository / "inside", self.home, self.home / "link"):
            with self.subTest(place):
                self.assert_refused(self.try_mount(place, repository=repository), 1, "overlaps the repository",
                                    "hint: choose a directory outside")

    def test_what_is_wrong_has_its_own_code(self):
        directory = self.directory()
        make_point(self.home / "other", self.home / "other-key", "other", self.source)
        self.assert_refused(self.try_mount(directory, key=self.home / "other-key"), 12)
        self.assert_refused(self.try_mount(directory, repository=self.home / "none"), 10)
        self.assert_refused(self.try_mount(directory, "--point=none"), 1, "none")
        self.assert_refused(self.try_mount(directory, "--pint=first"), 2, 'unknown option "--pint"', "--point")
        self.assertEqual([], daemons(directory))
        self.assertIsNone(mounted_at(directory))

    def test_a_dead_mount_is_told_from_a_full_directory(self):
        directory = self.mount()
        os.kill(daemons(directory)[0], signal.SIGKILL)
        self.wait_for(lambda: not daemons(directory), what="the daemon to die")

        def is_dead():
            # A call that comes while the kernel takes the daemon down is aborted; those behind it are told.
            try:
                os.listdir(directory)
            except OSError as error:
                return error.errno == errno.ENOTCONN
            return False
        self.wait_for(is_dead, what="the mount to be dead")
        self.assert_refused(self.try_mount(directory), 1, "lost its daemon", f"hint: remove it first: fusermount3 -u {directory}")
        subprocess.run(["fusermount3", "-u", directory], check=True)
        self.assertEqual(0, self.try_mount(directory).returncode)


class EndTest(Case):
    def test_unmounting_ends_the_daemon(self):
        for words in (["umount"], ["fusermount3", "-u"], ["umount", "-l"]):
            with self.subTest(words):
                directory = self.directory(words[0] + words[-1])
                self.assertEqual(0, self.try_mount(directory).returncode)
                os.listdir(directory / "latest" / VOLUME)
                subprocess.run([*words, directory], check=True)
                self.assert_ended(directory)

    def test_a_signal_ends_it_also_while_a_file_is_open(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number.name):
                directory = self.directory(number.name)
                self.assertEqual(0, self.try_mount(directory).returncode)
                file = os.open(directory / "latest" / VOLUME / "file-00", os.O_RDONLY)
                os.read(file, 10)
                os.kill(daemons(directory)[0], number)
                self.assert_ended(directory)
                with contextlib.suppress(OSError):
                    os.close(file)

    def test_a_signal_at_once(self):
        for attempt in range(20):
            directory = self.directory(f"mnt-{attempt}")
            self.assertEqual(0, self.try_mount(directory).returncode)
            os.kill(daemons(directory)[0], signal.SIGTERM)
            self.assert_ended(directory)

    def test_a_signal_while_many_read_and_a_point_is_new(self):
        repository = self.own_repository()
        directory = self.mount(repository=repository)
        readers = [subprocess.Popen(["bash", "-c", f"while cat {directory}/latest/{VOLUME}/* && ls -lR {directory}; do :; done"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        make_point(repository, self.key, "second", self.source)
        # The daemon looks every two seconds.
        time.sleep(random.uniform(1.5, 2.1))
        os.kill(daemons(directory)[0], signal.SIGTERM)
        self.assert_ended(directory)
        for reader in readers:
            reader.wait(20)


class NewPointsTest(Case):
    def setUp(self):
        super().setUp()
        self.own = self.own_repository()
        self.top = self.mount(repository=self.own)

    def list_all(self):
        """Fills the caches of the kernel, and tells what they hold."""
        shown = {}
        for name in ("by-time", "by-name", "by-namespace", "by-namespace/shop"):
            shown[name] = sorted(os.listdir(self.top / name))
        shown["links"] = {str(path): os.readlink(path) for path in
                          [self.top / "latest", self.top / "by-namespace" / "shop" / "latest", *(self.top / "by-name").iterdir()]}
        return shown

    def test_a_new_point_appears(self):
        for _ in range(3):
            before = self.list_all()
        (old,) = before["by-time"]
        self.assertFalse((self.top / "by-name" / "second").exists())
        changed = self.home / "changed"
        changed.mkdir()
        (changed / "new-file").write_bytes(b"new")
        make_point(self.own, self.key, "second", changed)
        end = time.monotonic() + 60
        new = self.top / "by-name" / "second" / VOLUME / "new-file"
        while not (new.exists() and len(os.listdir(self.top / "by-time")) == 2
                   and (self.top / "latest" / VOLUME / "new-file").exists()):
            self.assertLess(time.monotonic(), end, self.list_all())
            time.sleep(0.1)
        after = self.list_all()
        self.assertEqual(["first", "second"], after["by-name"])
        self.assertEqual(3, len(after["by-namespace/shop"]))
        (newest,) = set(after["by-time"]) - {old}
        self.assertEqual({"by-time/" + newest, "../../by-time/" + newest, "../by-time/" + newest, "../by-time/" + old},
                         set(after["links"].values()))
        self.assertEqual(b"new", read_bytes(new))
        self.assertEqual(b"mine", read_bytes(self.top / "by-name" / "first" / VOLUME / "for-owner"))
        self.assertEqual(4, os.stat(self.top / "by-time").st_nlink)

    def test_a_name_leads_to_its_newest_point(self):
        link = self.top / "by-name" / "first"
        held = os.open(link, os.O_PATH | os.O_NOFOLLOW)
        self.addCleanup(os.close, held)
        before = os.readlink(link)
        # A point of the same second would be another name.
        time.sleep(1.1)
        make_point(self.own, self.key, "first", self.source)
        self.wait_for(lambda: os.readlink(link) != before, what="the name to lead to the new point")

    def test_a_deleted_point_goes(self):
        make_point(self.own, self.key, "second", self.source)
        self.wait_for(lambda: len(os.listdir(self.top / "by-time")) == 2, what="the second point")
        gone = pathlib.Path(os.path.realpath(self.top / "by-name" / "first"))
        file = gone / VOLUME / "for-owner"
        self.list_all()
        with open(file, "rb") as open_file:
            (blob,) = [path for path in (self.own / "points").rglob("*") if self.point[:16] in path.name]
            blob.unlink()
            self.wait_for(lambda: len(os.listdir(self.top / "by-time")) == 1, what="the point to go")
            self.wait_for(lambda: not gone.exists(), what="its directory to go")
            self.assertEqual(b"mine", open_file.read())
        self.assertEqual(["second"], os.listdir(self.top / "by-name"))
        self.assertFalse(file.exists())

    def test_a_mount_of_one_point_stays_with_it(self):
        directory = self.directory("one")
        self.assertEqual(0, self.try_mount(directory, "--point=latest", repository=self.own).returncode)
        make_point(self.own, self.key, "second", self.source)
        self.wait_for(lambda: len(os.listdir(self.top / "by-time")) == 2, what="the second point")
        self.assertEqual(["first"], os.listdir(directory / "by-name"))

    def test_a_damaged_point_is_told_and_the_others_are_shown(self):
        self.list_all()
        other = make_point(self.home / "other", self.home / "other-key", "other", self.source)
        (blob,) = [path for path in (self.home / "other" / "points").rglob("*") if other[:16] in path.name]
        shutil.copy(blob, self.own / blob.relative_to(self.home / "other"))
        self.wait_for(lambda: blob.name.encode() in read_bytes(self.top / ".backup" / "errors"), what="a line in errors")
        self.assertEqual(["first"], os.listdir(self.top / "by-name"))


class NarrowedTest(Case):
    def test_points(self):
        repository = self.own_repository()
        make_point(repository, self.key, "second", self.source)
        make_point(repository, self.key, "third", self.source)
        top = self.mount("--point=second", f"--point={self.point[:12]}", repository=repository)
        self.assertEqual({"first", "second"}, set(os.listdir(top / "by-name")))
        self.assertEqual(2, len(os.listdir(top / "by-time")))

    def test_namespaces(self):
        top = self.mount("--namespace=shop")
        self.assertEqual(["shop"], os.listdir(top / "latest" / "namespaces"))
        subprocess.run(["umount", top], check=True)
        # A mistyped name must not look like an empty backup.
        self.assert_refused(self.try_mount(top, "--namespace=shoop"), 1, "no recovery point holds shoop")


class OtherUsersTest(Case):
    def look(self, user, group, path):
        return as_user(user, group, "cat", path)

    def test_nobody_else_gets_in(self):
        top = self.mount()
        self.assertIn("Permission denied", as_user(NOBODY.pw_uid, NOBODY.pw_gid, "ls", top).stderr)

    def test_with_allow_other_owners_modes_and_access_lists_count(self):
        top = self.mount("--allow-other")
        volume = top / "latest" / VOLUME
        files = [volume / "file-00", volume / "for-owner", volume / "for-friend", volume / "closed" / "inside",
                 top / "latest" / "namespaces" / "shop" / "manifests.yaml"]
        for user, group, wanted in ((0, 0, "yyyyy"), (OWNER, STRANGER, "yyyyn"), (STRANGER, GROUP, "ynnnn"),
                                    (FRIEND, FRIEND, "ynynn"), (STRANGER, STRANGER, "ynnnn")):
            with self.subTest(user=user, group=group):
                results = [self.look(user, group, path) for path in files]
                self.assertEqual(wanted, "".join("y" if result.returncode == 0 else "n" for result in results))
                for result in results:
                    self.assertTrue(result.returncode == 0 or "Permission denied" in result.stderr, result.stderr)
        self.assertEqual("", as_user(STRANGER, STRANGER, "ls", top, volume).stderr)

    def test_what_is_in_secrets_is_for_who_mounted_only(self):
        top = self.mount("--allow-other")
        # base64(1), as Secrets hold it, and what it says.
        words = ["grep", "-rsl", "-e", "b25seSBmb3IgdGhlIG93bmVy", "-e", "only for the owner", top / "by-time"]
        files = self.run_program(*words).splitlines()
        below = sorted({path.split("/namespaces/shop/")[1] for path in files if "/namespaces/shop/" in path})
        self.assertEqual(["manifests.yaml", "manifests/secrets/login.yaml", "raw/secrets/login.json"], below)
        for path in files:
            self.assertEqual(0o400, stat.S_IMODE(os.stat(path).st_mode), path)
        for user in (OWNER, STRANGER):
            self.assertEqual("", as_user(user, GROUP, *words).stdout)
        # Nor is anything else of the objects for others.
        objects = [path for folder in ("manifests", "raw") for path in (top / "latest").rglob(f"{folder}/**/*")
                   if path.is_file()]
        self.assertGreater(len(objects), 2000)
        self.assertEqual({0o400}, {stat.S_IMODE(path.stat().st_mode) for path in objects})

    def test_without_it_who_mounted_reads_everything(self):
        mounted.let_everybody_use_fuse(self)
        shutil.copytree(self.repository, self.home / "repository")
        directory, key = self.directory(), self.home / "key"
        shutil.copy(self.key, key)
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        words = self.command(directory, repository=self.home / "repository", key=key)
        copy = self.home / DAEMON
        shutil.copy(words[0], copy)
        mount = as_user(NOBODY.pw_uid, NOBODY.pw_gid, copy, *words[1:])
        self.assertEqual((0, "", ""), (mount.returncode, mount.stdout, mount.stderr))
        shown = self.look(NOBODY.pw_uid, NOBODY.pw_gid, directory / "latest" / VOLUME / "closed" / "inside")
        self.assertEqual(("inside", 0), (shown.stdout, shown.returncode), shown.stderr)
        owner = as_user(NOBODY.pw_uid, NOBODY.pw_gid, "stat", "-c", "%u", directory / "latest" / "namespaces")
        self.assertEqual(f"{NOBODY.pw_uid}\n", owner.stdout)
        (process,) = daemons(directory)
        self.assertEqual(NOBODY.pw_uid, os.stat(f"/proc/{process}").st_uid)
        end = as_user(NOBODY.pw_uid, NOBODY.pw_gid, "fusermount3", "-u", directory)
        self.assertEqual(0, end.returncode, end.stderr)
        self.assert_ended(directory)

    def test_an_ordinary_user_needs_leave_to_let_others_in(self):
        if "\nuser_allow_other" in pathlib.Path("/etc/fuse.conf").read_text():
            self.skipTest("/etc/fuse.conf lets everybody do it")
        mounted.let_everybody_use_fuse(self)
        directory, key = self.directory(), self.home / "key"
        shutil.copy(self.key, key)
        for path in (self.home, directory, key):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        shutil.copytree(self.repository, self.home / "repository")
        self.run_program("chown", "-R", NOBODY.pw_uid, self.home / "repository")
        words = self.command(directory, "--allow-other", repository=self.home / "repository", key=key)
        shutil.copy(words[0], self.home / DAEMON)
        mount = as_user(NOBODY.pw_uid, NOBODY.pw_gid, self.home / DAEMON, *words[1:])
        self.assert_refused(mount, 1, "user_allow_other")
        self.assertIsNone(mounted_at(directory))


class DamageTest(Case):
    def packs(self, repository):
        return sorted((path for path in (repository / "packs").rglob("*") if path.is_file()),
                      key=lambda path: path.stat().st_size)

    def flip(self, path, at):
        path.chmod(0o644)
        with open(path, "r+b") as file:
            byte = os.pread(file.fileno(), 1, at)
            os.pwrite(file.fileno(), bytes([byte[0] ^ 0x40]), at)

    def errors(self, top):
        return read_bytes(top / ".backup" / "errors").decode()

    def status(self, top):
        return dict(line.split(": ", 1) for line in read_bytes(top / ".backup" / "status").decode().splitlines())

    def test_the_mount_tells_about_itself(self):
        top = self.mount()
        self.assertEqual({"errors", "status"}, set(os.listdir(top / ".backup")))
        self.assertEqual("", self.errors(top))
        before = self.status(top)
        self.assertEqual((str(self.repository), "1", "0"), (before["repository"], before["points"], before["errors"]))
        read_bytes(top / "latest" / VOLUME / "file-10")
        after = self.status(top)
        self.assertGreater(int(after["bytes fetched"]), int(before["bytes fetched"]) + 190_000)

        def is_free():
            before = self.status(top)
            read_bytes(top / "latest" / VOLUME / "file-10")
            return self.status(top) == before
        # The kernel keeps what was read, also when the file is closed; the daemon may still be busy with what follows.
        self.wait_for(is_free, what="a read that the daemon does not notice")
        self.assertEqual(os.stat(top / ".backup" / "status").st_size, len(read_bytes(top / ".backup" / "status")))

    def test_a_damaged_byte_hurts_only_the_files_of_its_frame(self):
        repository = self.own_repository()
        top = self.mount(repository=repository)
        volume = top / "latest" / VOLUME
        pack = self.packs(repository)[-1]
        self.flip(pack, pack.stat().st_size // 2)
        hurt = []
        for name in self.names():
            if (self.source / name).is_file():
                content = read_or_errno(volume / name)
                if content != (self.source / name).read_bytes():
                    self.assertEqual(errno.EIO, content, name)
                    hurt.append(name)
        self.assertIn(len(hurt), (1, 2), hurt)
        lines = self.errors(top).splitlines()
        for name in hurt:
            self.assertTrue(any("CorruptData: " in line and name in line for line in lines), lines)
        for line in lines:
            self.assertTrue(any(name in line for name in hurt), line)
        self.assertGreaterEqual(int(self.status(top)["errors"]), len(lines))
        # What is before the damage can still be read.
        with open(volume / hurt[-1], "rb") as file, open(self.source / hurt[-1], "rb") as source:
            parts = []
            for at in range(0, 200_000, 4096):
                try:
                    self.assertEqual(os.pread(source.fileno(), 4096, at), os.pread(file.fileno(), 4096, at))
                    parts.append(True)
                except OSError as error:
                    self.assertEqual(errno.EIO, error.errno)
                    parts.append(False)
        self.assertIn(False, parts)
        self.assertIn(True, parts)
        # Twice the same is one line.
        read_or_errno(volume / hurt[0])
        read_or_errno(volume / hurt[0])
        self.assertLess(len(self.errors(top).splitlines()), 10)

    def test_a_missing_pack_is_an_error_of_reading(self):
        repository = self.own_repository()
        volume = self.mount(repository=repository) / "latest" / VOLUME
        os.listdir(volume)
        self.wait_until_idle(volume, repository)
        self.packs(repository)[-1].unlink()
        self.assertEqual(errno.EIO, read_or_errno(volume / "file-05"))

    def test_a_damaged_index_segment_hides_only_what_nothing_else_names(self):
        repository = self.own_repository()
        (segment,) = (repository / "index").iterdir()
        changed = self.home / "changed"
        shutil.copytree(self.source, changed)
        (changed / "new").write_bytes(b"new" * 1000)
        make_point(repository, self.key, "second", changed)
        self.flip(segment, segment.stat().st_size - 10)
        directory = self.directory()
        result = self.try_mount(directory, repository=repository)
        self.assertEqual(0, result.returncode, result.stderr)
        volume = directory / "latest" / VOLUME
        self.assertEqual(sorted([*self.names(), "new"]), sorted(os.listdir(volume)))
        self.assertEqual(b"new" * 1000, read_bytes(volume / "new"))
        self.assertEqual(b"mine", read_bytes(volume / "for-owner"))
        (line,) = self.errors(directory).splitlines()
        self.assertIn(f"CorruptData: index/{segment.name}", line)
        self.assertIn("repo repair", line)
        self.assertEqual(errno.EIO, read_or_errno(volume / "file-05"))
        lines = self.errors(directory).splitlines()
        self.assertEqual(1, sum(segment.name in line for line in lines), lines)
        self.assertTrue(any("file-05" in line and "is in no index segment that can be read" in line for line in lines), lines)

    def wait_until_idle(self, inside, repository):
        """An idle mount keeps no file of its repository open: the disk can be taken away."""
        top = next(path for path in [inside, *inside.parents] if mounted_at(path) is not None)
        (process,) = daemons(top)

        def is_idle():
            links = []
            for link in pathlib.Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    links.append(os.readlink(link))
            return not any(link.startswith(str(repository)) for link in links)

        self.wait_for(is_idle, what="the daemon to close its files")

    def test_damaged_manifests_do_not_hide_the_rest(self):
        repository = self.own_repository()
        self.flip(self.packs(repository)[-1], 100_000)
        top = self.mount(repository=repository)
        name_space = top / "latest" / "namespaces" / "shop"
        self.assertEqual(["manifests", "manifests.yaml", "raw", "volumes"], sorted(os.listdir(name_space)))
        self.assertEqual(errno.EIO, read_or_errno(name_space / "manifests.yaml"))
        self.assertIn("CorruptData", self.errors(top))
        self.run_program("diff", "-r", self.source, top / "latest" / VOLUME)

    def test_a_repository_that_is_away_for_a_while(self):
        repository = self.own_repository()
        top = self.mount(repository=repository)
        volume = top / "latest" / VOLUME
        self.assertEqual(read_bytes(self.source / "file-01"), read_bytes(volume / "file-01"))
        self.run_program("ls", "-l", volume, top / "by-time")
        self.wait_until_idle(volume, repository)
        repository.rename(self.home / "away")
        self.assertEqual(read_bytes(self.source / "file-01"), read_bytes(volume / "file-01"))
        self.assertEqual(errno.EIO, read_or_errno(volume / "file-20"))
        self.wait_for(lambda: "list " in self.errors(top), what="the daemon to miss it")
        self.assertEqual(["first"], os.listdir(top / "by-name"))
        self.assertEqual(self.names(), sorted(os.listdir(volume)))
        # As when a disk was unmounted: the directory is there, and empty.
        repository.mkdir()
        (repository / "points").mkdir()
        self.wait_for(lambda: "not at" in self.errors(top), what="the daemon to miss the repository")
        self.assertEqual(["first"], os.listdir(top / "by-name"))
        self.assertEqual(errno.EIO, read_or_errno(volume / "file-20"))
        shutil.rmtree(repository)
        (self.home / "away").rename(repository)
        self.assertEqual(read_bytes(self.source / "file-20"), read_bytes(volume / "file-20"))
        make_point(repository, self.key, "second", self.source)
        self.wait_for(lambda: len(os.listdir(top / "by-name")) == 2, what="the second point")


def fill_many(source):
    (source / "many").mkdir()
    for number in range(20_000):
        (source / "many" / f"entry-{number:05} with a name that takes some room").write_bytes(b"%d" % number)
    (source / "other").mkdir()
    (source / "other" / "file").write_bytes(b"fine")


class DamagedTreeTest(mounted.MountCase):
    fill = staticmethod(fill_many)

    def test_a_damaged_page_hides_only_what_is_in_it(self):
        repository = self.own_repository()
        pack = max((path for path in (repository / "packs").rglob("*")
                    if path.is_file() and read_bytes(path)[4:5] == b"M"), key=lambda path: path.stat().st_size)
        content = bytearray(read_bytes(pack))
        content[len(content) * 4 // 5] ^= 1  # the first part is objects
        pack.chmod(0o600)
        pack.write_bytes(content)
        top = self.mount(repository=repository)
        seen = top / "latest" / VOLUME
        self.assertEqual(b"fine", read_bytes(seen / "other" / "file"))
        names = []
        with self.assertRaises(OSError) as caught:
            for entry in os.scandir(seen / "many"):
                names.append(entry.name)
        self.assertEqual(errno.EIO, caught.exception.errno)
        self.assertEqual(sorted(os.listdir(self.source / "many"))[:len(names)], names)
        self.assertGreater(len(names), 1000)
        # What lies behind the damage is there for those who know its name.
        self.assertEqual(b"19999", read_bytes(seen / "many" / "entry-19999 with a name that takes some room"))
        self.assertIn("CorruptData", read_bytes(top / ".backup" / "errors").decode())


BIG = 96 << 20
FRAME = 128 << 10
PAGE = 4096


def fill_big(source):
    generator = random.Random(17)
    with open(source / "big", "wb") as file:
        for _ in range(BIG >> 20):
            file.write(generator.randbytes(1 << 20))


class BigFileTest(mounted.MountCase):
    fill = staticmethod(fill_big)

    def parts(self, path):
        """Page by page: whether it is what the source has; what cannot be read is EIO."""
        parts = []
        with open(path, "rb", buffering=0) as file, open(self.source / "big", "rb") as source:
            for at in range(0, BIG, 1 << 20):
                wanted = source.read(1 << 20)
                got = b""
                while len(got) < len(wanted):
                    try:
                        more = os.pread(file.fileno(), len(wanted) - len(got), at + len(got))
                        self.assertNotEqual(b"", more)
                        parts += [True] * (len(more) // PAGE)
                    except OSError as error:
                        self.assertEqual(errno.EIO, error.errno)
                        more = wanted[len(got):len(got) + PAGE]
                        parts.append(False)
                    got += more
                self.assertEqual(wanted, got)
        return parts

    def test_one_damaged_frame_is_an_error_of_its_bytes_and_one_line(self):
        repository = self.own_repository()
        pack = max((path for path in (repository / "packs").rglob("*") if path.is_file()),
                   key=lambda path: path.stat().st_size)
        pack.chmod(0o600)
        with open(pack, "r+b") as file:
            at = pack.stat().st_size // 2
            byte = os.pread(file.fileno(), 1, at)
            os.pwrite(file.fileno(), bytes([byte[0] ^ 4]), at)
        top = self.mount(repository=repository)
        parts = self.parts(top / "latest" / VOLUME / "big")
        first, count = parts.index(False), parts.count(False)
        self.assertEqual(FRAME // PAGE, count)
        self.assertEqual([False] * count, parts[first:first + count])
        lines = read_bytes(top / ".backup" / "errors").decode().splitlines()
        self.assertEqual(1, len(lines), lines)
        self.assertIn("CorruptData: ", lines[0])
        self.assertIn("big", lines[0])

    def test_memory_is_bounded_by_the_cache(self):
        """Not by what was read."""
        for size, limit in (("8MiB", 32 << 20), ("64MiB", 88 << 20)):
            with self.subTest(size):
                top = self.directory(size)
                self.assertEqual(0, self.try_mount(top, f"--cache-size={size}").returncode)
                self.assertEqual([True] * (BIG // PAGE), self.parts(top / "latest" / VOLUME / "big"))
                (process,) = daemons(top)
                status = pathlib.Path(f"/proc/{process}/status").read_text()
                peak = int(status.split("VmHWM:")[1].split()[0]) << 10
                print(f"cache {size}: at most {peak >> 20} MiB in memory")
                self.assertLess(peak, limit)


if __name__ == "__main__":
    mounted.run()
