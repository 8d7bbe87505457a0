# SPDX-License-Identifier: Apache-2.0
"""Applications as controllers leave them in a cluster: ten pods (4 to 5 KB each) of a ReplicaSet of a Deployment, with
the Service, service account, ConfigMap and Secret that they use; every tenth application has a claim too.

A tenth of them carries the label of SELECTED on everything; of another tenth the Deployment is annotated.
"""
import base64
import uuid

PODS = 10
SELECTED = "app.kubernetes.io/part-of=suite-3"
SELECTS_ALL = "app.kubernetes.io/managed-by=bench"
ANNOTATED_SUITE = 4
SUITES = 10
CREATED = "2026-11-20T10:00:00Z"


def count_objects(pods):
    """How many objects the applications with so many pods are made of."""
    applications = pods // PODS
    return pods + 6 * applications + (applications + 9) // 10


class Application:
    def __init__(self, number, namespace):
        self.name, self.namespace = f"service-{number:06}", namespace
        self.set_name = f"{self.name}-{digits(self.name)[:10]}"
        suite = number // SUITES % SUITES
        self.is_annotated = suite == ANNOTATED_SUITE
        self.has_claim = number % 10 == 0
        self.labels = {"app.kubernetes.io/name": self.name, "app.kubernetes.io/managed-by": "bench",
                       "app.kubernetes.io/part-of": f"suite-{suite}"}
        self.pod_labels = {**self.labels, "pod-template-hash": self.set_name[-10:]}

    def named(self, api_version, kind, **more):
        return {"apiVersion": api_version, "kind": kind, "metadata": self.metadata(self.name), **more}

    def metadata(self, name, labels=None, owner=None, fields="f:data"):
        labels = labels or self.labels
        metadata = {"name": name, "namespace": self.namespace, "uid": uid(f"{self.namespace}/{name}"), "labels": labels,
                    "creationTimestamp": CREATED,
                    "managedFields": [written_by("kube-controller-manager", {
                        "f:metadata": {"f:labels": {".": {}, **{f"f:{label}": {} for label in labels}}},
                        fields: {".": {}}})]}
        if owner:
            kind, owner_name = owner
            metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind, "name": owner_name,
                                            "uid": uid(f"{self.namespace}/{owner_name}"), "controller": True,
                                            "blockOwnerDeletion": True}]
        return metadata

    def pod_spec(self):
        volumes = [{"name": "settings", "configMap": {"name": self.name, "defaultMode": 420}},
                   {"name": "keys", "secret": {"secretName": self.name, "defaultMode": 420}}]
        if self.has_claim:
            volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": self.name}})
        containers = [self.container("server", 8080, volumes), self.container("metrics", 9090, volumes[:1])]
        return {"serviceAccountName": self.name, "serviceAccount": self.name, "restartPolicy": "Always",
                "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
                "securityContext": {"runAsNonRoot": True, "fsGroup": 1000}, "enableServiceLinks": True,
                "containers": containers, "volumes": volumes}

    def container(self, name, port, volumes):
        probe = {"httpGet": {"path": "/healthz", "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1,
                 "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
        return {"name": name, "image": f"registry.example.com/{self.name}/{name}:v1.4.2", "livenessProbe": probe,
                "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": port, "protocol": "TCP"}],
                "env": [{"name": "LOG_LEVEL", "value": "info"},
                        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": self.name, "key": "password"}}},
                        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": self.name, "key": "mode"}}}],
                "envFrom": [{"configMapRef": {"name": self.name}}],
                "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
                "readinessProbe": probe, "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "volumeMounts": [{"name": volume["name"], "mountPath": f"/etc/{volume['name']}"} for volume in volumes]}

    def template(self):
        return {"metadata": {"labels": self.labels}, "spec": self.pod_spec()}

    def deployment(self):
        deployment = self.named("apps/v1", "Deployment")
        if self.is_annotated:
            deployment["metadata"]["annotations"] = {"kubectl-backup/include": "true"}
        deployment["spec"] = {"replicas": PODS, "selector": {"matchLabels": self.labels}, "template": self.template()}
        return deployment

    def replica_set(self):
        template = self.template()
        template["metadata"] = {"labels": self.pod_labels}
        return {"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": self.metadata(self.set_name, self.pod_labels, ("Deployment", self.name)),
                "spec": {"replicas": PODS, "selector": {"matchLabels": self.pod_labels}, "template": template},
                "status": {"replicas": PODS, "readyReplicas": PODS, "availableReplicas": PODS}}

    def pod(self, ordinal):
        name = f"{self.set_name}-{digits(f'{self.set_name}/{ordinal}')[:5]}"
        spec = {**self.pod_spec(), "nodeName": f"worker-{ordinal}"}
        return name, {"apiVersion": "v1", "kind": "Pod",
                      "metadata": self.metadata(name, self.pod_labels, ("ReplicaSet", self.set_name), "f:spec"),
                      "spec": spec, "status": self.pod_status(name, spec)}

    @staticmethod
    def pod_status(name, spec):
        conditions = [{"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": CREATED}
                      for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")]
        statuses = [{"name": container["name"], "ready": True, "started": True, "restartCount": 0,
                     "image": container["image"], "imageID": f"{container['image']}@sha256:{digits(name) * 2}",
                     "containerID": f"containerd://{digits(container['name'] + name) * 2}",
                     "state": {"running": {"startedAt": CREATED}}} for container in spec["containers"]]
        return {"phase": "Running", "qosClass": "Burstable", "conditions": conditions, "containerStatuses": statuses,
                "hostIP": "10.1.0.7", "podIP": "10.2.3.4", "podIPs": [{"ip": "10.2.3.4"}], "startTime": CREATED}

    def service(self):
        return self.named("v1", "Service", spec={
            "clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP", "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "selector": self.labels, "sessionAffinity": "None",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]})

    def claim(self):
        return self.named("v1", "PersistentVolumeClaim", status={"phase": "Bound"}, spec={
            "accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "shared",
            "volumeMode": "Filesystem", "volumeName": f"pvc-{uid(self.name)}"})


def objects_of(number, namespace):
    """(key in the storage, object) of everything that one application is made of."""
    one = Application(number, namespace)
    here = f"{namespace}/{one.name}"
    yield f"/registry/deployments/{here}", one.deployment()
    yield f"/registry/replicasets/{namespace}/{one.set_name}", one.replica_set()
    yield f"/registry/services/specs/{here}", one.service()
    yield f"/registry/serviceaccounts/{here}", one.named("v1", "ServiceAccount")
    yield f"/registry/configmaps/{here}", one.named("v1", "ConfigMap", data={"mode": "fast", "settings": "a=b\n" * 40})
    yield f"/registry/secrets/{here}", one.named(
        "v1", "Secret", type="Opaque", data={"password": base64.b64encode(one.name.encode()).decode()})
    if one.has_claim:
        yield f"/registry/persistentvolumeclaims/{here}", one.claim()
    for ordinal in range(PODS):
        name, pod = one.pod(ordinal)
        yield f"/registry/pods/{namespace}/{name}", pod


def written_by(manager, fields):
    return {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": CREATED,
            "fieldsV1": fields}


def uid(name):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def digits(name):
    return uid(name).replace("-", "")
