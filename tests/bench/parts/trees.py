# SPDX-License-Identifier: Apache-2.0
"""The trees that are backed up, and their manifests: what a restored tree must equal.

a  many files of real software: about 113,000 and 2.2 GB
b  one database-like file of 4 GiB, half of each 8 KiB page compressible
c  1,000,000 small files
d  2 GiB that do not compress
e  100,000 small files of which each point changes one percent
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess

GIB = 1 << 30
PAGE = 8192
POINTS = 60
WORDS = ("backup cluster pod volume claim node index frame chunk page entry point order customer "
         "invoice street city country payment pending shipped returned 2026 null true false").split()
SOFTWARE = ("~/.pyenv/versions/*", "/opt/python*", "/usr/local/lib/python3*", "/usr/lib/python3*", "/usr/local/go",
            "/usr/lib/go-*", "~/.rustup/toolchains/*", "/usr/share", "/usr/lib")


class Trees:
    def __init__(self, work, scale, given=None):
        self.folder = pathlib.Path(work) / "trees"
        self.scale = scale
        self.given = given and pathlib.Path(given).resolve()

    def path(self, letter):
        return self.given if letter == "a" and self.given else self.folder / letter

    def make(self, letter):
        """The path of the tree, made when it is missing. A half-made one is made anew."""
        path = self.path(letter)
        if path == self.given or (self.folder / f"{letter}.made").exists():
            return path
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        getattr(self, f"make_{letter}")(path)
        (self.folder / f"{letter}.made").touch()
        return path

    def make_a(self, path):
        limit_files, limit_bytes = int(113_000 * self.scale), int(2.4e9 * self.scale)
        for number, source in enumerate(installed_software()):
            copy = path / f"{number:02}-{source.name}"
            subprocess.run(["cp", "-a", "--one-file-system", source, copy], check=False, stderr=subprocess.DEVNULL)
            files, size = count(path)
            if files > limit_files or size > 1.15 * limit_bytes:
                trim(copy, files - limit_files, size - int(1.15 * limit_bytes))
            if files >= 0.95 * limit_files or size >= limit_bytes:
                return

    def make_b(self, path):
        source = random.Random(2)
        with open(path / "orders.db", "wb") as file:
            for _ in range(int(4 * GIB * self.scale) // PAGE):
                file.write(make_page(source))

    def change_b(self):
        """One percent of the pages get other content, and other again each time."""
        path = self.path("b") / "orders.db"
        source = random.Random(path.stat().st_mtime_ns)
        with open(path, "r+b") as file:
            pages = os.fstat(file.fileno()).st_size // PAGE
            for page in source.sample(range(pages), max(1, pages // 100)):
                file.seek(page * PAGE)
                file.write(make_page(source))

    def make_c(self, path):
        make_small_files(path, int(1_000_000 * self.scale), random.Random(4), 100, 1500)

    def make_d(self, path):
        source = random.Random(5)
        for number in range(16):
            with open(path / f"{number:02}.bin", "wb") as file:
                for _ in range(max(1, int(128 * self.scale))):
                    file.write(source.randbytes(1 << 20))

    def make_e(self, path):
        make_small_files(path, int(100_000 * self.scale), random.Random(6), 1000, 8000)

    def change_e(self, point):
        """One percent of the files get other content."""
        self.kept_manifest("e").unlink(missing_ok=True)  # what it goes by shows no change of a file below
        source = random.Random(1000 + point)
        text = make_text(source, 1 << 16)
        files = int(100_000 * self.scale)
        for number in source.sample(range(files), max(1, files // 100)):
            small_file(self.path("e"), number).write_bytes(slice_of(source, text, 1000, 8000))

    def kept_manifest(self, letter):
        return self.folder / f"{letter}.manifest"

    def manifest(self, letter, path=None):
        """Of the tree itself (kept), or of what stands at `path`."""
        if path:
            return make_manifest(path)
        kept = self.kept_manifest(letter)
        tree = self.path(letter)
        newest = max((entry.stat(follow_symlinks=False).st_mtime_ns for entry in os.scandir(tree)), default=0)
        stamp = f"{tree} {newest}"
        if kept.exists():
            found = json.loads(kept.read_text())
            if found["stamp"] == stamp:
                return found["manifest"]
        manifest = make_manifest(tree)
        self.folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"stamp": stamp, "manifest": manifest}))
        return manifest


def installed_software():
    found = []
    for pattern in SOFTWARE:
        base = pathlib.Path(pattern).expanduser()
        found += [path for path in sorted(base.parent.glob(base.name)) if path.is_dir() and not path.is_symlink()]
    return found


def trim(path, files, size):
    """Removes so many of the last files, or files of so many bytes."""
    for file in sorted(path.rglob("*"), reverse=True):
        if files <= 0 and size <= 0:
            return
        if file.is_file() or file.is_symlink():
            size -= file.lstat().st_size
            files -= 1
            file.unlink()


def count(path):
    files = size = 0
    for folder, _, names in os.walk(path):
        files += len(names)
        size += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
    return files, size


def make_text(source, length):
    parts = []
    while length > 0:
        parts.append(f"{source.choice(WORDS)}-{source.randrange(10_000)} {source.choice(WORDS)} ".encode())
        length -= len(parts[-1])
    return b"".join(parts)


# Letters as frequent as in English; what a random byte becomes.
LETTERS = bytes((" " * 46 + "e" * 26 + "t" * 19 + "a" * 17 + "o" * 16 + "i" * 15 + "n" * 14 + "s" * 13 + "h" * 13 + "r" * 13
                 + "d" * 9 + "l" * 9 + "c" * 6 + "u" * 6 + "m" * 5 + "w" * 5 + "f" * 5 + "g" * 4 + "y" * 4 + "p" * 4
                 + "bvkjxqz")[:256].ljust(256), "ascii")
ROW = 64


def make_page(source):
    """Half random bytes, half rows with a word and letters of no meaning."""
    letters = source.randbytes(PAGE // 2).translate(LETTERS)
    word = source.choice(WORDS).encode().ljust(24, b"\0")
    rows = [word + letters[at + len(word):at + ROW] for at in range(0, PAGE // 2, ROW)]
    return source.randbytes(PAGE // 2) + b"".join(rows)


def slice_of(source, text, least, most):
    size = source.randrange(least, most)
    begin = source.randrange(len(text) - most)
    return source.randbytes(16) + text[begin:begin + size - 16]


def small_file(path, number):
    return path / f"{number // 1000:04}" / f"file-{number:07}.txt"


def make_small_files(path, files, source, least, most):
    text = make_text(source, 1 << 20)
    for number in range(files):
        if number % 1000 == 0:
            small_file(path, number).parent.mkdir()
        with open(small_file(path, number), "wb", buffering=0) as file:
            file.write(slice_of(source, text, least, most))


def describe(path, root):
    """(what must be equal, what should be equal) of one file."""
    name = os.path.relpath(path, root)
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    content = ""
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb", buffering=0) as file:
            content = hashlib.file_digest(file, "blake2b").hexdigest() if hasattr(hashlib, "file_digest") else digest(file)
    size = info.st_size if stat.S_ISREG(info.st_mode) else 0
    # Of a link only the target counts: not every tool keeps its times.
    attributes = () if stat.S_ISLNK(info.st_mode) else (info.st_mode & 0o7777, info.st_uid, info.st_gid, int(info.st_mtime))
    return repr((name, kind, size, content)), repr((name, attributes))


def digest(file):
    result = hashlib.blake2b()
    while block := file.read(1 << 20):
        result.update(block)
    return result.hexdigest()


def describe_all(work):
    root, paths = work
    return [describe(path, root) for path in paths]


def make_manifest(root):
    """{"content": hash, "attributes": hash, "files": n, "bytes": n} of all below `root`."""
    root = str(root)
    parts, part = [], []
    for folder, folders, names in os.walk(root):
        part += [os.path.join(folder, name) for name in folders + names]
        if len(part) >= 2000:
            parts.append((root, part))
            part = []
    parts.append((root, part))
    with concurrent.futures.ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        rows = sorted(row for rows in pool.map(describe_all, parts) for row in rows)
    content, attributes = hashlib.blake2b(), hashlib.blake2b()
    for must, should in rows:
        content.update(must.encode(errors="surrogateescape"))
        attributes.update(should.encode(errors="surrogateescape"))
    files, size = count(root)
    return {"content": content.hexdigest(), "attributes": attributes.hexdigest(), "files": files, "bytes": size}
