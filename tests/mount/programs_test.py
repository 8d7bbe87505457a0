"""Programs people point at a mount: version control, databases, searches, file managers."""
import errno
import os
import sqlite3
import subprocess

import mounted
from mounted import as_user

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*"]


def fill_for_programs(source):
    checkout = source / "checkout"
    (checkout / "below").mkdir(parents=True)
    for number in range(300):
        (checkout / "below" / f"file-{number}").write_text(f"line {number}\n" * (number + 1))
    (checkout / "run").write_text("#!/bin/sh\n")
    (checkout / "run").chmod(0o755)
    (checkout / "link").symlink_to("below/file-1")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"], ["status"]):
        subprocess.run([*GIT, *words], cwd=checkout, check=True, capture_output=True)
    for mode in ("delete", "wal"):
        with sqlite3.connect(source / f"{mode}.db") as database:
            database.execute(f"pragma journal_mode={mode}")
            database.execute("create table t (n integer primary key, text)")
            database.executemany("insert into t (text) values (?)", ((f"row {n}" * 10,) for n in range(30_000)))
        database.close()
    linked = source / "linked"
    linked.mkdir()
    for number in range(50):
        (linked / f"one-{number}").write_text(str(number))
        os.link(linked / f"one-{number}", linked / f"two-{number}")
    (source / "old").write_text("old")
    os.utime(source / "old", ns=(10**18, 10**18))
    (source / "private").write_text("private")
    (source / "private").chmod(0o600)
    (source / "public").write_text("public")
    (source / "public").chmod(0o644)
    subprocess.run(["setfacl", "-m", "u:4711:r", source / "public"], check=True)


class ProgramsTest(mounted.MountCase):
    fill = staticmethod(fill_for_programs)

    def both(self, *words, seen, below=""):
        shown = [self.run_program(*words, cwd=top / below) for top in (self.source, seen)]
        self.assertEqual(*shown)
        return shown[0]

    def test_a_checkout_is_clean_and_has_its_history(self):
        self.need("git")
        seen = self.volume() / "checkout"
        # Its index names the inodes of the source: git compares the content, and cannot note it.
        self.assertEqual("", self.run_program(*GIT, "status", "--porcelain", cwd=seen))
        self.assertIn("first", self.run_program(*GIT, "log", "--stat", cwd=seen))
        self.run_program(*GIT, "fsck", "--strict", cwd=seen)
        self.run_program(*GIT, "clone", "-q", "--no-hardlinks", seen, self.home / "clone")
        self.run_program("diff", "-r", "--exclude=.git", "--no-dereference", self.source / "checkout", self.home / "clone")

    def test_databases_can_be_asked(self):
        self.need("sqlite3")
        seen = self.volume()
        statement = "pragma integrity_check; select count(*), sum(length(text)) from t;"
        wanted = self.run_program("sqlite3", "-readonly", self.source / "delete.db", statement)
        self.assertTrue(wanted.startswith("ok\n30000|"), wanted)
        for name in (f"file:{seen}/delete.db?mode=ro", f"file:{seen}/delete.db?immutable=1",
                     f"file:{seen}/wal.db?immutable=1"):
            with self.subTest(name):
                self.assertEqual(wanted, self.run_program("sqlite3", "-readonly", name, statement))
        self.assertEqual(self.run_program("sqlite3", "-readonly", self.source / "delete.db", "select * from t"),
                         self.run_program("sqlite3", "-readonly", seen / "delete.db", "select * from t"))

    def test_searches(self):
        seen = self.volume()
        for words in (["find", ".", "-newer", "old", "-printf", "%p %y %#m %n %s %T@ %C@ %l\n"],
                      ["find", "linked", "-links", "2", "-printf", "%p %n\n"],
                      ["find", ".", "-xtype", "f", "-size", "+2k"], ["find", ".", "-perm", "0600"],
                      ["grep", "-rn", "line 29", "checkout/below"]):
            with self.subTest(words):
                shown = []
                for top in (self.source, seen):
                    lines = self.run_program(*words, cwd=top).splitlines()
                    shown.append(sorted(line for line in lines if " d " not in line))
                self.assertEqual(*shown)
                self.assertGreater(len(shown[0]), 0)
        for number in (0, 49):
            inode = os.stat(seen / "linked" / f"two-{number}").st_ino
            self.assertEqual([f"linked/one-{number}", f"linked/two-{number}"],
                             sorted(self.run_program("find", "linked", "-inum", inode, cwd=seen).split()))

    def test_a_file_manager_sees_everything(self):
        seen = self.volume()

        def look(top):
            facts = {}
            for entry in os.scandir(top):
                info = entry.stat(follow_symlinks=False)
                facts[entry.name] = (entry.is_dir(follow_symlinks=False), entry.is_symlink(), info.st_mode, info.st_uid,
                                     0 if entry.is_dir() else info.st_size, info.st_mtime_ns,
                                     {name: os.getxattr(entry.path, name) for name in os.listxattr(entry.path)},
                                     self.run_program("getfacl", "--omit-header", "--numeric", "--absolute-names", entry.path))
            return facts

        for below in ("", "checkout", "checkout/below", "linked"):
            self.assertEqual(look(self.source / below), look(seen / below))
        self.need("gio")
        self.assertEqual(*[sorted(self.run_program("gio", "list", "-l", "-h", top / "linked").splitlines())
                           for top in (self.source, seen)])

    def test_listings_go_on_when_there_are_no_access_lists(self):
        # After enough questions the daemon knows, and ls stops asking; getfacl must not mind.
        seen = self.volume() / "checkout"
        for _ in range(3):
            self.run_program("ls", "-lR", seen)
        lists = [sorted(self.run_program("getfacl", "--numeric", "-R", ".", cwd=top).split("\n\n"))
                 for top in (self.source / "checkout", seen)]
        self.assertTrue(lists[0] == lists[1])
        self.run_program("cp", "-a", seen, self.home / "copy")
        self.run_program("rsync", "-aHAX", f"{seen}/", f"{self.home}/copy2/")
        for copy in ("copy", "copy2"):
            self.run_program("diff", "-r", "--no-dereference", self.source / "checkout", self.home / copy)

    def test_the_same_by_time_by_name_and_by_namespace(self):
        top = self.mount()
        (by_time,) = (top / "by-time").iterdir()
        views = [by_time, top / "latest", top / "by-name" / "first", top / "by-namespace" / "shop" / "latest",
                 top / "by-namespace" / "shop" / by_time.name]
        for view in views:
            self.run_program("diff", "-r", "--no-dereference", self.source, view / mounted.VOLUME)
            self.assertEqual(os.stat(by_time / mounted.VOLUME / "public").st_ino, os.stat(view / mounted.VOLUME / "public").st_ino)

    def test_an_unprivileged_user_of_allow_other(self):
        seen = self.volume("--allow-other")
        self.assertIn("Permission denied", as_user(4712, 4712, "cat", seen / "private").stderr)
        self.assertEqual("public", as_user(4712, 4712, "cat", seen / "public").stdout)
        self.assertEqual("public", as_user(4711, 4711, "cat", seen / "public").stdout)
        self.assert_errno(errno.EROFS, (seen / "public").write_text, "")


if __name__ == "__main__":
    mounted.run()
