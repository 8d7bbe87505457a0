// SPDX-License-Identifier: Apache-2.0
// Which VolumeSnapshotClass a snapshot of a volume is made with. Pure. The order is Velero's
// (pkg/util/csi/volume_snapshot.go), with our own annotation in front of Velero's.
#pragma once

#include "core/base/json.hpp"
#include "core/model/selector.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

/// On a claim: the name of a class. On a VolumeSnapshotClass: prefer this one for its driver.
inline constexpr std::string_view kSnapshotClassMark = "kubectl-backup/snapshot-class";
inline constexpr std::string_view kVeleroSnapshotClassMark = "velero.io/csi-volumesnapshot-class";
/// On a VolumeSnapshotClass or StorageClass, "true": a ReadOnlyMany claim from a snapshot is made
/// without copying the data.
inline constexpr std::string_view kReadOnlyCopyMark = "kubectl-backup/read-only-copy";

struct SnapshotClass {
    std::string name;
    std::string driver;
    std::string deletion_policy;  // "Delete", "Retain"
    bool is_default = false;      // snapshot.storage.kubernetes.io/is-default-class
    bool is_preferred = false;    // carries one of the marks above as a label
    bool copies_read_only = false;

    bool operator==(const SnapshotClass&) const = default;
};

SnapshotClass read_snapshot_class(const Json& document);

struct SnapshotClassWish {
    std::string driver;
    std::string asked;          // by a rule of the policy; empty: nobody asked
    std::string asked_by;       // "volumes[2] of the policy"
    model::Labels annotations;  // of the claim
};

struct SnapshotClassChoice {
    const SnapshotClass* snapshot_class = nullptr;  // into the list; null: none
    std::string rule;                               // "the only class of driver X"
    std::string problem;                            // why there is none
};

SnapshotClassChoice choose_snapshot_class(const std::vector<SnapshotClass>& classes,
                                          const SnapshotClassWish& wish);

}  // namespace backup::volume
