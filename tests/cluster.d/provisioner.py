#!/usr/bin/python3
"""Makes a folder and a PersistentVolume for each claim that waits for one, and removes both again.

Two threads watch claims and volumes only to wake the main loop, which then looks at everything:
slow for a thousand claims, but there is no state to get wrong when the API server comes and goes.
"""
import http.client
import json
import os
import re
import shutil
import ssl
import sys
import threading
import time
import urllib.parse

server, authority, certificate, key, node, folder = sys.argv[1:]
PROVISIONER = "tests.kubectl-backup/local"
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"

tls = ssl.create_default_context(cafile=authority)
tls.load_cert_chain(certificate, key)
wake = threading.Event()


def request(method, path, body=None, timeout=30):
    """The open response; the caller reads it."""
    url = urllib.parse.urlsplit(server)
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=tls, timeout=timeout)
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status >= 400:
        raise OSError(f"{method} {path}: {response.status} {response.read().decode()}")
    return response


def items(path):
    return json.load(request("GET", path))["items"]


def watch(path):
    """Any change at all is a reason to look."""
    while True:
        try:
            for _ in request("GET", path + "?watch=true&timeoutSeconds=300", timeout=310):
                wake.set()
        except (OSError, http.client.HTTPException) as error:
            print(f"watch of {path} ended: {error}", flush=True)
            time.sleep(1)
        wake.set()


def wanted(claim, classes):
    """The class of a claim that is ours to serve now, else None."""
    spec = claim["spec"]
    chosen = classes.get(spec.get("storageClassName"))
    if chosen is None or claim["status"].get("phase") != "Pending" or spec.get("volumeName"):
        return None
    if claim["metadata"].get("deletionTimestamp") or spec.get("selector"):
        return None
    # No snapshots and no clones; like any provisioner that can not, leave the claim pending.
    if spec.get("dataSource") or spec.get("dataSourceRef"):
        return None
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        return None
    waits = chosen.get("volumeBindingMode") == "WaitForFirstConsumer"
    if waits and SELECTED_NODE not in claim["metadata"].get("annotations", {}):
        return None
    return chosen


def provision(claim, chosen):
    meta, spec = claim["metadata"], claim["spec"]
    name = "pvc-" + meta["uid"]
    path = os.path.join(folder, f"{name}_{meta['namespace']}_{meta['name']}")
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)  # pods that run as some user must be able to write
    kind = chosen.get("parameters", {}).get("type", "local")
    source = {"local": {"path": path}} if kind == "local" else {
        "hostPath": {"path": path, "type": "Directory"}}
    selected = meta.get("annotations", {}).get(SELECTED_NODE, node)
    host = {"key": "kubernetes.io/hostname", "operator": "In", "values": [selected]}
    request("POST", VOLUMES, {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": chosen.get("reclaimPolicy", "Delete"),
            "storageClassName": spec["storageClassName"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": meta["uid"],
                         "namespace": meta["namespace"], "name": meta["name"]},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [host]}]}},
            **source,
        },
    }).read()
    print(f"made {path}", flush=True)


def reclaim(volume):
    spec = volume["spec"]
    if (volume["metadata"].get("annotations", {}).get(PROVISIONED_BY) != PROVISIONER
            or volume["status"].get("phase") != "Released"
            or spec.get("persistentVolumeReclaimPolicy") != "Delete"):
        return
    path = (spec.get("local") or spec.get("hostPath"))["path"]
    # A volume that someone restored may name any path; only a folder made here is removed.
    if re.fullmatch(re.escape(folder) + r"/pvc-[0-9a-f-]+_[^/]+", path):
        shutil.rmtree(path, ignore_errors=True)
        print(f"removed {path}", flush=True)
    request("DELETE", f"{VOLUMES}/{volume['metadata']['name']}").read()


def look():
    classes = {c["metadata"]["name"]: c for c in items(CLASSES) if c["provisioner"] == PROVISIONER}
    volumes = items(VOLUMES)
    served = {v["spec"].get("claimRef", {}).get("uid") for v in volumes}
    work = [(reclaim, (volume,)) for volume in volumes]
    for claim in items(CLAIMS):
        chosen = wanted(claim, classes)
        if chosen and claim["metadata"]["uid"] not in served:
            work.append((provision, (claim, chosen)))
    for action, arguments in work:
        try:
            action(*arguments)
        except OSError as error:  # one bad claim must not keep the others waiting
            print(error, flush=True)


for watched in (CLAIMS, VOLUMES):
    threading.Thread(target=watch, args=(watched,), daemon=True).start()
while True:
    wake.wait(timeout=10)
    wake.clear()
    try:
        look()
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"will try again: {error}", flush=True)
        time.sleep(1)
        wake.set()
    time.sleep(0.1)
