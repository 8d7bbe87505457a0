// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_rights.hpp"

#include "core/base/text.hpp"

#include <initializer_list>
#include <utility>

namespace backup::capture {

namespace {

constexpr const char* kSnapshots = "snapshot.storage.k8s.io";

using Permissions = std::vector<kube::Permission>;

void add(Permissions& permissions,
         const char* group,
         const char* resource,
         std::initializer_list<const char*> verbs,
         const char* subresource = "") {
    for (const auto* verb : verbs) {
        permissions.push_back({verb, group, resource, subresource, ""});
    }
}

Permissions mover_permissions() {
    Permissions needed;
    add(needed, "", "pods", {"create", "get", "delete"});
    add(needed, "", "pods", {"get", "create"}, "exec");
    add(needed, "", "configmaps", {"create", "get", "delete"});
    return needed;
}

Permissions container_permissions() {
    Permissions needed;
    add(needed, "", "pods", {"get"});
    add(needed, "", "pods", {"get", "create"}, "exec");
    add(needed, "", "pods", {"patch"}, "ephemeralcontainers");
    return needed;
}

Permissions clone_permissions() {
    Permissions needed;
    add(needed, "", "persistentvolumeclaims", {"create", "get", "delete"});
    return needed;
}

Permissions snapshot_permissions() {
    auto needed = clone_permissions();
    add(needed, kSnapshots, "volumesnapshots", {"create", "get", "delete"});
    return needed;
}

/// Who may something everywhere is asked once, not once for each namespace.
DeniedRights find_denied_in(kube::Client& client,
                            Permissions needed,
                            const std::set<std::string>& namespaces,
                            const std::stop_token& stop) {
    if (namespaces.size() > 1) {
        needed = kube::find_denied(client, needed, stop);
    }
    Permissions wanted;
    for (const auto& ns : namespaces) {
        for (auto permission : needed) {
            permission.ns = ns;
            wanted.push_back(std::move(permission));
        }
    }
    DeniedRights denied;
    if (!wanted.empty()) {
        for (auto& permission : kube::find_denied(client, wanted, stop)) {
            denied[permission.ns].push_back(permission);
        }
    }
    return denied;
}

std::vector<model::AccessRule> rules_of(const Permissions& denied) {
    std::vector<model::AccessRule> rules;
    for (const auto& permission : denied) {
        const auto resource = permission.subresource.empty()
                                  ? permission.resource
                                  : concat(permission.resource, "/", permission.subresource);
        rules.push_back({permission.verb, permission.group, resource, permission.ns});
    }
    return rules;
}

}  // namespace

VolumeRights check_volume_rights(kube::Client& client,
                                 const VolumeNamespaces& namespaces,
                                 const std::stop_token& stop) {
    VolumeRights rights;
    rights.mover = find_denied_in(client, mover_permissions(), namespaces.read, stop);
    rights.snapshot = find_denied_in(client, snapshot_permissions(), namespaces.copied, stop);
    rights.clone = find_denied_in(client, clone_permissions(), namespaces.copied, stop);
    if (namespaces.keeps_contents && !namespaces.copied.empty()) {
        Permissions needed;
        add(needed, kSnapshots, "volumesnapshotcontents", {"get", "patch"});
        rights.contents = kube::find_denied(client, needed, stop);
    }
    if (namespaces.keeps_volumes && !namespaces.copied.empty()) {
        Permissions needed;
        add(needed, "", "persistentvolumes", {"get", "patch"});
        rights.volumes = kube::find_denied(client, needed, stop);
    }
    return rights;
}

std::vector<model::AccessRule> find_missing_rules(kube::Client& client,
                                                  const std::string& ns,
                                                  bool is_inside_pod,
                                                  const std::stop_token& stop) {
    auto needed = is_inside_pod ? container_permissions() : mover_permissions();
    if (!is_inside_pod) {
        add(needed, "", "persistentvolumeclaims", {"get"});
    }
    for (auto& permission : needed) {
        permission.ns = ns;
    }
    return rules_of(kube::find_denied(client, needed, stop));
}

std::vector<std::string> format_permissions(const std::vector<kube::Permission>& permissions) {
    std::vector<std::string> texts;
    for (const auto& permission : permissions) {
        texts.push_back(kube::format_permission(permission));
    }
    return texts;
}

void deny(model::VolumeRecord& record, const std::vector<kube::Permission>& denied) {
    record.outcome = model::Outcome::Failed;
    record.reason = model::SkipReason::Forbidden;
    record.method.clear();
    record.missing_rules = rules_of(denied);
    record.message = concat("not allowed: ",
                            join(format_permissions(denied), ", "),
                            "; ",
                            model::describe_missing(record.missing_rules),
                            " (--volumes=none leaves volumes out)");
}

}  // namespace backup::capture
