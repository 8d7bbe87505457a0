"""What the end-to-end tests share: a real cluster, the built programs, a repository of their own.

Run by ctest with the environment TEST_BIN (folder of the programs) and TEST_KUBERNETES (v1.36 or
v1.20); with TEST_CLUSTER on the cluster of that name (tests/cluster --name). A test that needs a
cluster which this machine cannot have is skipped, never passed.

Most of a test is waiting for pods, so that TEST_AT_ONCE (3) tests of a file run beside each other,
each in a process and a namespace of its own: `long` ones first, those that are to be `alone` last.
"""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
import unittest

from fault_proxy import FaultProxy

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("TEST_BIN", TOP / "build" / "dev" / "bin"))
KUBERNETES = os.environ.get("TEST_KUBERNETES", "v1.36")
IMAGE = "kubectl-backup-tests/shop:1"
NO_SHELL_IMAGE = "kubectl-backup-tests/noshell:1"
SKIPPED = 77
MANAGED_BY = "app.kubernetes.io/managed-by=kubectl-backup"
ENVIRONMENT = "TEST_CLUSTER_ENVIRONMENT"


def alone(test):
    """Marks a test or a class: it changes the whole cluster or measures time, so nothing runs beside it."""
    test.runs_alone = True
    return test


def long(test):
    """Marks a test that waits for minutes: it is started first."""
    test.is_long = True
    return test


def random_word(length=5):
    return "".join(random.choices(string.ascii_lowercase, k=length))


def cluster_command(*words):
    """tests/cluster for the cluster that the tests run on."""
    name = os.environ.get("TEST_CLUSTER")
    return [str(TOP / "tests" / "cluster"), "--kubernetes", KUBERNETES, *(["--name", name] if name else []), *words]


def cluster_environment():
    """KUBECONFIG and PATH of the running cluster, or None."""
    if ENVIRONMENT in os.environ:
        return json.loads(os.environ[ENVIRONMENT])
    cluster = cluster_command()
    if subprocess.run([*cluster, "status"], capture_output=True).returncode != 0:
        return None
    script = subprocess.run([*cluster, "env"], capture_output=True, text=True, check=True).stdout
    shown = subprocess.run(["bash", "-c", script + "\nenv -0"], capture_output=True, text=True, check=True).stdout
    pairs = dict(line.split("=", 1) for line in shown.split("\0") if "=" in line)
    return {"KUBECONFIG": pairs["KUBECONFIG"], "PATH": pairs["PATH"]}


class Result:
    def __init__(self, completed):
        self.code, self.out, self.err = completed.returncode, completed.stdout, completed.stderr

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.out[-3000:]}\nstderr: {self.err[-3000:]}"


class Case(unittest.TestCase):
    """A temporary home with a repository; `backup` runs the program under test in it."""

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="kubectl-backup-e2e-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.environment = {
            **os.environ,
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_STATE_HOME": str(self.home / "state"),
        }
        for name in ("KUBECONFIG", "KUBECTL_BACKUP_REPO", "KUBECTL_BACKUP_PASSPHRASE", "KUBECTL_BACKUP_LOG",
                     "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            self.environment.pop(name, None)
        self.repository = self.home / "data" / "kubectl-backup" / "repository"

    def command(self, *words):
        return [str(BIN / "kubectl-backup"), *map(str, words)]

    def backup(self, *words, code=0, environment=None, stdin=None, timeout=300):
        """Runs the program; fails the test on any other exit code (None: any will do)."""
        result = Result(subprocess.run(self.command(*words), capture_output=True, text=True, timeout=timeout,
                                       input=stdin if stdin is not None else "",
                                       env={**self.environment, **(environment or {})}))
        if code is not None:
            self.assertEqual(code, result.code, f"{' '.join(map(str, words))}\n{result}")
        self.assertNotIn("terminate called", result.err)
        return result

    def start(self, *words, environment=None):
        """Runs the program in the background, killed with the test when it is still there. It can be interrupted,
        also when the tests themselves cannot: a shell's background commands ignore that."""
        process = subprocess.Popen(self.command(*words), env={**self.environment, **(environment or {})}, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def wait_for(self, condition, seconds=240, what="a condition"):
        """What: its name, or a function that says how things are when the time is over."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= end:
                self.fail(f"waited {seconds} s for {what() if callable(what) else what}")
            time.sleep(0.25)

    def finish(self, process, code=0, timeout=300):
        """Waits for what start() started; its output."""
        out, err = process.communicate(timeout=timeout)
        self.assertEqual(code, process.returncode, f"{out[-3000:]}\n{err[-3000:]}")
        self.assertNotIn("terminate called", err)
        return out + err

    def kill(self, process):
        """As the kernel does it when memory is short."""
        process.kill()
        process.wait()

    def mount(self, *options):
        directory = self.home / ("mnt-" + random_word())
        directory.mkdir()
        self.backup("mount", directory, *options)
        self.addCleanup(subprocess.run, ["umount", "-l", str(directory)], capture_output=True)
        return directory

    def assert_error(self, result, code, *texts):
        """One clear error with a hint, its own exit code, no stack trace."""
        self.assertEqual(code, result.code, str(result))
        errors = [line for line in result.err.splitlines() if line.startswith("error:")]
        self.assertEqual(1, len(errors), result.err)
        self.assertRegex(result.err, r"(?m)^hint: ", str(result))
        for text in texts:
            self.assertIn(text.lower(), result.err.lower())


class ClusterCase(Case):
    """A namespace of its own on the real cluster."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster_environment()
        if cls.cluster is None:
            print(f"skipped: no {KUBERNETES} cluster (tests/cluster up --kubernetes {KUBERNETES})")
            sys.exit(SKIPPED)

    def setUp(self):
        super().setUp()
        self.environment.update(self.cluster)
        self.namespaces = []
        self.namespace = self.make_namespace()

    def make_namespace(self, labels=None, prefix="e2e"):
        name = f"{prefix}-{random_word(8)}"
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        self.namespaces.append(name)
        self.addCleanup(self.kubectl, "delete", "namespace", name, "--wait=false", check=False)
        # Old clusters give it a Secret a moment later.
        wanted = "secrets" if KUBERNETES == "v1.20" else "metadata"
        self.wait_for(lambda: self.kubectl("-n", name, "get", "serviceaccount", "default", "-o",
                                           f"jsonpath={{.{wanted}}}", check=False).out, what="the service account")
        return name

    def wait_for_rights(self):
        """Until the API server, which follows roles and bindings by watching, acts by those of just now: it has them
        when it has some that were made later."""
        marker = "marker-" + random_word(8)
        api = "rbac.authorization.k8s.io"
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [marker], "verbs": ["get"]}]
        made = []
        for prefix, place in (("", {"namespace": "default"}), ("Cluster", {})):
            head = {"apiVersion": api + "/v1", "metadata": {"name": marker, **place}}
            made += [{**head, "kind": prefix + "Role", "rules": rules},
                     {**head, "kind": prefix + "RoleBinding",
                      "subjects": [{"apiGroup": api, "kind": "User", "name": marker + prefix}],
                      "roleRef": {"apiGroup": api, "kind": prefix + "Role", "name": marker}}]
        self.apply(*made)
        for prefix in ("", "Cluster"):
            asked = {"verb": "get", "resource": "configmaps", "name": marker, "namespace": "default"}
            review = json.dumps({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                                 "spec": {"user": marker + prefix, "resourceAttributes": asked}})
            self.wait_for(lambda text=review: self.kubectl("create", "-f", "-", "-o", "jsonpath={.status.allowed}",
                                                           stdin=text).out == "true", what="the rights")
        self.kubectl("delete", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))

    def kubectl(self, *words, check=True, stdin=None, text=True):
        result = Result(subprocess.run(["kubectl", *map(str, words)], capture_output=True, text=text, input=stdin,
                                       timeout=300, env=self.environment))
        if check:
            self.assertEqual(0, result.code, f"kubectl {' '.join(map(str, words))}\n{result}")
        return result

    def apply(self, *objects, namespace=None):
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        where = ["-n", namespace] if namespace else []
        return self.kubectl(*where, "apply", "-f", "-", stdin=document)

    def proxy(self):
        """A way to the API server that misbehaves as it is told, until the test ends."""
        proxy = FaultProxy(self.environment)
        proxy.__enter__()
        self.addCleanup(proxy.__exit__, None, None, None)
        return proxy

    def get(self, *words):
        return json.loads(self.kubectl(*words, "-o", "json").out)

    def claim(self, name="data", storage_class="standard", size="64Mi", namespace=None, access="ReadWriteOnce",
              mode="Filesystem", annotations=None):
        self.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "metadata": {"name": name, "annotations": annotations or {}},
                    "spec": {"accessModes": [access], "storageClassName": storage_class, "volumeMode": mode,
                             "resources": {"requests": {"storage": size}}}}, namespace=namespace or self.namespace)

    def host_path_claim(self, name, access=("ReadWriteOnce",), source=None, mode="Filesystem"):
        """A claim of a volume made by hand: a folder of whichever node it is used on (or another source)."""
        folder = self.state() / "host-paths" / f"{self.namespace}-{name}"
        folder.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        volume = f"{self.namespace}-{name}"
        self.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": list(access), "storageClassName": "", "volumeMode": mode,
            "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": self.namespace, "name": name},
            **(source or {"hostPath": {"path": str(folder)}})}})
        self.addCleanup(self.kubectl, "delete", "pv", volume, "--wait=false", check=False)
        self.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {
            "accessModes": list(access), "storageClassName": "", "volumeMode": mode, "volumeName": volume,
            "resources": {"requests": {"storage": "1Gi"}}}}, namespace=self.namespace)
        self.wait_for(lambda: self.get("-n", self.namespace, "get", "pvc", name)["status"]["phase"] == "Bound",
                      what=f"claim {name} to be bound")
        return folder

    def state(self):
        """The folder of the cluster, the same on this machine and its nodes."""
        return pathlib.Path(self.cluster["KUBECONFIG"]).parent

    def node_root(self):
        """The file system as the (first) node sees it, with what is mounted there: that of its process 1."""
        init = (self.state() / "processes" / "init").read_text().split()[0]
        return pathlib.Path(f"/proc/{init}/root")

    def in_node(self, *words):
        subprocess.run(cluster_command("in-node", *map(str, words)), check=True, capture_output=True, timeout=60)

    def pod(self, name="app", claim="data", image=IMAGE, command=("sleep", "1000000000"), namespace=None,
            security=None, container_security=None):
        namespace = namespace or self.namespace
        container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent"}
        if command:
            container["command"] = list(command)
        if container_security:
            container["securityContext"] = container_security
        spec = {"terminationGracePeriodSeconds": 0, "containers": [container]}
        if security:
            spec["securityContext"] = security
        if claim:
            container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
            spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}, namespace=namespace)
        self.wait_running(name, namespace)

    def pod_of(self, volumes, name="app", annotations=None, container=None, **spec):
        """A pod that sleeps, with volumes: name -> (where it is mounted, its source, or its claim's name)."""
        sources = [{"name": volume, **({"persistentVolumeClaim": {"claimName": source}} if isinstance(source, str) else source)}
                   for volume, (_, source) in volumes.items()]
        mounts = [{"name": volume, "mountPath": path} for volume, (path, _) in volumes.items()]
        self.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations or {}},
                    "spec": {"terminationGracePeriodSeconds": 0, "volumes": sources, **spec, "containers": [
                        {"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                         "command": ["sleep", "1000000000"], "volumeMounts": mounts, **(container or {})}]}},
                   namespace=self.namespace)
        self.wait_running(name)

    def run_in(self, *command, pod="app", check=True):
        return self.kubectl("-n", self.namespace, "exec", pod, "--", *command, check=check)

    def wait_running(self, pod, namespace=None):
        namespace = namespace or self.namespace
        self.wait_for(lambda: self.kubectl("-n", namespace, "get", "pod", pod, "-o", "jsonpath={.status.phase}",
                                           check=False).out == "Running", what=f"pod {pod} to run")

    def volume_directory(self, claim="data", namespace=None):
        """The directory behind a claim, of a block volume the image: the test's node is this machine."""
        namespace = namespace or self.namespace
        self.wait_for(lambda: "volumeName" in self.get("-n", namespace, "get", "pvc", claim)["spec"],
                      what=f"claim {claim} to be bound")
        volume = self.get("-n", namespace, "get", "pvc", claim)["spec"]["volumeName"]
        spec = self.get("get", "pv", volume)["spec"]
        if "csi" in spec:
            folder = self.node_root() / str(self.state() / "csi" / "volumes" / spec["csi"]["volumeHandle"]).lstrip("/")
            return folder / ("image" if spec["volumeMode"] == "Block" else "mount")
        source = spec.get("hostPath") or spec["local"]
        return pathlib.Path(source["path"])

    def add_node(self):
        """A second node, node-2, until the test ends or cut_node: without CSI storage."""
        self.addCleanup(self.kubectl, "delete", "node", "node-2", check=False)
        self.addCleanup(self.cut_node, check=False)
        subprocess.run(cluster_command("add-node"), check=True, capture_output=True, timeout=300)

    def cut_node(self, check=True):
        """The second node is gone at once, as when its power fails."""
        subprocess.run(cluster_command("cut-node"), check=check, capture_output=True, timeout=60)

    def our_objects(self):
        """What is ours in the namespaces of this test (others may be at work in the cluster), and what
        controllers made for it outside of them: those have no label of ours, but name whom they serve."""
        kinds, wide = "pods,configmaps,persistentvolumeclaims", "persistentvolumes"
        if self.has_snapshots():
            kinds += ",volumesnapshots.snapshot.storage.k8s.io"
            wide += ",volumesnapshotcontents.snapshot.storage.k8s.io"
        found = [item for item in self.get("get", kinds, "-A", "-l", MANAGED_BY)["items"]
                 if item["metadata"]["namespace"] in self.namespaces]
        for item in self.get("get", wide)["items"]:
            served = item["spec"].get("claimRef") or item["spec"].get("volumeSnapshotRef") or {}
            if served.get("namespace") in self.namespaces and served.get("name", "").startswith("kubectl-backup-"):
                found.append(item)
        return found

    def our_leftovers(self):
        return [f"{item['kind'].lower()}/{item['metadata']['name']}" for item in self.our_objects()]

    def our_movers(self, field_selector="status.phase=Running", namespace=None):
        """The names of the mover pods that run, as "pod/NAME"."""
        return self.kubectl("-n", namespace or self.namespace, "get", "pods", "-l", MANAGED_BY,
                            "--field-selector=" + field_selector, "-o", "name").out.split()

    def wait_for_mover(self, process=None):
        """Until a mover pod of ours runs; its name."""
        found = []

        def is_there():
            if process is not None and process.poll() is not None:
                self.fail("the program has ended: " + process.stderr.read())
            found[:] = self.our_movers()
            return found
        self.wait_for(is_there, what="the mover")
        return found[0]

    def movers_inside(self, pod="app"):
        return mover_processes([self.get("-n", self.namespace, "get", "pod", pod)["metadata"]["uid"]])

    def wait_for_nothing_left(self, seconds=120):
        self.wait_for(lambda: not self.our_leftovers(), seconds=seconds,
                      what=lambda: f"an end of what is ours: {json.dumps(self.our_objects(), indent=1)}")

    def volume(self, claim="data", point="latest"):
        """The ledger's record of a claim of the test's namespace."""
        return next(volume for volume in self.ledger(point)["volumes"]
                    if (volume["namespace"], volume["claim"]) == (self.namespace, claim))

    def assert_protected(self, method, claim="data", point="latest"):
        volume = self.volume(claim, point)
        self.assertEqual("Protected", volume["outcome"], volume)
        self.assertEqual(method, volume["method"], volume)
        return volume

    def content(self, path, claim="data", point="latest"):
        return self.backup("cat", f"{point}:{self.namespace}/{claim}/{path}").out

    def assert_same_file(self, path, claim="data", point="latest"):
        """A file of a volume, as it is and as the point has it."""
        copy = self.home / ("copy-" + random_word())
        self.backup("cp", f"{point}:{self.namespace}/{claim}/{path}", copy)
        subprocess.run(["cmp", copy, self.volume_directory(claim) / path], check=True)
        copy.unlink()

    def has_snapshots(self):
        """Whether the cluster has the storage classes csi and csi-immediate; see tests/cluster.d/csi-classes.yaml."""
        if not hasattr(type(self), "snapshots_are_there"):
            type(self).snapshots_are_there = self.kubectl("get", "storageclass", "csi", check=False).code == 0
        return type(self).snapshots_are_there

    def assert_status(self, status, point="latest"):
        """The status of a point; the record of the point."""
        point = self.backup("describe", point, "-o", "json").json()
        ledger = dict(point["ledger"])
        ledger["lists"] = [entry for entry in ledger["lists"] if entry["outcome"] == "Failed"]
        self.assertEqual(status, point["status"], json.dumps(ledger, indent=1)[:5000])
        return point

    def ledger(self, point="latest"):
        return self.backup("describe", point, "-o", "json").json()["ledger"]


def mover_processes(uids):
    """The process ids of movers in the pods with these uids. A mover is in memory only (what the loader was before it
    became one is not), or its file is gone as soon as it runs; and this machine sees it."""
    found = []
    for directory in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if directory.name.isdigit() and re.search("memfd:|kubectl-backup-mover", os.readlink(directory / "exe")) and \
                    any(uid in (directory / "cgroup").read_text() for uid in uids):
                found.append(int(directory.name))
    return found


def fill_directory(directory, files=200, seed=1):
    """Files with everything a backup must keep: modes, owners, times, xattrs, links, holes, odd names."""
    source = random.Random(seed)
    directory = pathlib.Path(directory)
    for number in range(files):
        folder = directory / f"folder-{number % 7}" / f"deep-{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"file-{number}.bin"
        path.write_bytes(source.randbytes(source.choice([0, 1, 100, 511, 513, 4096, 70000])))
        path.chmod(source.choice([0o600, 0o640, 0o644, 0o755, 0o4755]))
        os.chown(path, source.choice([0, 1000, 12345]), source.choice([0, 1000, 54321]))
        stamp = source.randrange(10**18, 17 * 10**17)
        os.utime(path, ns=(stamp, stamp))
    (directory / "big.db").write_bytes(source.randbytes(3 << 20) + bytes(1 << 20) + b"tail" * 200000)
    (directory / "empty").mkdir()
    (directory / "odd name \u00fc \n *").write_bytes(b"odd")
    os.write(os.open(os.fsencode(directory) + b"/not-utf8-\xff\xfe", os.O_CREAT | os.O_WRONLY), b"bytes")
    os.symlink("folder-0/deep-0/file-0.bin", directory / "link")
    os.symlink("/etc/passwd", directory / "absolute-link")
    os.link(directory / "big.db", directory / "hard-link")
    os.mkfifo(directory / "fifo", 0o620)
    os.mknod(directory / "null", 0o600 | 0o020000, os.makedev(1, 3))
    os.setxattr(directory / "big.db", "user.origin", b"\x00binary\xff")
    with open(directory / "sparse", "wb") as sparse:
        sparse.truncate(50 << 20)
        sparse.seek(20 << 20)
        sparse.write(b"middle")
    subprocess.run(["setfacl", "-m", "u:1000:rw", directory / "sparse"], check=False)
    (directory / "unreadable-for-others").write_bytes(b"secret")
    (directory / "unreadable-for-others").chmod(0)


def describe_tree(root):
    """Everything that must survive, as comparable data: path -> attributes and content."""
    import hashlib
    import stat

    root = os.fsencode(root)
    inodes, tree = {}, {}
    for folder, folders, files in os.walk(root):
        for name in sorted(folders + files) + ([b""] if folder == root else []):
            path = os.path.join(folder, name) if name else root
            relative = os.path.relpath(path, root)
            info = os.lstat(path)
            item = {"mode": info.st_mode, "owner": (info.st_uid, info.st_gid)}
            if name:
                item["mtime"] = info.st_mtime_ns
            if stat.S_ISREG(info.st_mode):
                item["size"] = info.st_size
                with open(path, "rb") as content:
                    item["sha256"] = hashlib.file_digest(content, "sha256").hexdigest() if hasattr(hashlib, "file_digest") \
                        else hashlib.sha256(content.read()).hexdigest()
                item["links"] = info.st_nlink
                if info.st_nlink > 1:
                    item["first name"] = inodes.setdefault(info.st_ino, relative)
            elif stat.S_ISLNK(info.st_mode):
                item["target"] = os.readlink(path)
            elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
                item["device"] = info.st_rdev
            if not stat.S_ISLNK(info.st_mode):
                item["xattrs"] = {name: os.getxattr(path, name) for name in sorted(os.listxattr(path))}
            tree[relative] = item
    return tree


def write_random(path, megabytes):
    """A file that is new to any repository."""
    with open(path, "wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))


def all_tests(suite):
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from all_tests(each)
        else:
            yield each


def has_mark(test, mark):
    return getattr(test, mark, False) or getattr(getattr(test, test._testMethodName), mark, False)


def run_one(test):
    """One test in a process of its own: its exit code."""
    name = test.id().removeprefix("__main__.")
    begin = time.monotonic()
    done = subprocess.run([sys.executable, sys.argv[0], name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, "TEST_AT_ONCE": "1"})
    verdict = "ok" if done.returncode == 0 else "skipped" if done.returncode == SKIPPED else "FAILED"
    said = re.findall(r"figure: .*|skipped[ :].*", done.stdout)
    shown = done.stdout if verdict == "FAILED" else "".join(f"    {line}\n" for line in said)
    print(f"{name}: {verdict} {time.monotonic() - begin:.0f} s\n{shown}", end="", flush=True)
    return done.returncode


def run_beside_each_other(tests, at_once):
    begin = time.monotonic()
    lonely = [test for test in tests if has_mark(test, "runs_alone")]
    others = sorted((test for test in tests if test not in lonely), key=lambda test: not has_mark(test, "is_long"))
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        codes = list(pool.map(run_one, others))
    codes += [run_one(test) for test in lonely]
    failed = sum(1 for code in codes if code not in (0, SKIPPED))
    print(f"Ran {len(codes)} tests in {time.monotonic() - begin:.0f} s: {failed} failed")
    return 1 if failed else SKIPPED if all(code == SKIPPED for code in codes) else 0


def run():
    names = sys.argv[1:]
    at_once = int(os.environ.get("TEST_AT_ONCE", "3"))
    if at_once > 1 and not any(name.startswith("-") for name in names):
        loader, module = unittest.defaultTestLoader, sys.modules["__main__"]
        tests = list(all_tests(loader.loadTestsFromNames(names, module) if names else
                               loader.loadTestsFromModule(module)))
        if len(tests) > 1 and all(isinstance(test, ClusterCase) for test in tests):
            environment = cluster_environment()
            if environment is None:
                print(f"skipped: no {KUBERNETES} cluster (tests/cluster up --kubernetes {KUBERNETES})")
                sys.exit(SKIPPED)
            os.environ[ENVIRONMENT] = json.dumps(environment)
            sys.exit(run_beside_each_other(tests, at_once))
    unittest.main(argv=[sys.argv[0], "-v", *names])
