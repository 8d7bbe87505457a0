// SPDX-License-Identifier: Apache-2.0
#include "core/capture/references.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::int64_t kReplicaLimit = 10'000;

constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kStorageClasses = "storageclasses.storage.k8s.io";

/// Where the pod spec stands in each kind that has one.
struct PodSpecPath {
    std::string_view resource;
    std::array<std::string_view, 6> path;
};

constexpr std::array<PodSpecPath, 9> kPodSpecs = {{
    {"pods", {"spec"}},
    {"podtemplates", {"template", "spec"}},
    {"replicationcontrollers", {"spec", "template", "spec"}},
    {"deployments.apps", {"spec", "template", "spec"}},
    {"replicasets.apps", {"spec", "template", "spec"}},
    {"statefulsets.apps", {"spec", "template", "spec"}},
    {"daemonsets.apps", {"spec", "template", "spec"}},
    {"jobs.batch", {"spec", "template", "spec"}},
    {"cronjobs.batch", {"spec", "jobTemplate", "spec", "template", "spec"}},
}};

class Collector {
  public:
    explicit Collector(std::string_view ns) : ns_(ns) {}

    void add(std::string_view resource, std::string_view name) { add_in(resource, ns_, name); }

    void add_cluster(std::string_view resource, std::string_view name) {
        add_in(resource, {}, name);
    }

    void add_in(std::string_view resource, std::string_view ns, std::string_view name) {
        if (!name.empty()) {
            keys_.insert({std::string(resource), std::string(ns), std::string(name)});
        }
    }

    std::vector<model::ObjectKey> take() const { return {keys_.begin(), keys_.end()}; }

  private:
    std::string ns_;
    std::set<model::ObjectKey> keys_;
};

template <typename Visit>
void each(const Json* array, Visit&& visit) {
    if (array != nullptr && array->is_array()) {
        for (const auto& item : array->items()) {
            visit(item);
        }
    }
}

const Json* follow(const Json& object, const std::array<std::string_view, 6>& path) {
    const Json* at = &object;
    for (const auto name : path) {
        if (name.empty() || at == nullptr) {
            break;
        }
        at = at->find(name);
    }
    return at;
}

void add_volume(const Json& volume, Collector& found) {
    found.add(kClaims, volume.text_at({"persistentVolumeClaim", "claimName"}));
    found.add("configmaps", volume.text_at({"configMap", "name"}));
    found.add("secrets", volume.text_at({"secret", "secretName"}));
    each(volume.find_path({"projected", "sources"}), [&found](const Json& source) {
        found.add("configmaps", source.text_at({"configMap", "name"}));
        found.add("secrets", source.text_at({"secret", "name"}));
    });
}

void add_container(const Json& container, Collector& found) {
    each(container.find("env"), [&found](const Json& variable) {
        found.add("configmaps", variable.text_at({"valueFrom", "configMapKeyRef", "name"}));
        found.add("secrets", variable.text_at({"valueFrom", "secretKeyRef", "name"}));
    });
    each(container.find("envFrom"), [&found](const Json& source) {
        found.add("configmaps", source.text_at({"configMapRef", "name"}));
        found.add("secrets", source.text_at({"secretRef", "name"}));
    });
}

void add_pod_spec(const Json& spec, Collector& found) {
    found.add("serviceaccounts", spec.text_at({"serviceAccountName"}));
    found.add_cluster("priorityclasses.scheduling.k8s.io", spec.text_at({"priorityClassName"}));
    found.add_cluster("runtimeclasses.node.k8s.io", spec.text_at({"runtimeClassName"}));
    each(spec.find("imagePullSecrets"),
         [&found](const Json& secret) { found.add("secrets", secret.text_at({"name"})); });
    each(spec.find("volumes"), [&found](const Json& volume) { add_volume(volume, found); });
    for (const auto* const list : {"initContainers", "containers"}) {
        each(spec.find(list), [&found](const Json& container) { add_container(container, found); });
    }
}

void add_stateful_set_claims(const Json& set, Collector& found) {
    const auto name = set.text_at({"metadata", "name"});
    const auto first = set.integer_at({"spec", "ordinals", "start"});
    const auto replicas =
        std::clamp<std::int64_t>(set.integer_at({"spec", "replicas"}, 1), 0, kReplicaLimit);
    each(set.find_path({"spec", "volumeClaimTemplates"}), [&](const Json& claim) {
        const auto prefix = claim.text_at({"metadata", "name"}) + "-" + name + "-";
        for (std::int64_t i = 0; i < replicas; ++i) {
            found.add(kClaims, prefix + std::to_string(first + i));
        }
    });
}

void add_claim(const Json& claim, Collector& found) {
    found.add_cluster("persistentvolumes", claim.text_at({"spec", "volumeName"}));
    found.add_cluster(kStorageClasses, claim.text_at({"spec", "storageClassName"}));
    found.add_cluster("volumeattributesclasses.storage.k8s.io",
                      claim.text_at({"spec", "volumeAttributesClassName"}));
}

void add_ingress(const Json& ingress, Collector& found) {
    found.add_cluster("ingressclasses.networking.k8s.io",
                      ingress.text_at({"spec", "ingressClassName"}));
    each(ingress.find_path({"spec", "tls"}),
         [&found](const Json& tls) { found.add("secrets", tls.text_at({"secretName"})); });
}

void add_role(const Json& binding, bool is_cluster_wide, Collector& found) {
    const auto name = binding.text_at({"roleRef", "name"});
    if (binding.text_at({"roleRef", "kind"}) == "ClusterRole") {
        found.add_cluster("clusterroles.rbac.authorization.k8s.io", name);
    } else if (!is_cluster_wide) {
        found.add("roles.rbac.authorization.k8s.io", name);
    }
}

void add_service_account(const Json& account, Collector& found) {
    for (const auto* const list : {"secrets", "imagePullSecrets"}) {
        each(account.find(list),
             [&found](const Json& secret) { found.add("secrets", secret.text_at({"name"})); });
    }
}

using AddReferences = void (*)(const Json&, Collector&);

constexpr std::array<std::pair<std::string_view, AddReferences>, 10> kReferences = {{
    {"statefulsets.apps", add_stateful_set_claims},
    {kClaims, add_claim},
    {"persistentvolumes",
     [](const Json& volume, Collector& found) {
         found.add_cluster(kStorageClasses, volume.text_at({"spec", "storageClassName"}));
     }},
    {"ingresses.networking.k8s.io", add_ingress},
    {"ingresses.extensions", add_ingress},
    {"gateways.gateway.networking.k8s.io",
     [](const Json& gateway, Collector& found) {
         found.add_cluster("gatewayclasses.gateway.networking.k8s.io",
                           gateway.text_at({"spec", "gatewayClassName"}));
     }},
    {"rolebindings.rbac.authorization.k8s.io",
     [](const Json& binding, Collector& found) { add_role(binding, false, found); }},
    {"clusterrolebindings.rbac.authorization.k8s.io",
     [](const Json& binding, Collector& found) { add_role(binding, true, found); }},
    {"serviceaccounts", add_service_account},
    {"volumesnapshots.snapshot.storage.k8s.io",
     [](const Json& snapshot, Collector& found) {
         found.add_cluster("volumesnapshotclasses.snapshot.storage.k8s.io",
                           snapshot.text_at({"spec", "volumeSnapshotClassName"}));
     }},
}};

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
    return std::any_of(kReferences.begin(), kReferences.end(), is_it) ||
           std::any_of(kPodSpecs.begin(), kPodSpecs.end(), [resource](const PodSpecPath& row) {
               return row.resource == resource;
           });
}

std::vector<model::ObjectKey> references_of(std::string_view resource,
                                            std::string_view ns,
                                            const Json& object) {
    Collector found(ns);
    for (const auto& row : kPodSpecs) {
        if (row.resource == resource) {
            if (const auto* spec = follow(object, row.path)) {
                add_pod_spec(*spec, found);
            }
        }
    }
    for (const auto& [name, add] : kReferences) {
        if (name == resource) {
            add(object, found);
        }
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
