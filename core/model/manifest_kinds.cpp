// SPDX-License-Identifier: Apache-2.0
#include "core/model/manifest_kinds.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace backup::model {
namespace {

/// Members of the object at `path`; nullptr when there is none.
Json* find_object(Json& object, std::initializer_list<std::string_view> path) {
    auto* here = &object;
    for (const auto name : path) {
        here = here->find(name);
        if (here == nullptr) {
            return nullptr;
        }
    }
    return here->is_object() ? here : nullptr;
}

Json* find_array(Json& object, std::string_view name) {
    auto* found = object.find(name);
    return found != nullptr && found->is_array() ? found : nullptr;
}

void erase_all(Json& object, std::initializer_list<std::string_view> names) {
    for (const auto name : names) {
        object.erase(name);
    }
}

void erase_when_empty(Json& object, std::string_view name) {
    const auto* value = object.find(name);
    if (value == nullptr) {
        return;
    }
    const auto is_empty = (value->is_array() && value->items().empty()) ||
                          (value->is_object() && value->members().empty());
    if (is_empty) {
        object.erase(name);
    }
}

template <typename Predicate>
void erase_items(Json& object, std::string_view name, Predicate&& is_unwanted) {
    if (auto* array = find_array(object, name)) {
        std::erase_if(array->items(), std::forward<Predicate>(is_unwanted));
        erase_when_empty(object, name);
    }
}

// --- Service ---

// True when compact JSON text has `"name":number` in it.
bool mentions(std::string_view text, std::string_view name, std::int64_t number) {
    const auto wanted = concat('"', name, "\":", number);
    for (auto at = text.find(wanted); at != std::string_view::npos;
         at = text.find(wanted, at + 1)) {
        const auto end = at + wanted.size();
        if (end == text.size() || text[end] < '0' || text[end] > '9') {
            return true;
        }
    }
    return false;
}

// Keys look like k:{"port":80,"protocol":"TCP"}: structured-merge-diff, the server's field sets.
bool is_managed_port(const Json& fields, const Json& port) {
    const auto* ports = fields.find_path({"fieldsV1", "f:spec", "f:ports"});
    if (ports == nullptr || !ports->is_object()) {
        return false;
    }
    const auto protocol = concat('"', port.text_at({"protocol"}, "TCP"), '"');
    const auto& members = ports->members();
    return std::any_of(members.begin(), members.end(), [&](const Json::Member& member) {
        return mentions(member.first, "port", port.integer_at({"port"})) &&
               member.first.find(protocol) != std::string::npos &&
               member.second.find("f:nodePort") != nullptr;
    });
}

// Which ports a person chose and which the server allocated: only the former are in what was
// applied (last-applied-configuration is compact JSON) or stand in somebody's managed fields.
class ChosenPorts {
  public:
    explicit ChosenPorts(const Json& service)
        : applied_(service.text_at(
              {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"})),
          managed_(service.find_path({"metadata", "managedFields"})) {}

    bool has_node_port(const Json& port) const {
        return mentions(applied_, "nodePort", port.integer_at({"nodePort"})) ||
               any_manager([&](const Json& fields) { return is_managed_port(fields, port); });
    }

    bool has_health_check_port(const Json& spec) const {
        constexpr auto kName = "healthCheckNodePort";
        return mentions(applied_, kName, spec.integer_at({kName})) ||
               any_manager([&](const Json& fields) {
                   return fields.find_path({"fieldsV1", "f:spec", "f:healthCheckNodePort"}) !=
                          nullptr;
               });
    }

  private:
    template <typename Predicate>
    bool any_manager(Predicate&& predicate) const {
        return managed_ != nullptr && managed_->is_array() &&
               std::any_of(managed_->items().begin(), managed_->items().end(), predicate);
    }

    std::string applied_;
    const Json* managed_;
};

void clean_service(Json& object) {
    const ChosenPorts chosen(object);
    auto* spec = find_object(object, {"spec"});
    if (spec == nullptr) {
        return;
    }
    if (spec->text_at({"clusterIP"}) != "None") {
        erase_all(*spec, {"clusterIP", "clusterIPs"});
    }
    if (!chosen.has_health_check_port(*spec)) {
        spec->erase("healthCheckNodePort");
    }
    if (auto* ports = find_array(*spec, "ports")) {
        for (auto& port : ports->items()) {
            if (port.is_object() && !chosen.has_node_port(port)) {
                port.erase("nodePort");
            }
        }
    }
}

// --- Pod and what has a pod template ---

bool is_token_volume(const Json& volume, const std::string& account) {
    const auto name = volume.text_at({"name"});
    return name.starts_with("kube-api-access-") ||
           (volume.find("secret") != nullptr && name.starts_with(account + "-token-"));
}

void erase_mounts(Json& spec, const std::set<std::string>& volumes) {
    for (const auto list : {"containers", "initContainers"}) {
        auto* containers = find_array(spec, list);
        if (containers == nullptr) {
            continue;
        }
        for (auto& container : containers->items()) {
            erase_items(container, "volumeMounts", [&](const Json& mount) {
                return volumes.contains(mount.text_at({"name"}));
            });
        }
    }
}

// Put in by the admission plugin DefaultTolerationSeconds.
bool is_default_toleration(const Json& toleration) {
    const auto key = toleration.text_at({"key"});
    return (key == "node.kubernetes.io/not-ready" || key == "node.kubernetes.io/unreachable") &&
           toleration.text_at({"effect"}) == "NoExecute" &&
           toleration.text_at({"operator"}) == "Exists" &&
           toleration.integer_at({"tolerationSeconds"}) == 300;
}

void erase_job_labels(Json& metadata) {
    if (auto* labels = find_object(metadata, {"labels"})) {
        erase_all(*labels, {"controller-uid", "batch.kubernetes.io/controller-uid"});
        erase_when_empty(metadata, "labels");
    }
}

void clean_pod(Json& object) {
    if (auto* metadata = find_object(object, {"metadata"})) {
        erase_job_labels(*metadata);
    }
    auto* spec = find_object(object, {"spec"});
    if (spec == nullptr) {
        return;
    }
    erase_all(*spec, {"nodeName", "priority", "preemptionPolicy", "ephemeralContainers"});
    const auto account = spec->text_at({"serviceAccountName"}, "default");
    std::set<std::string> tokens;
    if (const auto* volumes = find_array(*spec, "volumes")) {
        for (const auto& volume : volumes->items()) {
            if (is_token_volume(volume, account)) {
                tokens.insert(volume.text_at({"name"}));
            }
        }
    }
    erase_items(*spec, "volumes", [&](const Json& volume) {
        return tokens.contains(volume.text_at({"name"}));
    });
    erase_mounts(*spec, tokens);
    erase_items(*spec, "tolerations", is_default_toleration);
}

void clean_template(Json& holder) {
    if (auto* metadata = find_object(holder, {"template", "metadata"})) {
        metadata->erase("creationTimestamp");
    }
}

void clean_workload(Json& object) {
    auto* spec = find_object(object, {"spec"});
    if (spec == nullptr) {
        return;
    }
    clean_template(*spec);
    if (auto* claims = find_array(*spec, "volumeClaimTemplates")) {
        for (auto& claim : claims->items()) {
            claim.erase("status");
            if (auto* metadata = find_object(claim, {"metadata"})) {
                metadata->erase("creationTimestamp");
            }
        }
    }
}

// --- Job, CronJob ---

void clean_job_spec(Json& spec) {
    clean_template(spec);
    if (spec.bool_at({"manualSelector"})) {
        return;
    }
    spec.erase("selector");
    auto* metadata = find_object(spec, {"template", "metadata"});
    if (metadata == nullptr) {
        return;
    }
    if (auto* labels = find_object(*metadata, {"labels"})) {
        erase_all(*labels,
                  {"controller-uid",
                   "batch.kubernetes.io/controller-uid",
                   "job-name",
                   "batch.kubernetes.io/job-name"});
        erase_when_empty(*metadata, "labels");
    }
}

void clean_job(Json& object) {
    if (auto* metadata = find_object(object, {"metadata"})) {
        erase_job_labels(*metadata);
    }
    if (auto* spec = find_object(object, {"spec"})) {
        clean_job_spec(*spec);
    }
}

void clean_cron_job(Json& object) {
    if (auto* metadata = find_object(object, {"spec", "jobTemplate", "metadata"})) {
        metadata->erase("creationTimestamp");
    }
    if (auto* spec = find_object(object, {"spec", "jobTemplate", "spec"})) {
        clean_job_spec(*spec);
    }
}

// --- the rest of the core group ---

void clean_claim(Json& object) {
    auto* spec = find_object(object, {"spec"});
    if (spec == nullptr) {
        return;
    }
    // A bound claim's source was used up when its volume was made.
    if (!spec->text_at({"volumeName"}).empty()) {
        erase_all(*spec, {"volumeName", "dataSource", "dataSourceRef"});
    }
}

void clean_volume(Json& object) {
    if (auto* claim = find_object(object, {"spec", "claimRef"})) {
        erase_all(*claim, {"uid", "resourceVersion"});
    }
}

void clean_service_account(Json& object) {
    const auto name = object.text_at({"metadata", "name"});
    const auto is_generated = [&](const Json& reference) {
        const auto secret = reference.text_at({"name"});
        return secret.starts_with(name + "-token-") || secret.starts_with(name + "-dockercfg-");
    };
    erase_items(object, "secrets", is_generated);
    erase_items(object, "imagePullSecrets", is_generated);
}

void clean_secret(Json& object) {
    if (object.text_at({"type"}) != "kubernetes.io/service-account-token") {
        return;
    }
    // The token controller fills them in again.
    if (auto* data = find_object(object, {"data"})) {
        erase_all(*data, {"token", "ca.crt", "namespace"});
        erase_when_empty(object, "data");
    }
}

void clean_namespace(Json& object) {
    if (auto* spec = find_object(object, {"spec"})) {
        spec->erase("finalizers");
        erase_when_empty(object, "spec");
    }
}

void clean_cluster_role(Json& object) {
    // An aggregating role's rules are written by a controller.
    if (object.find("aggregationRule") != nullptr) {
        object["rules"] = Json::array();
    }
}

}  // namespace

void clean_kind(Json& object, std::string_view group, std::string_view kind) {
    struct Rule {
        std::string_view group;
        std::string_view kind;
        void (*clean)(Json&);
    };

    static constexpr std::array<Rule, 17> kRules = {{
        {"", "Namespace", clean_namespace},
        {"", "PersistentVolume", clean_volume},
        {"", "PersistentVolumeClaim", clean_claim},
        {"", "Pod", clean_pod},
        {"", "PodTemplate", clean_template},
        {"", "ReplicationController", clean_workload},
        {"", "Secret", clean_secret},
        {"", "Service", clean_service},
        {"", "ServiceAccount", clean_service_account},
        {"apps", "DaemonSet", clean_workload},
        {"apps", "Deployment", clean_workload},
        {"apps", "ReplicaSet", clean_workload},
        {"apps", "StatefulSet", clean_workload},
        {"batch", "CronJob", clean_cron_job},
        {"batch", "Job", clean_job},
        {"extensions", "Deployment", clean_workload},
        {"rbac.authorization.k8s.io", "ClusterRole", clean_cluster_role},
    }};
    for (const auto& rule : kRules) {
        if (rule.group == group && rule.kind == kind) {
            rule.clean(object);
        }
    }
}

}  // namespace backup::model
