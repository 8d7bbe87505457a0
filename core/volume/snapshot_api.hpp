// SPDX-License-Identifier: Apache-2.0
// The resources beside the core group that volumes have to do with. v1 of the snapshots is served
// since external-snapshotter 4.0 (Kubernetes 1.20); older versions are not spoken.
#pragma once

#include "core/volume/mover_api.hpp"

#include <array>
#include <string_view>

namespace backup::volume {

inline constexpr const char* kSnapshotGroup = "snapshot.storage.k8s.io";
inline constexpr const char* kStorageGroup = "storage.k8s.io";

/// What the scheduler writes when it has chosen a node for a claim that waits for its pod.
inline constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

/// Annotations of a claim that say which provisioner is to make its volume, today and before 1.23.
inline constexpr std::array<std::string_view, 2> kProvisionerMarks{
    "volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"};

inline model::ApiResource group_resource(const char* group,
                                         const char* kind,
                                         const char* plural,
                                         IsNamespaced is_namespaced = IsNamespaced::No) {
    auto resource = core_resource(kind, plural, is_namespaced);
    resource.group = group;
    return resource;
}

struct SnapshotApi {
    model::ApiResource snapshots =
        group_resource(kSnapshotGroup, "VolumeSnapshot", "volumesnapshots", IsNamespaced::Yes);
    model::ApiResource contents =
        group_resource(kSnapshotGroup, "VolumeSnapshotContent", "volumesnapshotcontents");
    model::ApiResource classes =
        group_resource(kSnapshotGroup, "VolumeSnapshotClass", "volumesnapshotclasses");
};

struct StorageApi {
    model::ApiResource claims = core_resource("PersistentVolumeClaim", "persistentvolumeclaims");
    model::ApiResource volumes =
        core_resource("PersistentVolume", "persistentvolumes", IsNamespaced::No);
    model::ApiResource classes = group_resource(kStorageGroup, "StorageClass", "storageclasses");
};

}  // namespace backup::volume
