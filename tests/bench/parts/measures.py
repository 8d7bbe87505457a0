# SPDX-License-Identifier: Apache-2.0
"""What is measured: each measure names its tree and tools, and gives one sample of one tool."""
import contextlib
import dataclasses
import os
import random
import re
import shlex
import time
import typing

from parts import trees
from parts.processes import Failed, drop_caches, run, shell
from parts.tools import list_tree

READ_SIZE = 4096
RANDOM_SECONDS = 8
RANDOM_READS = 40_000
PATTERN = "*.py"


@dataclasses.dataclass
class Measure:
    name: str
    tree: str
    tools: tuple
    sample: typing.Callable     # (bench, tool, measure) -> {"wall": s, "cpu": s, "peak": MiB, ...} or {variant: ...}
    seconds: dict               # a guess for each tool on two cores at scale 1
    what: str
    once: bool = False          # changes the tree or takes long: one run
    variants: tuple = ("",)     # one sample fills several rows


def cost(found, **more):
    return {"wall": found.wall, "cpu": found.cpu, "peak": found.peak, **more}


def first_backup(bench, tool, measure):
    tree = bench.trees.path(measure.tree)
    tool.reset()
    drop_caches()
    found = tool.backup(tree)
    tool.note_backup()
    return cost(found, stored=tool.stored_bytes())


def require(is_right, complaint):
    """A measure whose result is wrong is none."""
    if not is_right:
        raise Failed(complaint)


def require_bytes(found, expected):
    require(found == expected, f"{found} bytes, not {expected}")


def ensure_backup(bench, tool, letter):
    if not tool.has_backup():
        tool.reset()
        tool.backup(bench.trees.path(letter))
        tool.note_backup()


def check_latest(bench, tool, measure):
    """What was backed up last is restored and compared, once for each tool and outside of what is measured."""
    if bench.has_check(tool, measure):
        return
    tree = bench.trees.path(measure.tree)
    target = bench.new_target(measure.tree)
    tool.restore(tree, target)
    bench.check_tree(tool, measure, tool.restored(tree, target))


def unchanged_backup(bench, tool, measure):
    """Cold: with the caches dropped; warm: once more."""
    tree = bench.trees.path(measure.tree)
    ensure_backup(bench, tool, measure.tree)
    rows = {}
    for variant in measure.variants:
        if variant == "cold":
            drop_caches()
        if tool.name == "native":
            rows[variant] = cost(list_tree(tree, bench.scratch / "list"))
        else:
            rows[variant] = cost(tool.backup(tree), stored=tool.stored_bytes())
    if tool.name != "native":
        check_latest(bench, tool, measure)
    return rows


def write_tree(bench, tool, measure, write):
    """`write` (target) -> (its cost, the tree it wrote)."""
    ensure_backup(bench, tool, measure.tree)
    target = bench.new_target(measure.tree)
    drop_caches()
    begin = time.monotonic()
    found, written = write(target)
    run(["sync", "-f", target])
    row = cost(found, synced=time.monotonic() - begin)
    bench.check_tree(tool, measure, written)
    return row


def restore(bench, tool, measure):
    tree = bench.trees.path(measure.tree)
    return write_tree(bench, tool, measure,
                      lambda target: (tool.restore(tree, target), tool.restored(tree, target)))


def verb_cp(bench, tool, measure):
    tree = bench.trees.path(measure.tree)
    return write_tree(bench, tool, measure, lambda target: (tool.cp(tree, target / "copy"), target / "copy"))


def verb_ls(bench, tool, measure):
    tree = bench.trees.path(measure.tree)
    output = bench.scratch / f"ls-{tool.name}"
    ensure_backup(bench, tool, measure.tree)
    drop_caches()
    row = cost(tool.ls(tree, output))
    entries = len(re.findall(tool.listed(tree), output.read_bytes(), re.MULTILINE))
    expected = bench.entries(measure.tree)
    require(entries == expected, f"{entries} entries, not {expected}")
    bench.note_check(tool, measure, "equal")
    return row


def verb_find(bench, tool, measure):
    tree = bench.trees.path(measure.tree)
    output = bench.scratch / f"find-{tool.name}"
    ensure_backup(bench, tool, measure.tree)
    drop_caches()
    row = cost(tool.find(tree, PATTERN, output))
    prefix = os.fsencode(tool.found_below(tree))
    names = {name.removeprefix(prefix) for name in re.split(rb"[\0\n]", output.read_bytes()) if name.startswith(prefix)}
    expected = {os.fsencode(path.relative_to(tree)) for path in tree.rglob(PATTERN)}
    require(names == expected, f"{len(names)} names, not the same {len(expected)}")
    bench.note_check(tool, measure, "equal")
    return row


def verb_cat(bench, tool, measure):
    """Each run counts the bytes; one more for each tool, which is not measured, compares them."""
    tree = bench.trees.path(measure.tree)
    ensure_backup(bench, tool, measure.tree)

    def pipe_to(reader):
        return shell(f'"$@" | {reader}', words=tool.cat_words(tree, "orders.db"), environment=tool.environment())

    drop_caches()
    found = pipe_to("wc -c")
    original = tree / "orders.db"
    require_bytes(int(found.output.split()[-1]), original.stat().st_size)
    if not bench.has_check(tool, measure):
        pipe_to(f"cmp - {shlex.quote(str(original))}")
        bench.note_check(tool, measure, "equal")
    return cost(found, rate=original.stat().st_size / 1e6 / found.wall)


@contextlib.contextmanager
def mounted(bench, tool, letter):
    ensure_backup(bench, tool, letter)
    with tool.mount(bench.trees.path(letter), bench.scratch / f"mount-{tool.name}") as mount:
        yield mount


def with_daemon(mount, action):
    before = mount.cpu()
    row = cost(action())
    row["cpu"] += mount.cpu() - before
    row["daemon"] = mount.cpu() - before
    row["peak"] = max(row["peak"], mount.peak()) if not mount.pids else mount.peak()
    return row


def mounted_list(bench, tool, measure):
    output = bench.scratch / f"list-{tool.name}"
    rows = {}
    with mounted(bench, tool, measure.tree) as mount:
        drop_caches()
        for variant in measure.variants:
            rows[variant] = with_daemon(mount, lambda: list_tree(mount.root, output))
        lines = sum(1 for _ in open(output, "rb"))
    expected = bench.lines_of_list(measure.tree)
    require(lines == expected, f"{lines} lines, not {expected}")
    bench.note_check(tool, measure, "equal")
    return rows


def mounted_read(bench, tool, measure):
    with mounted(bench, tool, measure.tree) as mount:
        drop_caches()
        script = f"cd '{mount.root}' && find . -type f -print0 | xargs -0 cat | wc -c"
        found = []
        row = with_daemon(mount, lambda: found.append(shell(script, timeout=1200)) or found[0])
        size = int(found[0].output.split()[-1])
        expected = bench.trees.manifest(measure.tree)["bytes"] - bench.link_bytes(measure.tree)
        require_bytes(size, expected)
        if row["wall"] < 60:
            bench.check_tree(tool, measure, mount.root)
        else:
            bench.note_check(tool, measure, "bytes counted")
    return row


def mounted_sequential(bench, tool, measure):
    """Each run counts the bytes; one more for each tool, which is not measured, compares them."""
    rows = {}
    original = bench.trees.path(measure.tree) / "orders.db"
    size = original.stat().st_size
    with mounted(bench, tool, measure.tree) as mount:
        drop_caches()
        file = mount.root / "orders.db"
        for variant in measure.variants:
            found = []
            rows[variant] = with_daemon(
                mount, lambda: found.append(run(["dd", f"if={file}", "of=/dev/null", "bs=1M"])) or found[0])
            rows[variant]["rate"] = size / 1e6 / rows[variant]["wall"]
            bytes_read = int(found[0].output.splitlines()[-1].split()[0])
            require_bytes(bytes_read, size)
        if not bench.has_check(tool, measure):
            run(["cmp", file, original])
            bench.note_check(tool, measure, "equal")
    return rows


def mounted_random(bench, tool, measure):
    with mounted(bench, tool, measure.tree) as mount:
        drop_caches()
        begin_cpu = mount.cpu()
        file = os.open(mount.root / "orders.db", os.O_RDONLY)
        original = os.open(bench.trees.path(measure.tree) / "orders.db", os.O_RDONLY)
        try:
            pages = os.fstat(file).st_size // READ_SIZE
            source = random.Random(7)
            reads = [source.randrange(pages) * READ_SIZE for _ in range(RANDOM_READS)]
            begin = time.monotonic()
            done = []
            for offset in reads:
                done.append(os.pread(file, READ_SIZE, offset) if len(done) < 200 else len(os.pread(file, READ_SIZE, offset)))
                if time.monotonic() - begin > RANDOM_SECONDS:
                    break
            wall = time.monotonic() - begin
            for offset, bytes_read in zip(reads, done[:200]):
                if bytes_read != os.pread(original, READ_SIZE, offset):
                    raise Failed(f"{tool.name}: other bytes at {offset}")
        finally:
            os.close(file)
            os.close(original)
        bench.note_check(tool, measure, "equal")
        return {"wall": wall, "cpu": mount.cpu() - begin_cpu, "peak": mount.peak(), "rate": len(done) / wall}


def changed_backup(bench, tool, measure):
    """The tree has been changed before this; `stored` is what the second backup added."""
    before = tool.stored_bytes()
    drop_caches()
    row = cost(tool.backup(bench.trees.path(measure.tree)), stored=tool.stored_bytes() - before)
    check_latest(bench, tool, measure)
    return row


def points_backup(bench, tool, measure):
    """One more point of a tree that has changed by one percent; the last run's `stored` counts."""
    return cost(tool.backup(bench.trees.path(measure.tree)), stored=tool.stored_bytes())


def mount_ready(bench, tool, measure):
    """From the start of the command until all points can be listed. Cold: the program too comes from the disk."""
    directory = bench.scratch / f"mount-{tool.name}"
    rows = {}
    for variant in measure.variants:
        if variant == "cold":
            drop_caches()
        begin = time.monotonic()
        with tool.mount(bench.trees.path(measure.tree), directory) as mount:
            names = len(tool.list_points(directory))
            rows[variant] = {"wall": time.monotonic() - begin, "cpu": mount.cpu(), "peak": mount.peak()}
        require(names == trees.POINTS, f"{names} points, not {trees.POINTS}")
        bench.note_check(tool, measure, "equal")
    return rows


STORES = ("ours", "tar+zstd", "restic", "borg", "kopia", "rustic")
SECONDS_A = {"ours": 12, "tar+zstd": 20, "restic": 45, "borg": 45, "kopia": 25, "rustic": 30, "squashfs": 15}
MOUNTS = ("native", "ours", "squashfs", "squashfuse", "restic", "borg", "kopia")
VERBS = ("native", "ours", "restic")
COLD_WARM = ("cold", "warm")

ALL = (
    Measure("first", "a", (*STORES, "squashfs"), first_backup, SECONDS_A, "first backup, caches cold"),
    Measure("unchanged", "a", ("native", "ours", "restic", "borg", "kopia", "rustic"), unchanged_backup,
            {"native": 4, "ours": 4, "restic": 13, "borg": 14, "kopia": 15, "rustic": 10},
            "backup when nothing changed (native: ls -lR)", variants=COLD_WARM),
    Measure("restore", "a", ("native", *STORES), restore,
            {"native": 35, "ours": 25, "tar+zstd": 30, "restic": 35, "borg": 60, "kopia": 40, "rustic": 40},
            "restore to an empty directory, caches cold (native: cp -a)"),
    Measure("list", "a", MOUNTS, mounted_list,
            {"native": 4, "ours": 4, "squashfs": 6, "squashfuse": 40, "restic": 150, "borg": 120, "kopia": 120},
            "mounted: ls -lR", variants=COLD_WARM),
    Measure("read", "a", MOUNTS, mounted_read,
            {"native": 20, "ours": 25, "squashfs": 30, "squashfuse": 30, "restic": 110, "borg": 200, "kopia": 200},
            "mounted: every file read once, caches cold"),
    Measure("verb-ls", "a", VERBS, verb_ls, {"native": 4, "ours": 3, "restic": 6},
            "without a mount: every entry listed, caches cold (native: ls -lR, restic: ls --long)"),
    Measure("verb-find", "a", VERBS, verb_find, {"native": 4, "ours": 3, "restic": 6},
            f"without a mount: find {PATTERN}, caches cold"),
    Measure("verb-cp", "a", ("native", "ours"), verb_cp, {"native": 35, "ours": 10},
            "without a mount: the whole tree copied, caches cold (native: cp -a; restic has only its restore)"),
    Measure("first", "b", STORES, first_backup,
            {"ours": 20, "tar+zstd": 25, "restic": 70, "borg": 60, "kopia": 40, "rustic": 50},
            "first backup of a 4 GiB database"),
    Measure("sequential", "b", MOUNTS, mounted_sequential,
            {"native": 8, "ours": 12, "squashfs": 20, "squashfuse": 25, "restic": 45, "borg": 90, "kopia": 60},
            "mounted: one 4 GiB file in sequence", variants=COLD_WARM),
    Measure("random", "b", MOUNTS, mounted_random, dict.fromkeys(MOUNTS, 10), "mounted: random 4 KiB reads, caches cold"),
    Measure("verb-cat", "b", VERBS, verb_cat, {"native": 8, "ours": 12, "restic": 30},
            "without a mount: one 4 GiB file printed, caches cold (restic: dump)"),
    # Before the tree changes: not every tool sees that.
    Measure("restore", "b", ("native", *STORES), restore, dict.fromkeys(("native", *STORES), 40),
            "restore of a 4 GiB database, caches cold (native: cp -a)"),
    Measure("changed", "b", ("ours", "restic", "borg", "kopia", "rustic"), changed_backup,
            {"ours": 15, "restic": 40, "borg": 40, "kopia": 30, "rustic": 40},
            "backup when 1 % of its 8 KiB pages changed", once=True),
    Measure("points", "e", ("ours", "restic", "borg", "kopia", "rustic"), points_backup,
            {"ours": 90, "restic": 330, "borg": 500, "kopia": 300, "rustic": 300},
            f"{trees.POINTS} points of 100,000 files, 1 % changed each; mean of one backup", once=True),
    Measure("ready", "e", ("ours", "restic"), mount_ready, {"ours": 1, "restic": 5},
            f"mount ready with {trees.POINTS} points of 100,000 files", variants=COLD_WARM),
    Measure("restore", "e", ("native", *STORES), restore, dict.fromkeys(("native", *STORES), 15),
            f"restore of the last of {trees.POINTS} points of 100,000 files, caches cold (native: cp -a)"),
    Measure("first", "d", STORES, first_backup,
            {"ours": 8, "tar+zstd": 8, "restic": 20, "borg": 15, "kopia": 10, "rustic": 15},
            "first backup of 2 GiB that do not compress"),
    Measure("restore", "d", ("native", *STORES), restore, dict.fromkeys(("native", *STORES), 15),
            "restore of 2 GiB that do not compress, caches cold (native: cp -a)"),
    Measure("first", "c", STORES, first_backup,
            {"ours": 60, "tar+zstd": 60, "restic": 120, "borg": 150, "kopia": 120, "rustic": 100},
            "first backup of 1,000,000 small files"),
    Measure("unchanged", "c", ("native", "ours", "restic", "borg", "kopia", "rustic"), unchanged_backup,
            {"native": 30, "ours": 30, "restic": 120, "borg": 100, "kopia": 120, "rustic": 80},
            "1,000,000 files, nothing changed (native: ls -lR)", variants=COLD_WARM),
    Measure("restore", "c", ("native", *STORES), restore, dict.fromkeys(STORES, 200), "restore of 1,000,000 small files"),
    Measure("list", "c", ("native", "ours", "squashfs", "squashfuse", "restic"), mounted_list,
            {"native": 30, "ours": 30, "squashfs": 30, "squashfuse": 300, "restic": 600},
            "mounted: ls -lR of 1,000,000 files", variants=COLD_WARM),
)
