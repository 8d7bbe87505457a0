"""A mount of storage that is slow, or gone: what is known goes on, and nobody waits who need not."""
import concurrent.futures
import os
import random
import signal
import subprocess
import time

import mounted
from mounted import BIN, VOLUME, mounted_at, read_bytes

FILES = 48
# More than the threads that may wait for storage, and pieces in as many places of it.
READERS = 24
PIECES = 20
PIECE = 4096


def fill_slow(source):
    generator = random.Random(13)
    for number in range(FILES):
        (source / f"file-{number:02}").write_bytes(generator.randbytes(500_000 + number))
    os.setxattr(source / "file-00", "user.note", b"noted")
    for number in range(2000):
        folder = source / "cold" / f"folder-{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"a rather long name, so that there are many pages, and its number {number}").write_bytes(b"x" * 400)


def write_with_hole(file, content):
    """A hole follows: what comes next is another chunk."""
    file.write(content)
    file.seek(PIECE, os.SEEK_CUR)


def fill_scattered(source):
    """Each file is in PIECES frames that no other one needs."""
    generator = random.Random(14)
    pieces = {(reader, number): generator.randbytes(PIECE) for reader in range(READERS) for number in range(PIECES)}
    places = list(pieces)
    generator.shuffle(places)
    with open(source / "all-pieces", "wb") as file:
        for reader, number in places:
            write_with_hole(file, pieces[reader, number])
            write_with_hole(file, generator.randbytes(33 * PIECE))
        file.truncate(file.tell())
    for reader in range(READERS):
        with open(source / f"scattered-{reader:02}", "wb") as file:
            for number in range(PIECES):
                write_with_hole(file, pieces[reader, number])
            file.truncate(file.tell())


class SlowCase(mounted.MountCase):

    def setUp(self):
        super().setUp()
        self.delay_file = self.home / "delay"
        self.delay(0)
        self.top = self.home / "mnt"
        self.top.mkdir()
        self.daemon = subprocess.Popen([BIN / "slow_mount", self.delay_file, self.repository, self.key, self.top])
        self.addCleanup(self.end)
        self.wait_for(lambda: mounted_at(self.top) is not None, what="the mount")
        self.seen = self.top / "latest" / VOLUME

    def end(self):
        self.delay(0)
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.daemon.wait(20))

    def delay(self, milliseconds):
        # Never empty while it is read.
        fresh = self.delay_file.with_suffix(".new")
        fresh.write_text(str(milliseconds))
        fresh.rename(self.delay_file)

    def forget_pages(self, path):
        """So that the kernel has to ask the daemon again."""
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def compare(self, number):
        name = f"file-{number:02}"
        return read_bytes(self.seen / name) == read_bytes(self.source / name)


class SlowTest(SlowCase):
    fill = staticmethod(fill_slow)

    def test_what_is_known_is_answered_while_many_wait(self):
        self.assertTrue(self.compare(0))
        os.listdir(self.seen)
        self.delay(60_000)
        with concurrent.futures.ThreadPoolExecutor(FILES) as pool:
            waiting = [pool.submit(self.compare, number) for number in range(1, FILES)]
            longest = 0
            end = time.monotonic() + 4
            while time.monotonic() < end:
                begin = time.monotonic()
                # None of these is in the kernel's cache.
                self.assertEqual(b"noted", os.getxattr(self.seen / "file-00", "user.note"))
                self.forget_pages(self.seen / "file-00")
                with open(self.seen / "file-00", "rb") as file:
                    self.assertEqual(4096, len(os.pread(file.fileno(), 4096, 8192)))
                self.assertIn("pid: ", (self.top / ".backup" / "status").read_text())
                self.assertEqual(FILES + 1, len(os.listdir(self.seen)))
                longest = max(longest, time.monotonic() - begin)
                time.sleep(0.05)
            self.assertEqual(0, sum(job.done() for job in waiting), "storage was not slow")
            # A fraction of what one call of storage takes, of which most requests need several.
            self.assertLess(longest, 6)
            self.delay(0)
            self.assertTrue(all(job.result(120) for job in waiting))

    def test_everything_can_be_read_at_200_ms_a_request(self):
        self.delay(200)
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertTrue(all(pool.map(self.compare, range(FILES))))
        self.assertLess(time.monotonic() - begin, 60)

    def test_who_is_killed_while_waiting_goes_at_once(self):
        os.listdir(self.seen)
        self.delay(60_000)
        waiting = {"a read": ["cat", self.seen / "file-07"],
                   "a listing": ["ls", "-l", self.seen / "cold"],
                   "a search": ["find", self.seen / "cold"]}
        for what, words in waiting.items():
            with self.subTest(what):
                process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(1)
                self.assertIsNone(process.poll(), "it did not wait")
                process.kill()
                self.assertEqual(-signal.SIGKILL, process.wait(5))
        self.delay(0)
        self.assertTrue(self.compare(7))
        self.assertEqual(40, len(os.listdir(self.seen / "cold")))

    def test_it_can_be_ended_while_many_wait(self):
        self.delay(1500)
        readers = [subprocess.Popen(["cat", self.seen / f"file-{number:02}"], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for number in range(30)]
        time.sleep(0.5)
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.daemon.wait(20))
        for reader in readers:
            reader.wait(10)
        self.assertIsNone(mounted_at(self.top))


class GoneReadersTest(SlowCase):
    """What nobody waits for any more is not fetched: each of these reads takes PIECES calls of a second."""

    @staticmethod
    def fill(source):
        fill_scattered(source)
        (source / "file-00").write_bytes(random.Random(15).randbytes(100_000))

    def begin_reads(self):
        for name in sorted(os.listdir(self.seen)):
            os.stat(self.seen / name)
        self.delay(1000)
        readers = [subprocess.Popen(["cat", self.seen / f"scattered-{number:02}"], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for number in range(READERS)]
        time.sleep(1)
        self.assertTrue(all(reader.poll() is None for reader in readers), "they did not wait")
        return readers

    def test_killed_readers_are_not_waited_for(self):
        for reader in (readers := self.begin_reads()):
            reader.kill()
        for reader in readers:
            self.assertEqual(-signal.SIGKILL, reader.wait(5))
        begin = time.monotonic()
        self.assertTrue(self.compare(0))
        self.assertLess(time.monotonic() - begin, PIECES / 2)
        self.delay(0)
        for number in range(READERS):
            name = f"scattered-{number:02}"
            self.assertEqual(read_bytes(self.source / name), read_bytes(self.seen / name))
        self.assertEqual(b"", read_bytes(self.top / ".backup" / "errors"))

    def test_the_end_does_not_wait_for_whole_reads(self):
        readers = self.begin_reads()
        begin = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        self.assertEqual(0, self.daemon.wait(30))
        self.assertLess(time.monotonic() - begin, PIECES / 2)
        for reader in readers:
            self.assertEqual(1, reader.wait(10))
        self.assertIsNone(mounted_at(self.top))


if __name__ == "__main__":
    mounted.run()
