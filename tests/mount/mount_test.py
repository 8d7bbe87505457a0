"""What a mount shows, read with the programs people read it with and compared with the source."""
import concurrent.futures
import errno
import os
import pathlib
import random
import sqlite3
import stat
import subprocess

import mounted
from mounted import VOLUME, describe_tree, fill_directory, read_bytes

MANY = 20_000


def fill_everything(source):
    fill_directory(source)
    with sqlite3.connect(source / "orders.db") as database:
        database.execute("create table orders (id integer primary key, item text)")
        database.executemany("insert into orders (item) values (?)", ((f"item-{n}" * 20,) for n in range(20_000)))
    database.close()
    generator = random.Random(7)
    with open(source / "random.bin", "wb") as file:
        for _ in range(8):
            file.write(generator.randbytes(1 << 20))
            file.write(b"the same words again and again " * 20_000)
    (source / "many-xattrs").write_bytes(b"x")
    for number in range(20):
        os.setxattr(source / "many-xattrs", f"user.number-{number}", b"v" * number * 10)
    (source / "long").mkdir()
    (source / "long" / ("n" * 255)).write_bytes(b"long name")
    deep = source / "down"
    for _ in range(30):
        deep = deep / "down"
    deep.mkdir(parents=True)
    (deep / "bottom").write_bytes(b"bottom")
    old = source / "before-1970"
    old.write_bytes(b"old")
    os.utime(old, ns=(-1_500_000_001, -1_500_000_001))
    os.chown(source / "empty", 4000, 4001)
    (source / "empty").chmod(0o1777)
    age(source)


def age(source):
    """A day older, whatever it is: rsync leaves a time of the second in which it copies as it is."""
    for path in [*source.rglob("*"), source]:
        before = path.lstat().st_mtime_ns - 86_400 * 10**9
        os.utime(path, ns=(before, before), follow_symlinks=False)


def fill_large_directory(source):
    (source / "many").mkdir()
    for number in range(MANY):
        (source / "many" / f"entry-{number:05}").write_bytes(b"%d\n" % number)


def stat_lines(root):
    """What describe_tree leaves out, path by path."""
    lines = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            line = [stat.filemode(info.st_mode), info.st_uid, info.st_gid, info.st_mtime_ns, info.st_ctime_ns]
            if stat.S_ISDIR(info.st_mode):
                children = os.scandir(path)
                line.append(2 + sum(child.is_dir(follow_symlinks=False) for child in children))
            else:
                line += [info.st_size, info.st_nlink, info.st_rdev]
            lines[os.path.relpath(path, os.fsencode(root))] = line
    return lines


class ReadingTest(mounted.MountCase):
    fill = staticmethod(fill_everything)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mount_point = cls.shared / "mnt"
        cls.mount_point.mkdir()
        subprocess.run([mounted.BIN / mounted.DAEMON, f"--repo={cls.repository}", f"--key-file={cls.key}",
                        "--", cls.mount_point], check=True)
        cls.addClassCleanup(subprocess.run, ["umount", "-l", cls.mount_point])
        cls.seen = cls.mount_point / "latest" / VOLUME

    def test_content_is_that_of_the_source(self):
        self.run_program("diff", "-r", "--no-dereference", "--exclude=fifo", "--exclude=null", self.source, self.seen)

    def test_everything_a_backup_keeps(self):
        self.maxDiff = 4000
        self.assertEqual(describe_tree(self.source), describe_tree(self.seen))

    def test_stat_tells_what_it_told_at_the_source(self):
        self.maxDiff = 4000
        self.assertEqual(stat_lines(self.source), stat_lines(self.seen))

    def test_directories_have_two_links_and_one_for_each_subdirectory(self):
        for path in (self.mount_point, self.mount_point / "by-time", self.seen, self.seen / "folder-0",
                     self.seen.parent, self.mount_point / "latest" / "namespaces"):
            with self.subTest(path):
                inside = sum(entry.is_dir(follow_symlinks=False) for entry in os.scandir(path))
                self.assertEqual(2 + inside, path.stat().st_nlink)

    def test_names_of_one_file_share_an_inode(self):
        one, other = os.stat(self.seen / "big.db"), os.stat(self.seen / "hard-link")
        self.assertEqual((one.st_ino, 2), (other.st_ino, other.st_nlink))
        listed = {entry.name: entry.inode() for entry in os.scandir(self.seen)}
        self.assertEqual(listed["big.db"], listed["hard-link"])
        self.assertEqual(one.st_ino, listed["big.db"])

    def test_inode_numbers_of_a_listing_are_those_of_stat_and_unique(self):
        numbers = {}
        for folder, _, _ in os.walk(self.mount_point / "by-time"):
            for entry in os.scandir(folder):
                number = os.lstat(entry.path).st_ino
                self.assertEqual(number, entry.inode(), entry.path)
                if os.lstat(entry.path).st_nlink == 1 or entry.is_dir(follow_symlinks=False):
                    self.assertNotIn(number, numbers, entry.path)
                numbers[number] = entry.path

    def test_access_lists(self):
        shown = [self.run_program("getfacl", "--omit-header", "--numeric", "--absolute-names", top / "sparse")
                 for top in (self.source, self.seen)]
        self.assertIn("user:1000:rw-", shown[0])
        self.assertEqual(*shown)

    def test_extended_attributes_have_their_errors(self):
        self.assert_errno(errno.ENODATA, os.getxattr, self.seen / "big.db", "user.none")
        self.assertEqual(b"\x00binary\xff", os.getxattr(self.seen / "hard-link", "user.origin"))
        self.assertEqual(20, len(os.listxattr(self.seen / "many-xattrs")))

    def test_holes_are_holes(self):
        source, seen = os.stat(self.source / "sparse"), os.stat(self.seen / "sparse")
        self.assertEqual(50 << 20, seen.st_size)
        self.assertLess(seen.st_blocks * 512, 1 << 20)
        self.assertGreaterEqual(seen.st_blocks, 1)
        self.assertLess(abs(seen.st_blocks - source.st_blocks), 2048)
        with open(self.seen / "sparse", "rb") as file:
            data = os.lseek(file.fileno(), 0, os.SEEK_DATA)
            self.assertTrue(0 < data <= 20 << 20, data)
            hole = os.lseek(file.fileno(), data, os.SEEK_HOLE)
            self.assertTrue((20 << 20) + 6 <= hole <= 21 << 20, hole)
            self.assertEqual(0, os.lseek(file.fileno(), 0, os.SEEK_HOLE))
            for whence in (os.SEEK_DATA, os.SEEK_HOLE):
                self.assert_errno(errno.ENXIO, os.lseek, file.fileno(), 50 << 20, whence)
            self.assert_errno(errno.ENXIO, os.lseek, file.fileno(), 49 << 20, os.SEEK_DATA)

    def test_a_symlink_has_the_size_of_its_target(self):
        for name in ("link", "absolute-link"):
            self.assertEqual(len(os.readlink(self.seen / name)), os.lstat(self.seen / name).st_size)
        latest = self.mount_point / "latest"
        self.assertEqual(len(os.readlink(latest)), os.lstat(latest).st_size)

    def test_copies_with_cp_tar_and_rsync_are_the_source_again(self):
        wanted = describe_tree(self.source)
        copies = {"cp": "cp -a {0} {1}",
                  "tar": "mkdir {1} && tar --xattrs --xattrs-include='*' --acls -C {0} -cSf - . |"
                         " tar --xattrs --xattrs-include='*' --acls -C {1} -xpf -",
                  "rsync": "rsync -aHAXS {0}/ {1}/"}
        for program, script in copies.items():
            with self.subTest(program):
                self.need(program)
                copy = self.home / program
                self.run_program("bash", "-c", "set -o pipefail; " + script.format(self.seen, copy))
                self.assertEqual(wanted, describe_tree(copy))
                self.assertLess(os.stat(copy / "sparse").st_blocks * 512, 2 << 20)

    def test_find_grep_du(self):
        for words in (["find", ".", "-printf", r"%p %y %s %m %U %G %T@\n"],
                      ["find", "folder-2", "-newer", "before-1970", "-name", "*7.bin"],
                      ["grep", "-rc", "again", "folder-1", "random.bin"], ["du", "-ab", "folder-3/deep-1"]):
            with self.subTest(words):
                shown = []
                for top in (self.source, self.seen):
                    lines = sorted(self.run_program(*words, cwd=top).splitlines())
                    # The size of a directory is that of its file system.
                    shown.append([line for line in lines if " d " not in line and not line.endswith("/deep-1")])
                self.assertGreater(len(shown[0]), 1)
                self.assertEqual(*shown)
        self.assertGreater(int(self.run_program("du", "-s", "--block-size=1", self.seen).split()[0]), 8 << 20)

    def test_a_database_can_be_asked(self):
        self.need("sqlite3")
        for statement in ("pragma integrity_check", "select count(*), sum(length(item)) from orders"):
            shown = [self.run_program("sqlite3", "-readonly", top / "orders.db", statement)
                     for top in (self.source, self.seen)]
            self.assertEqual(*shown)

    def test_many_readers_at_once(self):
        files = [path for path in self.source.rglob("*") if path.is_file() and not path.is_symlink()]
        fresh = self.volume()

        def compare(number):
            mine = random.Random(number).sample(files, len(files))
            return [path for path in mine if read_bytes(fresh / path.relative_to(self.source)) != read_bytes(path)]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual([[]] * 8, list(pool.map(compare, range(8))))

    def test_reads_at_random_places(self):
        generator = random.Random(3)
        fresh = self.volume()
        for name in ("random.bin", "big.db", "sparse", "orders.db"):
            size = os.stat(self.source / name).st_size
            with open(self.source / name, "rb") as source, open(fresh / name, "rb") as seen:
                for _ in range(300):
                    at, length = generator.randrange(size + 10), generator.choice([1, 511, 4096, 70_000, 1 << 20])
                    self.assertEqual(os.pread(source.fileno(), length, at), os.pread(seen.fileno(), length, at),
                                     f"{name} at {at}, {length} bytes")
                self.assertEqual(b"", os.pread(seen.fileno(), 10, size))

    def test_mapped_memory(self):
        import mmap
        with open(self.seen / "random.bin", "rb") as seen:
            with mmap.mmap(seen.fileno(), 0, access=mmap.ACCESS_READ) as memory:
                self.assertEqual(read_bytes(self.source / "random.bin"), memory[:])

    def test_what_is_not_there(self):
        for name in ("none", "folder-1/none", "big.db/below", "n" * 254):
            for _ in range(2):
                with self.assertRaises((FileNotFoundError, NotADirectoryError), msg=name):
                    os.stat(self.seen / name)
        self.assertFalse((self.mount_point / "by-name" / "none").exists())

    def test_nothing_can_be_changed(self):
        for action in (lambda: (self.seen / "new").write_bytes(b""), lambda: os.unlink(self.seen / "link"),
                       lambda: open(self.seen / "big.db", "r+b"), lambda: os.mkdir(self.mount_point / "new"),
                       lambda: os.setxattr(self.seen / "big.db", "user.a", b""),
                       lambda: os.chmod(self.seen / "big.db", 0o777), lambda: os.utime(self.seen / "big.db")):
            self.assert_errno(errno.EROFS, action)

    def test_the_file_system_tells_its_size(self):
        info = os.statvfs(self.mount_point)
        self.assertEqual(255, info.f_namemax)
        self.assertEqual((0, 0), (info.f_bavail, info.f_ffree))
        self.assertIn("ro", mounted.mounted_at(self.mount_point))
        self.run_program("df", self.mount_point)

    def test_manifests(self):
        name_space = self.mount_point / "latest" / "namespaces" / "shop"
        self.assertEqual(1000, len(os.listdir(name_space / "manifests" / "configmaps")))
        text = (name_space / "manifests" / "configmaps" / "settings-1500.yaml").read_text()
        self.assertIn("name: settings-1500", text)
        self.assertNotIn("uid:", text)
        path = name_space / "manifests.yaml"
        self.assertEqual(path.stat().st_size, len(path.read_bytes()))
        self.assertEqual(0o400, stat.S_IMODE(path.stat().st_mode))
        self.assertIn(self.point, (self.mount_point / "latest" / "point.yaml").read_text())

    def test_numbers_are_the_same_in_the_next_mount(self):
        def numbers(top):
            return {path.relative_to(top): os.lstat(path).st_ino
                    for path in pathlib.Path(top).rglob("*") if ".backup" not in path.parts}

        self.assertEqual(numbers(self.mount_point), numbers(self.mount()))


class LargeDirectoryTest(mounted.MountCase):
    fill = staticmethod(fill_large_directory)

    def test_it_is_listed_whole_and_once(self):
        wanted = sorted(f"entry-{number:05}" for number in range(MANY))
        directory = self.volume() / "many"
        self.assertEqual(wanted, self.run_program("ls", directory).split())
        self.assertEqual(wanted, sorted(os.listdir(directory)))
        self.assertEqual(wanted, sorted(self.run_program("ls", "-f", directory).split()[2:]))
        self.assertEqual(MANY + 2, self.run_program("find", directory, "-printf", r"%i %s\n").count("\n") + 1)

    def test_a_long_listing_is_the_same_cold_and_warm(self):
        words = ["ls", "-lR", "--time-style=full-iso"]
        top = self.volume()
        cold = self.run_program(*words, top)
        self.assertEqual(cold, self.run_program(*words, top))
        self.assertEqual(self.run_program(*words, "many", cwd=self.source).splitlines()[2:],
                         self.run_program(*words, "many", cwd=top).splitlines()[2:])

    def test_it_is_listed_while_others_look_into_it(self):
        directory = self.volume() / "many"
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            listings = [pool.submit(os.listdir, directory) for _ in range(4)]
            reads = [pool.submit(read_bytes, directory / f"entry-{number:05}") for number in range(0, MANY, 40)]
            self.assertEqual({MANY}, {len(listing.result()) for listing in listings})
            self.assertEqual([b"%d\n" % number for number in range(0, MANY, 40)], [read.result() for read in reads])

    def test_it_can_be_read_from_a_place_in_it(self):
        # telldir and seekdir, as a file server does.
        script = ("import ctypes, sys; c = ctypes.CDLL(None); c.opendir.restype = ctypes.c_void_p;"
                  "c.readdir.restype = ctypes.c_void_p; c.telldir.restype = ctypes.c_long;"
                  "d = ctypes.c_void_p(c.opendir(sys.argv[1].encode()));"
                  "name = lambda: ctypes.string_at(c.readdir(d) + 19);"
                  "skipped = [name() for _ in range(5000)]; at = c.telldir(d); one = name();"
                  "[name() for _ in range(9000)]; c.seekdir(d, ctypes.c_long(at)); print(one == name(), one not in skipped)")
        self.assertEqual("True True\n", self.run_program("python3", "-c", script, self.volume() / "many"))


if __name__ == "__main__":
    mounted.run()
