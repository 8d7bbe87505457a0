#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts objects FROM..TO into the storage of a test cluster:

    etcd_fill.py FROM TO mixed|secrets|applications [GENERATION]

ConfigMaps and Secrets, only Secrets, or applications: what those are made of is in applications.py. With another
GENERATION than before, objects that are there already change. Run in the node (tests/cluster in-node), where etcd
answers. The API server shows them as if it had stored them: it reads JSON as well as protobuf. A hundred objects in one
transaction are many times faster than a request for each.
"""
import base64
import http.client
import itertools
import json
import pathlib
import random
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from parts import applications  # noqa: E402

NAMESPACES = 20
IN_ONE = 100


def text(number):
    """What applications keep in there: about half of it compresses."""
    numbers = random.Random(number)
    wanted, lines = 600 + number % 1200, ""
    while len(lines) < wanted:
        lines += f"setting.{len(lines)}={numbers.getrandbits(31)}\n"
    return lines


def metadata(name, namespace, number, generation):
    labels = {"app.kubernetes.io/name": "bench", "app.kubernetes.io/part-of": str(number % 97),
              "generation": generation}
    fields = {"f:metadata": {"f:labels": {".": {}, **{f"f:{label}": {} for label in labels}}},
              "f:data": {".": {}, "f:settings": {}}}
    return {"name": name, "namespace": namespace, "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}")),
            "creationTimestamp": "2026-11-20T10:00:00Z", "labels": labels,
            "managedFields": [{"manager": "bench", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                               "time": "2026-11-20T10:00:00Z", "fieldsV1": fields}]}


def plain_object(number, kind, generation):
    """Its key in the storage, and the object."""
    is_secret = kind == "secrets" or number % 5 >= 3
    name = f"{'secret' if is_secret else 'settings'}-{number}"
    namespace = f"bench-{number % NAMESPACES}"
    value = {"apiVersion": "v1", "kind": "Secret" if is_secret else "ConfigMap",
             "metadata": metadata(name, namespace, number, generation)}
    if is_secret:
        value.update(type="Opaque", data={"settings": base64.b64encode(text(number).encode()).decode()})
    else:
        value.update(data={"settings": text(number)})
    key = f"/registry/{'secrets' if is_secret else 'configmaps'}/{namespace}/{name}"
    return key, value


def objects(begin, end, kind, generation):
    for number in range(begin, end):
        if kind == "applications":
            yield from applications.objects_of(number, f"bench-{number % NAMESPACES}")
        else:
            yield plain_object(number, kind, generation)


def put(key, value):
    return {"requestPut": {"key": base64.b64encode(key.encode()).decode(),
                           "value": base64.b64encode(json.dumps(value).encode()).decode()}}


def main():
    begin, end, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    generation = sys.argv[4] if len(sys.argv) > 4 else "1"
    etcd = http.client.HTTPConnection("127.0.0.1", 2379, timeout=120)
    rest = objects(begin, end, kind, generation)
    while puts := [put(*one) for one in itertools.islice(rest, IN_ONE)]:
        etcd.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
        answer = etcd.getresponse()
        said = answer.read()
        if answer.status != 200:
            sys.exit(f"etcd: {answer.status} {said[:300].decode(errors='replace')}")


if __name__ == "__main__":
    main()
