// SPDX-License-Identifier: Apache-2.0
#include "core/capture/pod_volume.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::capture {

namespace {

using enum PodVolumeKind;

struct Source {
    std::string_view member;
    PodVolumeKind kind;
};

constexpr std::array<Source, 29> kSources{
    {{"csi", Stored},           {"hostPath", OfNode},
     {"local", Stored},         {"nfs", Stored},
     {"iscsi", Stored},         {"fc", Stored},
     {"rbd", Stored},           {"cephfs", Stored},
     {"glusterfs", Stored},     {"awsElasticBlockStore", Stored},
     {"azureDisk", Stored},     {"azureFile", Stored},
     {"cinder", Stored},        {"gcePersistentDisk", Stored},
     {"vsphereVolume", Stored}, {"portworxVolume", Stored},
     {"quobyte", Stored},       {"scaleIO", Stored},
     {"storageos", Stored},     {"photonPersistentDisk", Stored},
     {"flocker", Stored},       {"flexVolume", Stored},
     {"emptyDir", Scratch},     {"gitRepo", Scratch},
     {"image", Shown},          {"configMap", Shown},
     {"secret", Shown},         {"projected", Shown},
     {"downwardAPI", Shown}}};

/// They show Secrets, certificates and identities of a pod, and nothing that it writes.
constexpr std::array<std::string_view, 5> kDriversWithoutData{"secrets-store.csi.k8s.io",
                                                              "csi.cert-manager.io",
                                                              "spiffe.csi.cert-manager.io",
                                                              "csi.spiffe.io",
                                                              "csi.sharedresource.openshift.io"};

PodVolumeKind kind_of_member(std::string_view member) {
    const auto* const found = std::ranges::find(kSources, member, &Source::member);
    return found == kSources.end() ? Unknown : found->kind;
}

/// The name of the member whose value begins where the text ends; empty: none does.
std::string_view member_at_end(std::string_view text) {
    text = trim(text);
    if (!text.ends_with(':')) {
        return {};
    }
    text = trim(text.substr(0, text.size() - 1));
    if (!text.ends_with('"')) {
        return {};
    }
    text.remove_suffix(1);
    return text.substr(text.rfind('"') + 1);
}

}  // namespace

std::string find_source_type(const Json& source) {
    const auto* const found =
        std::find_if(kSources.begin(), kSources.end(), [&source](const Source& one) {
            return source.find(one.member) != nullptr;
        });
    return found == kSources.end() ? std::string() : std::string(found->member);
}

PodVolumeKind kind_of_pod_volume(std::string_view type, std::string_view driver) {
    const bool is_shown = type == "csi" && std::ranges::find(kDriversWithoutData, driver) !=
                                               kDriversWithoutData.end();
    return is_shown ? Shown : kind_of_member(type);
}

bool may_have_stored_volume(std::string_view pod) {
    for (auto at = pod.find('{'); at != std::string_view::npos; at = pod.find('{', at + 1)) {
        if (kind_of_member(member_at_end(pod.substr(0, at))) == Stored) {
            return true;
        }
    }
    return false;
}

}  // namespace backup::capture
