# SPDX-License-Identifier: Apache-2.0
"""Runs a command and says what it cost; drops caches; finds and weighs daemons."""
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

TICKS = os.sysconf("SC_CLK_TCK")
DROP_CACHES = pathlib.Path("/proc/sys/vm/drop_caches")


class Failed(Exception):
    """One cell of the table could not be measured; the text says why."""


@dataclasses.dataclass
class Cost:
    wall: float      # seconds
    cpu: float       # seconds, user + system, of all processes the command waited for
    peak: float      # MiB, of the largest of them
    output: str = ""


# A child of this process would begin with its peak memory (Linux counts what was there before exec), so a
# small interpreter in between starts the command and writes down what it cost.
LAUNCHER = """
import json, os, sys, time
result, words = int(sys.argv[1]), sys.argv[2:]
os.set_inheritable(result, False)
begin = time.monotonic()
child = os.fork()
if child == 0:
    try:
        os.execvp(words[0], words)
    except OSError as error:
        os.write(2, (words[0] + ": " + error.strerror).encode())
    os._exit(127)
_, status, usage = os.wait4(child, 0)
cost = [time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]
os.write(result, json.dumps([os.waitstatus_to_exitcode(status), cost]).encode())
"""


def run(words, directory=None, environment=None, timeout=3600, accepted=(0,), to=None):
    """The cost of a command. `to`: the file its standard output goes to. Raises Failed."""
    words = [str(word) for word in words]
    name = pathlib.Path(words[0]).name
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as log, open(to or os.devnull, "wb") as output, open(reading, "rb") as result:
        process = subprocess.Popen([sys.executable, "-ISc", LAUNCHER, str(writing), *words], cwd=directory,
                                   env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                                   stdout=output if to else log, stderr=log, pass_fds=[writing],
                                   start_new_session=True)
        os.close(writing)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise Failed(f"{name}: not done after {timeout} s") from None
        text = result.read()
        log.seek(0)
        said = log.read().decode(errors="replace")
    code, cost = json.loads(text) if text else (process.returncode, None)
    if cost is None or code not in accepted:
        raise Failed(f"{name}: exit {code}: {last_line(said)}")
    return Cost(*cost, said)


def shell(script, words=(), **options):
    """`words` are "$@" in the script."""
    return run(["bash", "-o", "pipefail", "-c", script, "-", *words], **options)


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def can_drop_caches():
    return os.access(DROP_CACHES, os.W_OK)


def drop_caches():
    """Page cache, names and inodes; without the right to, writes back only (the table says so)."""
    os.sync()
    if can_drop_caches():
        DROP_CACHES.write_text("3\n")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def peak_mib(pids):
    peak = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) / 1024)
    return peak


def processes_with(argument):
    """Ids of the processes that have exactly this argument."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(str(argument)) in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def is_mounted(directory):
    mounts = pathlib.Path("/proc/self/mounts").read_text().splitlines()
    return any(line.split()[1] == str(directory) for line in mounts)


def bytes_below(path):
    path = pathlib.Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None
