// SPDX-License-Identifier: Apache-2.0
#include "core/model/manifest.hpp"

#include "core/model/manifest_kinds.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace backup::model {
namespace {

constexpr std::array<std::string_view, 9> kServerMetadata = {
    "uid",
    "resourceVersion",
    "generation",
    "selfLink",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "ownerReferences",
    "deletionGracePeriodSeconds",
};

// Annotations that describe the state of the old cluster: research of Velero's restore actions and
// the controllers that write them. A trailing '*' stands for any ending.
constexpr std::array<std::string_view, 34> kStateAnnotations = {
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-resizer",
    "velero.io/volume-snapshot-name",
    "velero.io/data-upload-name",
    "restore.velero.io/must-include-additional-items",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.daemonset.template.generation",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "control-plane.alpha.kubernetes.io/leader",
    "kubernetes.io/service-account.uid",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "batch.kubernetes.io/job-tracking",
    "cni.projectcalico.org/containerID",
    "cni.projectcalico.org/podIP",
    "cni.projectcalico.org/podIPs",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.v1.cni.cncf.io/networks-status",
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
    "kubernetes.io/config.source",
    "kubernetes.io/limit-ranger",
    "kubernetes.io/psp",
    "openshift.io/scc",
    "metallb.universe.tf/ip-allocated-from-pool",
    "node.alpha.kubernetes.io/ttl",
};

// Finalizers that the server or a controller adds again, or that only make sense while the object
// is being deleted. Those of other controllers stay.
constexpr std::array<std::string_view, 8> kServerFinalizers = {
    "kubernetes.io/*",
    "foregroundDeletion",
    "orphan",
    "external-attacher/*",
    "external-provisioner*",
    "snapshot.storage.kubernetes.io/*",
    "service.kubernetes.io/*",
    "batch.kubernetes.io/job-tracking",
};

bool matches_any(std::string_view text, std::span<const std::string_view> patterns) {
    return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
        return pattern.ends_with('*') ? text.starts_with(pattern.substr(0, pattern.size() - 1))
                                      : text == pattern;
    });
}

void clean_annotations(Json& metadata) {
    auto* annotations = metadata.find("annotations");
    if (annotations == nullptr || !annotations->is_object()) {
        return;
    }
    std::erase_if(annotations->members(), [](const Json::Member& member) {
        return matches_any(member.first, kStateAnnotations);
    });
    if (annotations->members().empty()) {
        metadata.erase("annotations");
    }
}

void clean_finalizers(Json& metadata) {
    auto* finalizers = metadata.find("finalizers");
    if (finalizers == nullptr || !finalizers->is_array()) {
        return;
    }
    std::erase_if(finalizers->items(), [](const Json& finalizer) {
        return !finalizer.is_string() || matches_any(finalizer.string(), kServerFinalizers);
    });
    if (finalizers->items().empty()) {
        metadata.erase("finalizers");
    }
}

void clean_metadata(Json& metadata) {
    for (const auto name : kServerMetadata) {
        metadata.erase(name);
    }
    if (const auto* name = metadata.find("name"); name != nullptr && !name->is_null()) {
        metadata.erase("generateName");
    }
    clean_annotations(metadata);
    clean_finalizers(metadata);
}

Json ordered(Json object, const ManifestType& type) {
    Json out = Json::object();
    out["apiVersion"] = object.text_at({"apiVersion"}, type.api_version);
    out["kind"] = object.text_at({"kind"}, type.kind);
    if (auto* metadata = object.find("metadata")) {
        out["metadata"] = std::move(*metadata);
    }
    for (auto& [name, value] : object.members()) {
        if (name != "apiVersion" && name != "kind" && name != "metadata") {
            out.members().emplace_back(name, std::move(value));
        }
    }
    return out;
}

std::string group_of(std::string_view api_version) {
    const auto slash = api_version.find('/');
    return std::string(slash == std::string_view::npos ? "" : api_version.substr(0, slash));
}

bool has_controlling_owner(const Json& object) {
    const auto* owners = object.find_path({"metadata", "ownerReferences"});
    return owners != nullptr && owners->is_array() &&
           std::any_of(owners->items().begin(), owners->items().end(), [](const Json& owner) {
               return owner.bool_at({"controller"});
           });
}

}  // namespace

Json clean_manifest(Json object, const ManifestType& type) {
    if (!object.is_object()) {
        return object;
    }
    object = ordered(std::move(object), type);
    object.erase("status");
    // First: it reads annotations and managedFields, which go then.
    clean_kind(object, group_of(object.text_at({"apiVersion"})), object.text_at({"kind"}));
    if (auto* metadata = object.find("metadata"); metadata != nullptr && metadata->is_object()) {
        clean_metadata(*metadata);
    }
    return object;
}

bool is_made_by_controller(const Json& object, const ManifestType& type) {
    if (has_controlling_owner(object)) {
        return true;
    }
    const auto kind = object.text_at({"kind"}, type.kind);
    const auto group = group_of(object.text_at({"apiVersion"}, type.api_version));
    const auto name = object.text_at({"metadata", "name"});
    if (group.empty() && kind == "ConfigMap") {
        return name == "kube-root-ca.crt" || name == "openshift-service-ca.crt";
    }
    if (group.empty() && kind == "Secret") {
        const auto owner =
            object.text_at({"metadata", "annotations", "kubernetes.io/service-account.name"});
        return object.text_at({"type"}) == "kubernetes.io/service-account-token" &&
               name.starts_with(owner + "-token-");
    }
    if (group.empty() && kind == "Endpoints") {
        // The endpoints controller marks what it made; endpoints made by hand have no such mark.
        return object.find_path({"metadata",
                                 "annotations",
                                 "endpoints.kubernetes.io/last-change-trigger-time"}) != nullptr ||
               object.find_path({"metadata", "labels", "endpoints.kubernetes.io/managed-by"}) !=
                   nullptr;
    }
    if (group.empty() && kind == "Pod") {
        return object.find_path({"metadata", "annotations", "kubernetes.io/config.mirror"}) !=
               nullptr;
    }
    return group == "discovery.k8s.io" && kind == "EndpointSlice" &&
           object.text_at({"metadata", "labels", "endpointslice.kubernetes.io/managed-by"})
               .ends_with(".k8s.io");
}

}  // namespace backup::model
