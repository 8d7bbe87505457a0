#!/usr/bin/env python3
"""Movers at work: several volumes, streams that are cut, pods that are taken away, runs that are resumed, rates."""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import statistics
import time

import support

MIB = 1 << 20
LITTLE = 200 << 10


class MoverCase(support.ClusterCase):
    def grow(self, megabytes, name="large", claim="data"):
        support.write_random(self.volume_directory(claim) / name, megabytes)

    def packs(self):
        folder = self.repository / "packs"
        return sum(path.stat().st_size for path in folder.rglob("*")
                   if path.is_file() and not path.name.startswith("tmp-")) if folder.exists() else 0

    def stored_bytes(self):
        """Of all that is there, also of what is being written."""
        sizes = {}  # by inode: for a moment a blob that is committed has two names
        for path in self.repository.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.name != ".reserve":
                    sizes[path.stat().st_ino] = path.stat().st_size
        return sum(sizes.values())

    def start_with_two_volumes(self, megabytes):
        """Two pods with a volume each."""
        for name in ("one", "two"):
            self.claim(name, size="1Gi")
            self.pod("app-" + name, claim=name)
            self.grow(megabytes, claim=name)


class Movers(MoverCase):
    def setUp(self):
        super().setUp()
        self.claim(size="1Gi")
        self.pod()

    def test_claims_of_one_node_share_a_mover(self):
        names = ["one", "two", "three"]
        for name in names:
            self.claim(name)
        self.pod_of({name: (f"/{name}", name) for name in names}, name="many")
        for name in names:
            (self.volume_directory(name) / "file").write_text(name)
        result = self.backup("create", "-n", self.namespace, "--log", "volume=info")
        self.assertEqual(1, result.err.count("made pod "), result.err)
        for name in names:
            self.assertEqual(name, self.content("file", name))
        self.assertEqual([], self.our_leftovers())

    def take_away(self, action):
        """The mover goes in the middle of its work: another one does the rest, and nothing is missing. How many pods
        were made for that."""
        self.grow(160)
        self.backup("init")
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "10MiB", "--log", "volume=info")
        mover = self.wait_for_mover(process)
        self.wait_for(lambda: self.stored_bytes() > 8 * MIB, what="some of the volume")
        action(mover.partition("/")[2])
        said = self.finish(process)
        self.assertIn(f"reading volume {self.namespace}/data again", said)
        volume = self.assert_status("Complete", "second")["ledger"]["volumes"][0]
        self.assertEqual("Protected", volume["outcome"], volume)
        self.assert_same_file("large", point="second")
        self.wait_for_nothing_left()
        return said.count("made pod ")

    def test_mover_process_killed(self):
        """As when memory is short: its pod is well, and the volume is read again through that."""
        def kill(pod):
            movers = self.movers_inside(pod)
            self.assertEqual(1, len(movers), movers)
            os.kill(movers[0], signal.SIGKILL)
        self.assertEqual(1, self.take_away(kill))

    def test_mover_evicted(self):
        """As by kubectl drain: through the API that asks disruption budgets."""
        version = "policy/v1beta1" if support.KUBERNETES == "v1.20" else "policy/v1"

        def evict(name):
            self.kubectl("create", "--raw", f"/api/v1/namespaces/{self.namespace}/pods/{name}/eviction", "-f", "-",
                         stdin=json.dumps({"apiVersion": version, "kind": "Eviction",
                                           "metadata": {"name": name, "namespace": self.namespace}}))
        self.assertEqual(2, self.take_away(evict))

    def test_mover_deleted_by_force(self):
        self.take_away(lambda name: self.kubectl("-n", self.namespace, "delete", "pod", name, "--grace-period=0", "--force"))

    def test_mover_evicted_by_its_kubelet(self):
        """Over the storage that a LimitRange of the namespace allows: the kubelet ends the pod."""
        self.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [
            {"type": "Container", "default": {"ephemeral-storage": "8Mi"}, "defaultRequest": {"ephemeral-storage": "1Mi"}}]}},
                   namespace=self.namespace)
        self.grow(240)
        process = self.start("create", "second", "-n", self.namespace, "--limit-read", "4MiB")
        mover = self.wait_for_mover(process).partition("/")[2]
        # Its own disk, as this machine sees it: nothing in the pod itself has a shell.
        uid = self.get("-n", self.namespace, "get", "pod", mover)["metadata"]["uid"]
        scratch = self.node_root() / f"var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/scratch"
        support.write_random(scratch / "filler", 30)

        def is_evicted():
            self.assertIsNone(process.poll(), "the volume was read before the kubelet took notice")
            return "Evicted" in self.kubectl("-n", self.namespace, "get", "pod", mover, "-o", "jsonpath={.status.reason}",
                                             check=False).out or f"pod/{mover}" not in self.our_movers()
        self.wait_for(is_evicted, seconds=100, what="the kubelet to evict the mover")
        # The kubelet sends its events when it comes to it.
        self.wait_for(lambda: "Evicted" in self.kubectl("-n", self.namespace, "get", "events", "--field-selector",
                                                        f"involvedObject.name={mover}").out, what="its event")
        self.finish(process)
        self.assertEqual("Protected", self.volume(point="second")["outcome"])
        self.assert_same_file("large", point="second")
        self.wait_for_nothing_left()

    def test_files_that_change_while_they_are_read(self):
        """They are in the point as no moment saw them: it says which, and the next run reads them again."""
        names = ["appended", "overwritten"]
        for name in (*names, "still"):
            self.grow(20, name)
        folder = self.volume_directory()
        process = self.start("create", "changing", "-n", self.namespace, "--limit-read", "5MiB")
        self.wait_for_mover(process)
        while process.poll() is None:
            with open(folder / "appended", "ab") as file:
                file.write(b"more")
            with open(folder / "overwritten", "r+b") as file:
                file.write(os.urandom(100))
            time.sleep(0.2)
        self.finish(process)
        volume = self.assert_status("Warnings", "changing")["ledger"]["volumes"][0]
        self.assertEqual(("Protected", 2, names), (volume["outcome"], volume["filesChanged"], sorted(volume["changed"])))
        shown = self.backup("describe", "changing").out
        for name in names:
            self.assertRegex(shown, rf"(?m)^.*\b{name}\b.*$", "what changed is named")
        self.assert_same_file("still", point="changing")
        self.backup("create", "quiet", "-n", self.namespace)
        self.assert_status("Complete", "quiet")
        self.assertEqual(1, self.volume(point="quiet")["filesUnchanged"])
        for name in names:
            self.assert_same_file(name, point="quiet")
        self.backup("verify", "--read-data")

    def test_exec_cut_at_random_bytes(self):
        self.backup("init")
        proxy = self.proxy()
        places = [(place, "down") for place in [0, 1, 8, 24, 100] + [random.randrange(7 * MIB) for _ in range(4)]]
        places += [(place, "up") for place in (0, 1, random.randrange(2, 500))]
        for number, (place, direction) in enumerate(places):
            with self.subTest(place=place, direction=direction):
                self.grow(8)
                proxy.clear()
                proxy.cut_exec(place, direction=direction)
                name = f"cut-{number}"
                result = self.backup("create", name, "-n", self.namespace, environment=proxy.environment)
                self.assertEqual(number + 1, proxy.count(fault="cut_exec"))
                self.assertIn(" again: ", result.err)
                self.assert_same_file("large", point=name)
        self.grow(8)
        proxy.clear()
        proxy.cut_exec(1000, times=None)
        self.backup("create", "broken", "-n", self.namespace, environment=proxy.environment, code=3)
        volume = self.volume(point="broken")
        self.assertEqual("Failed", volume["outcome"])
        self.assertIn(volume["reason"], ("StreamBroken", "MoverFailed"), volume)
        self.assertIn(f"volume {self.namespace}/data: ", self.backup("describe", "broken").out)
        # Once the line is well again, so is the next point.
        self.backup("create", "whole", "-n", self.namespace)
        self.assert_same_file("large", point="whole")
        self.backup("verify", "--read-data")

    def test_killed_run_is_resumed(self):
        self.grow(160)
        process = self.start("create", "first", "-n", self.namespace, "--limit-upload", "12MiB")
        self.wait_for(lambda: self.packs() > 70 * MIB, what="some packs")
        self.kill(process)
        stored = self.packs()
        self.backup("cleanup", "-n", self.namespace)
        self.wait_for_nothing_left()
        self.backup("create", "second", "-n", self.namespace)
        # Only the pack that was being filled, and what was on its way, is sent again.
        self.assertLess(self.volume(point="second")["bytesSent"], 160 * MIB - stored + 8 * MIB)
        self.assert_same_file("large", point="second")
        self.backup("verify", "--read-data")

    def test_interrupted_run_is_resumed(self):
        self.grow(160)
        process = self.start("create", "first", "-n", self.namespace, "--limit-upload", "12MiB")
        self.wait_for(lambda: self.packs() > 60 * MIB, what="some packs")
        process.send_signal(2)
        self.finish(process, code=130, timeout=60)
        self.assertEqual([], self.our_leftovers())
        stored = self.packs()
        self.backup("create", "second", "-n", self.namespace)
        self.assertLess(self.volume(point="second")["bytesSent"], 160 * MIB - stored + 4 * MIB)
        self.assert_same_file("large", point="second")

    def test_limit_range_that_has_room_for_less(self):
        """Smaller limits than a mover's own are asked for, and nearer to what it requests."""
        self.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": [
            {"type": "Container", "max": {"cpu": "1", "memory": "512Mi"}, "min": {"cpu": "100m"},
             "maxLimitRequestRatio": {"cpu": "4"}}]}}, namespace=self.namespace)
        self.backup("create", "-n", self.namespace)
        self.assertEqual("Protected", self.volume()["outcome"], self.volume())
        self.assertEqual([], self.our_leftovers())

    def test_quota_is_named(self):
        self.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
                    "spec": {"hard": {"pods": "1"}}}, namespace=self.namespace)
        self.wait_for(lambda: "pods" in self.get("-n", self.namespace, "get", "resourcequota", "small")
                      .get("status", {}).get("used", {}), what="the quota")
        self.backup("create", "-n", self.namespace, code=3)
        volume = self.volume()
        self.assertEqual("QuotaExceeded", volume["reason"], volume)
        self.assertIn("small", volume["message"])
        self.assertEqual([], self.our_leftovers())


class Samples:
    """How a number of bytes grew while a program ran."""

    def __init__(self, process, measure):
        self.points = []
        while process.poll() is None:
            # Between two times: a machine with other work may take its time over a look.
            before, size = time.monotonic(), measure()
            self.points.append((before, time.monotonic(), size))
            time.sleep(0.05)
        base = self.points[0][2]
        # A repository writes some words about a run before there is anything to store.
        start = next((at for at, (*_, size) in enumerate(self.points) if size > base + LITTLE), 0)
        # From the last moment at which next to nothing had moved yet: the first second counts, too.
        self.points = self.points[max(0, start - 1):]

    def rate(self, seconds):
        """Of the first that many seconds."""
        begin, _, low = self.points[0]
        _, end, high = next((point for point in self.points if point[0] >= begin + seconds), self.points[-1])
        return (high - low) / (end - begin), end - begin

    def seconds_for(self, part):
        """From the first to that part of all that came: what is written when all is read does not count."""
        begin, _, low = self.points[0]
        goal = low + part * (self.points[-1][2] - low)
        return next(end for _, end, size in self.points if size >= goal) - begin

    def most_in(self, seconds):
        best, last = 0, 0
        for begin, _, low in self.points:
            while last + 1 < len(self.points) and self.points[last + 1][1] - begin <= seconds:
                last += 1
            best = max(best, self.points[last][2] - low)
        return best


@support.alone
class Rates(MoverCase):
    """Of several volumes together, from the first second on."""

    def check(self, name, measured, rate, piece):
        """Never more than that; and as much, in one of eight runs on a machine that may have other work. One that
        does not give that much without a limit, or hardly, shows nothing of the second."""
        grown = 0
        for _ in range(8):
            samples = self.measure(measured, f"--{name}", f"{rate // MIB}MiB")
            grown, seconds = samples.rate(10)
            burst = samples.most_in(1)
            print(f"figure: {name}: {grown / MIB:.2f} MiB/s over {seconds:.1f} s, wanted {rate / MIB:.0f}; "
                  f"at most {burst / MIB:.2f} MiB in a second")
            self.assertGreater(seconds, 9.5)
            self.assertLess(grown, rate * 1.05)
            self.assertLess(burst, rate * 1.05 + piece)
            if grown > rate * 0.95:
                return
            for claim in ("one", "two"):
                self.grow(self.megabytes, claim=claim)
        free, seconds = self.measure(measured).rate(10)
        print(f"figure: {name}: {free / MIB:.2f} MiB/s over {seconds:.1f} s without it")
        self.assertLess(free, rate * 1.5, f"{grown / MIB:.2f} MiB/s with it")

    def read_bytes(self):
        """What the movers of this test have read with read(2): they are processes of this machine."""
        for process in support.mover_processes([item["metadata"]["uid"] for item in self.movers]):
            with contextlib.suppress(OSError):
                if process not in self.read:
                    self.read[process] = [self.counter(process)] * 2
        for process, counters in self.read.items():
            with contextlib.suppress(OSError):
                counters[1] = self.counter(process)
        return sum(now - first for first, now in self.read.values())

    @staticmethod
    def counter(process):
        return int(re.search(r"rchar: (\d+)", pathlib.Path(f"/proc/{process}/io").read_text())[1])

    def measure(self, measured, *words):
        self.read = {}
        process = self.start("create", "-n", self.namespace, *words)
        if measured == self.read_bytes:
            self.wait_for_mover(process)
            self.movers = self.get("-n", self.namespace, "get", "pods", "-l", support.MANAGED_BY)["items"]
            self.assertEqual(1, len(self.movers), "one for both volumes")
        samples = Samples(process, measured)
        self.finish(process)
        return samples

    def test_limit_upload(self):
        self.megabytes = 60
        self.start_with_two_volumes(self.megabytes)
        self.backup("init")
        # A pack is written in pieces of 1 MiB at most.
        self.check("limit-upload", self.stored_bytes, 8 * MIB, 1.2 * MIB)
        for claim in ("one", "two"):
            self.assert_same_file("large", claim)

    def test_limit_read(self):
        self.megabytes = 110
        self.start_with_two_volumes(self.megabytes)
        self.backup("init")
        self.check("limit-read", self.read_bytes, 10 * MIB, 1.2 * MIB)
        for claim in ("one", "two"):
            self.assertEqual(self.megabytes * MIB, self.volume(claim)["bytesRead"])

    def check_distance(self, unit, measure_with):
        """50 ms more for each round trip: at least 70 % of the rate, of medians of runs that take turns; three of each,
        or more on a machine that has other work."""
        self.backup("init")
        rates = {0: [], 0.05: []}
        proxy = self.proxy()
        for _ in range(9):
            for latency, all_rates in rates.items():
                proxy.latency = latency
                all_rates.append(measure_with(proxy.environment))
            near, far = (statistics.median(all_rates) for all_rates in rates.values())
            if len(rates[0]) >= 3 and far > 0.7 * near:
                break
        print(f"figure: {unit} by latency:",
              {latency: [round(rate, 1) for rate in all] for latency, all in rates.items()})
        self.assertGreater(far, 0.7 * near)

    def test_distance_costs_little(self):
        self.claim(size="2Gi")
        self.pod()

        def measure_with(environment):
            self.grow(256)
            self.backup("create", "-n", self.namespace, environment=environment)
            volume = self.volume()
            return volume["bytesSent"] / volume["durationMs"] / 1000
        self.check_distance("MB/s", measure_with)

    def test_distance_costs_little_with_small_files(self):
        """So many, in two volumes, that a question for each, or for each few of them, would be seen."""
        files = 10_000
        folders = {name: self.folder_in_memory(name) for name in ("one", "two")}
        for name in folders:
            self.pod("app-" + name, claim=name)

        def measure_with(environment):
            for folder in folders.values():
                self.fill_with_small_files(folder, files)
            process = self.start("create", "-n", self.namespace, environment=environment)
            samples = Samples(process, self.stored_bytes)
            self.finish(process)
            for claim in folders:
                volume = self.volume(claim)
                self.assertEqual(("Protected", files, 0),
                                 (volume["outcome"], volume["files"], volume["filesUnchanged"]), volume)
            return 0.95 * 2 * files / samples.seconds_for(0.95)
        self.check_distance("files/s", measure_with)

    def folder_in_memory(self, claim):
        """A claim's folder, as this machine sees it: a disk with other work may take minutes for so many files."""
        folder = self.host_path_claim(claim)
        self.in_node("mount", "-t", "tmpfs", "-o", "size=200m", "none", folder)
        self.addCleanup(self.in_node, "umount", "-l", folder)
        return self.node_root() / str(folder).lstrip("/")

    @staticmethod
    def fill_with_small_files(folder, files):
        """With content that is new to any repository: 4 KB, some more, some less."""
        sizes = random.Random(files)
        for number in range(files):
            path = folder / f"folder-{number % 100}" / f"file-{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(os.urandom(sizes.randrange(500, 8000)))


if __name__ == "__main__":
    support.run()
