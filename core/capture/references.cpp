// SPDX-License-Identifier: Apache-2.0
#include "core/capture/references.hpp"

#include "core/base/text.hpp"
#include "core/volume/snapshot_class.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kStorageClasses = "storageclasses.storage.k8s.io";
constexpr std::string_view kSnapshotClasses = "volumesnapshotclasses.snapshot.storage.k8s.io";

/// Where the pod (metadata and spec) stands in each kind that has one.
struct PodPath {
    std::string_view resource;
    std::array<std::string_view, 4> path;
};

constexpr std::array<PodPath, 9> kPods = {{
    {"pods", {}},
    {"podtemplates", {"template"}},
    {"replicationcontrollers", {"spec", "template"}},
    {"deployments.apps", {"spec", "template"}},
    {"replicasets.apps", {"spec", "template"}},
    {"statefulsets.apps", {"spec", "template"}},
    {"daemonsets.apps", {"spec", "template"}},
    {"jobs.batch", {"spec", "template"}},
    {"cronjobs.batch", {"spec", "jobTemplate", "spec", "template"}},
}};

const PodPath* find_pod_path(std::string_view resource) {
    const auto* const found = std::find_if(
        kPods.begin(), kPods.end(), [&](const auto& row) { return row.resource == resource; });
    return found == kPods.end() ? nullptr : found;
}

class Collector {
  public:
    explicit Collector(std::string_view ns) : ns_(ns) {}

    /// In front of the fields that are given from now on.
    void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

    void add(std::string_view resource, std::string_view name, std::string_view field) {
        add_in(resource, ns_, name, field);
    }

    void add_cluster(std::string_view resource, std::string_view name, std::string_view field) {
        add_in(resource, {}, name, field);
    }

    void add_in(std::string_view resource,
                std::string_view ns,
                std::string_view name,
                std::string_view field) {
        if (!name.empty()) {
            const model::ObjectKey key{std::string(resource), std::string(ns), std::string(name)};
            found_.try_emplace(key, prefix_ + std::string(field));
        }
    }

    std::size_t size() const { return found_.size(); }

    const std::string& ns() const { return ns_; }

    std::vector<Reference> take() const {
        std::vector<Reference> references;
        for (const auto& [key, why] : found_) {
            references.push_back({key, why});
        }
        return references;
    }

  private:
    std::string ns_;
    std::string prefix_;
    std::map<model::ObjectKey, std::string> found_;
};

template <typename Visit>
void each(const Json* array, Visit&& visit) {
    if (array != nullptr && array->is_array()) {
        for (const auto& item : array->items()) {
            visit(item);
        }
    }
}

const Json* find_pod(std::string_view resource, const Json& object) {
    const auto* const row = find_pod_path(resource);
    const Json* at = row == nullptr ? nullptr : &object;
    if (row != nullptr) {
        for (const auto name : row->path) {
            at = at == nullptr || name.empty() ? at : at->find(name);
        }
    }
    return at;
}

void add_volume(const Json& volume, Collector& found) {
    found.add(kClaims,
              volume.text_at({"persistentVolumeClaim", "claimName"}),
              "volumes.persistentVolumeClaim.claimName");
    found.add("configmaps", volume.text_at({"configMap", "name"}), "volumes.configMap.name");
    found.add("secrets", volume.text_at({"secret", "secretName"}), "volumes.secret.secretName");
    found.add("secrets",
              volume.text_at({"csi", "nodePublishSecretRef", "name"}),
              "volumes.csi.nodePublishSecretRef.name");
    found.add(
        "secrets", volume.text_at({"azureFile", "secretName"}), "volumes.azureFile.secretName");
    for (const auto* const type : {"cephfs", "cinder", "flexVolume", "iscsi", "rbd"}) {
        found.add("secrets", volume.text_at({type, "secretRef", "name"}), "volumes.secretRef.name");
    }
    each(volume.find_path({"projected", "sources"}), [&found](const Json& source) {
        found.add("configmaps",
                  source.text_at({"configMap", "name"}),
                  "volumes.projected.sources.configMap.name");
        found.add(
            "secrets", source.text_at({"secret", "name"}), "volumes.projected.sources.secret.name");
        found.add_cluster("clustertrustbundles.certificates.k8s.io",
                          source.text_at({"clusterTrustBundle", "name"}),
                          "volumes.projected.sources.clusterTrustBundle.name");
    });
}

void add_container(const Json& container, std::string_view list, Collector& found) {
    const std::string field(list);
    each(container.find("env"), [&](const Json& variable) {
        found.add("configmaps",
                  variable.text_at({"valueFrom", "configMapKeyRef", "name"}),
                  field + ".env.valueFrom.configMapKeyRef.name");
        found.add("secrets",
                  variable.text_at({"valueFrom", "secretKeyRef", "name"}),
                  field + ".env.valueFrom.secretKeyRef.name");
    });
    each(container.find("envFrom"), [&](const Json& source) {
        found.add("configmaps",
                  source.text_at({"configMapRef", "name"}),
                  field + ".envFrom.configMapRef.name");
        found.add(
            "secrets", source.text_at({"secretRef", "name"}), field + ".envFrom.secretRef.name");
    });
}

void add_pod_spec(const Json& spec, Collector& found) {
    // Without a name, pods run as the account that each namespace has.
    found.add("serviceaccounts",
              spec.text_at({"serviceAccountName"}, spec.text_at({"serviceAccount"}, "default")),
              "serviceAccountName");
    found.add_cluster("priorityclasses.scheduling.k8s.io",
                      spec.text_at({"priorityClassName"}),
                      "priorityClassName");
    found.add_cluster(
        "runtimeclasses.node.k8s.io", spec.text_at({"runtimeClassName"}), "runtimeClassName");
    each(spec.find("imagePullSecrets"), [&found](const Json& secret) {
        found.add("secrets", secret.text_at({"name"}), "imagePullSecrets.name");
    });
    each(spec.find("resourceClaims"), [&found](const Json& claim) {
        found.add("resourceclaims.resource.k8s.io",
                  claim.text_at({"resourceClaimName"}),
                  "resourceClaims.resourceClaimName");
        found.add("resourceclaimtemplates.resource.k8s.io",
                  claim.text_at({"resourceClaimTemplateName"}),
                  "resourceClaims.resourceClaimTemplateName");
    });
    each(spec.find("volumes"), [&found](const Json& volume) { add_volume(volume, found); });
    for (const auto* const list : {"initContainers", "containers", "ephemeralContainers"}) {
        each(spec.find(list),
             [&](const Json& container) { add_container(container, list, found); });
    }
}

/// The claims that a pod got with its generic ephemeral volumes (KEP-1698).
void add_ephemeral_claims(const Json& pod, Collector& found) {
    const auto name = pod.text_at({"metadata", "name"});
    each(pod.find_path({"spec", "volumes"}), [&](const Json& volume) {
        if (volume.find("ephemeral") != nullptr) {
            found.add(kClaims, name + "-" + volume.text_at({"name"}), "spec.volumes.ephemeral");
        }
    });
}

void add_stateful_set(const Json& set, Collector& found) {
    found.add("services", set.text_at({"spec", "serviceName"}), "spec.serviceName");
}

void add_claim(const Json& claim, Collector& found) {
    found.add_cluster(
        "persistentvolumes", claim.text_at({"spec", "volumeName"}), "spec.volumeName");
    found.add_cluster(
        kStorageClasses, claim.text_at({"spec", "storageClassName"}), "spec.storageClassName");
    found.add_cluster("volumeattributesclasses.storage.k8s.io",
                      claim.text_at({"spec", "volumeAttributesClassName"}),
                      "spec.volumeAttributesClassName");
    for (const auto mark : {volume::kSnapshotClassMark, volume::kVeleroSnapshotClassMark}) {
        if (const auto name = claim.text_at({"metadata", "annotations", mark}); !name.empty()) {
            found.add_cluster(kSnapshotClasses, name, concat("annotation ", mark));
            return;  // as choose_snapshot_class
        }
    }
}

void add_ingress(const Json& ingress, Collector& found) {
    found.add_cluster("ingressclasses.networking.k8s.io",
                      ingress.text_at({"spec", "ingressClassName"}),
                      "spec.ingressClassName");
    each(ingress.find_path({"spec", "tls"}), [&found](const Json& tls) {
        found.add("secrets", tls.text_at({"secretName"}), "spec.tls.secretName");
    });
}

void add_gateway(const Json& gateway, Collector& found) {
    found.add_cluster("gatewayclasses.gateway.networking.k8s.io",
                      gateway.text_at({"spec", "gatewayClassName"}),
                      "spec.gatewayClassName");
    each(gateway.find_path({"spec", "listeners"}), [&found](const Json& listener) {
        each(listener.find_path({"tls", "certificateRefs"}), [&found](const Json& certificate) {
            if (certificate.text_at({"kind"}, "Secret") == "Secret" &&
                certificate.find("namespace") == nullptr) {
                found.add("secrets",
                          certificate.text_at({"name"}),
                          "spec.listeners.tls.certificateRefs.name");
            }
        });
    });
}

void add_role(const Json& binding, bool is_cluster_wide, Collector& found) {
    const auto name = binding.text_at({"roleRef", "name"});
    if (binding.text_at({"roleRef", "kind"}) == "ClusterRole") {
        found.add_cluster("clusterroles.rbac.authorization.k8s.io", name, "roleRef.name");
    } else if (!is_cluster_wide) {
        found.add("roles.rbac.authorization.k8s.io", name, "roleRef.name");
    }
}

void add_service_account(const Json& account, Collector& found) {
    for (const std::string list : {"secrets", "imagePullSecrets"}) {
        each(account.find(list), [&](const Json& secret) {
            found.add("secrets", secret.text_at({"name"}), list + ".name");
        });
    }
}

using AddReferences = void (*)(const Json&, Collector&);

constexpr std::array<std::pair<std::string_view, AddReferences>, 11> kReferences = {{
    {"pods", add_ephemeral_claims},
    {"statefulsets.apps", add_stateful_set},
    {kClaims, add_claim},
    {"persistentvolumes",
     [](const Json& volume, Collector& found) {
         found.add_cluster(kStorageClasses,
                           volume.text_at({"spec", "storageClassName"}),
                           "spec.storageClassName");
     }},
    {"ingresses.networking.k8s.io", add_ingress},
    {"ingresses.extensions", add_ingress},
    {"gateways.gateway.networking.k8s.io", add_gateway},
    {"rolebindings.rbac.authorization.k8s.io",
     [](const Json& binding, Collector& found) { add_role(binding, false, found); }},
    {"clusterrolebindings.rbac.authorization.k8s.io",
     [](const Json& binding, Collector& found) { add_role(binding, true, found); }},
    {"serviceaccounts", add_service_account},
    {"volumesnapshots.snapshot.storage.k8s.io",
     [](const Json& snapshot, Collector& found) {
         found.add_cluster(kSnapshotClasses,
                           snapshot.text_at({"spec", "volumeSnapshotClassName"}),
                           "spec.volumeSnapshotClassName");
     }},
}};

/// Member names that mean the same in every kind: text, or a map whose `inner` is the name.
struct Guess {
    std::string_view member;
    std::string_view inner;
    std::string_view resource;
    bool is_cluster_scoped = false;
};

constexpr std::array<Guess, 14> kGuesses = {{
    {"secretName", "", "secrets"},
    {"secretRef", "name", "secrets"},
    {"secretKeyRef", "name", "secrets"},
    {"existingSecret", "", "secrets"},
    {"configMapName", "", "configmaps"},
    {"configMapRef", "name", "configmaps"},
    {"configMapKeyRef", "name", "configmaps"},
    {"configMap", "name", "configmaps"},
    {"serviceAccountName", "", "serviceaccounts"},
    {"claimName", "", kClaims},
    {"existingClaim", "", kClaims},
    {"storageClassName", "", kStorageClasses, true},
    {"priorityClassName", "", "priorityclasses.scheduling.k8s.io", true},
    {"ingressClassName", "", "ingressclasses.networking.k8s.io", true},
}};

void guess_member(const std::string& name, const Json& value, Collector& found) {
    for (const auto& guess : kGuesses) {
        if (guess.member == name) {
            const auto text =
                guess.inner.empty() ? value.text_at({}) : value.text_at({guess.inner});
            found.add_in(guess.resource, guess.is_cluster_scoped ? "" : found.ns(), text, name);
        }
    }
}

void guess_below(const Json& value, Collector& found) {
    if (found.size() >= kMostGuesses) {
        return;
    }
    if (value.is_array()) {
        for (const auto& item : value.items()) {
            guess_below(item, found);
        }
    } else if (value.is_object()) {
        for (const auto& [name, member] : value.members()) {
            guess_member(name, member, found);
            guess_below(member, found);
        }
    }
}

constexpr std::array<std::string_view, 6> kBuiltInGroups = {
    "", "apps", "autoscaling", "batch", "extensions", "policy"};

constexpr std::array<std::string_view, 16> kBuiltInDottedGroups = {"admissionregistration.k8s.io",
                                                                   "apiextensions.k8s.io",
                                                                   "apiregistration.k8s.io",
                                                                   "authentication.k8s.io",
                                                                   "authorization.k8s.io",
                                                                   "certificates.k8s.io",
                                                                   "coordination.k8s.io",
                                                                   "discovery.k8s.io",
                                                                   "events.k8s.io",
                                                                   "flowcontrol.apiserver.k8s.io",
                                                                   "networking.k8s.io",
                                                                   "node.k8s.io",
                                                                   "rbac.authorization.k8s.io",
                                                                   "resource.k8s.io",
                                                                   "scheduling.k8s.io",
                                                                   "storage.k8s.io"};

template <typename Table>
bool contains(const Table& table, std::string_view word) {
    return std::find(table.begin(), table.end(), word) != table.end();
}

}  // namespace

bool has_references(std::string_view resource) {
    const auto is_it = [resource](const auto& row) { return row.first == resource; };
    return find_pod_path(resource) != nullptr ||
           std::any_of(kReferences.begin(), kReferences.end(), is_it);
}

const Json* find_pod_spec(std::string_view resource, const Json& object) {
    const auto* const pod = find_pod(resource, object);
    return pod == nullptr ? nullptr : pod->find("spec");
}

const Json* find_pod_labels(std::string_view resource, const Json& object) {
    const auto* const pod = find_pod(resource, object);
    const auto* const labels = pod == nullptr ? nullptr : pod->find_path({"metadata", "labels"});
    return labels != nullptr && labels->is_object() ? labels : nullptr;
}

std::vector<Reference> references_of(std::string_view resource,
                                     std::string_view ns,
                                     const Json& object) {
    Collector found(ns);
    if (const auto* spec = find_pod_spec(resource, object)) {
        std::string prefix;
        for (const auto name : find_pod_path(resource)->path) {
            prefix += name.empty() ? "" : std::string(name) + ".";
        }
        found.set_prefix(prefix + "spec.");
        add_pod_spec(*spec, found);
        found.set_prefix({});
    }
    for (const auto& [name, add] : kReferences) {
        if (name == resource) {
            add(object, found);
        }
    }
    return found.take();
}

std::vector<Reference> guess_references(std::string_view ns, const Json& object) {
    Collector found(ns);
    if (const auto* spec = object.find("spec")) {
        found.set_prefix("member ");
        guess_below(*spec, found);
    }
    return found.take();
}

bool binds_service_account(const Json& cluster_role_binding,
                           const std::set<std::string, std::less<>>& accounts,
                           const std::set<std::string, std::less<>>& namespaces) {
    constexpr std::string_view group_prefix = "system:serviceaccounts:";
    bool found = false;
    each(cluster_role_binding.find("subjects"), [&](const Json& subject) {
        const auto kind = subject.text_at({"kind"});
        const auto name = subject.text_at({"name"});
        if (kind == "ServiceAccount") {
            found = found || accounts.contains(subject.text_at({"namespace"}) + "/" + name);
        } else if (kind == "Group" && name.starts_with(group_prefix)) {
            found = found || namespaces.contains(name.substr(group_prefix.size()));
        }
    });
    return found;
}

bool is_served_from(const Json& object, const std::set<std::string, std::less<>>& namespaces) {
    bool found = namespaces.contains(object.text_at({"spec", "service", "namespace"}));
    each(object.find("webhooks"), [&](const Json& webhook) {
        found =
            found || namespaces.contains(webhook.text_at({"clientConfig", "service", "namespace"}));
    });
    return found;
}

bool may_be_custom(std::string_view group) {
    return !contains(kBuiltInGroups, group) && !contains(kBuiltInDottedGroups, group);
}

}  // namespace backup::capture
