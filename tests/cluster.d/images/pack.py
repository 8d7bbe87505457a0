#!/usr/bin/python3
"""pack.py ROOT NAME PROGRAM OUT: packs a folder as an image archive of one layer."""
import hashlib
import io
import json
import os
import platform
import sys
import tarfile

root, name, program, out = sys.argv[1:]


def plain(entry):
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    return entry


layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as archive:
    for child in sorted(os.listdir(root)):
        archive.add(os.path.join(root, child), child, filter=plain)
layer = layer.getvalue()

architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
config = json.dumps({
    "architecture": architecture,
    "os": "linux",
    "config": {"Cmd": [program], "Env": ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"], "WorkingDir": "/"},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    "history": [{"created_by": "kubectl-backup tests"}],
}).encode()
config_name = hashlib.sha256(config).hexdigest() + ".json"
manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()

with tarfile.open(out, "w") as archive:
    for file, content in (("layer.tar", layer), (config_name, config), ("manifest.json", manifest)):
        entry = tarfile.TarInfo(file)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
