// SPDX-License-Identifier: Apache-2.0
// What becomes of one volume's data: the policy's rules and the marks on the claim and on its pods,
// as a pure function of facts. Knows no cluster and no way to read a volume; docs/policy.md.
#pragma once

#include "core/model/ledger.hpp"
#include "core/model/selector.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

enum class VolumeAction {
    Auto,  // the best way there is
    Skip,  // the claim's manifest only
    Live,
    Snapshot,
    Clone,
};

std::string_view to_text(VolumeAction action);
std::optional<VolumeAction> find_volume_action(std::string_view text);

/// What the rules may ask about a volume. Whoever asks fills in what is known; what is unknown
/// stays empty, and a rule that asks for it does not match.
struct VolumeFacts {
    std::string ns;
    std::string claim;          // empty: a volume of a pod that no claim stands for (emptyDir)
    model::Labels labels;       // of the claim
    model::Labels annotations;  // of the claim
    std::optional<std::uint64_t> bytes;  // capacity; that which the claim asks for when unbound
    std::string storage_class;
    std::string driver;  // of a CSI volume: "hostpath.csi.k8s.io"
    std::string type;    // member of the PersistentVolume's spec or of the pod's volume: "csi",
                         // "hostPath", "local", "nfs", "emptyDir"
    std::vector<std::string> access_modes;  // "ReadWriteOnce"
    bool is_block = false;
    std::string phase;  // of the claim: "Bound", "Pending", "Lost"
    std::string nfs_server;
    std::string nfs_path;
    model::Labels attributes;  // csi.volumeAttributes

    /// The annotations with which pods that mount it ask for it or leave it out (note_pod_marks).
    std::vector<std::string> named_by;
    std::vector<std::string> excluded_by;
};

/// Both ends belong to the range.
struct SizeRange {
    std::uint64_t from = 0;
    std::uint64_t to = std::numeric_limits<std::uint64_t>::max();

    bool operator==(const SizeRange&) const = default;
};

/// All that is given must hold; of a list one entry. Names of classes, drivers, namespaces and
/// claims are globs; types and access modes are words without regard to case.
struct VolumeMatch {
    std::optional<SizeRange> size;
    std::vector<std::string> storage_classes;
    std::vector<std::string> drivers;
    std::optional<model::LabelSelector> selector;  // labels of the claim
    std::vector<std::string> namespaces;
    std::vector<std::string> claims;
    std::vector<std::string> access_modes;  // the claim has one of them
    bool only_these_access_modes = false;   // it has all of them and no other (Velero)
    std::optional<bool> is_block;
    std::vector<std::string> types;
    std::vector<std::string> phases;
    std::string nfs_server;
    std::string nfs_path;
    model::Labels attributes;

    bool operator==(const VolumeMatch&) const = default;
};

struct VolumeRule {
    VolumeMatch match;
    VolumeAction action = VolumeAction::Auto;
    std::vector<std::string> include;  // globs on paths in the volume; empty: all
    std::vector<std::string> exclude;
    std::string snapshot_class;  // VolumeSnapshotClass to use; empty: chosen by the driver
    std::string name;            // for people: "volumes[2] of the policy"

    bool operator==(const VolumeRule&) const = default;
};

/// What was chosen, and by whom.
struct VolumeChoice {
    VolumeAction action = VolumeAction::Auto;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    std::string snapshot_class;
    /// What decided: the rule's name or "annotation KEY"; empty: the default.
    std::string rule;
    /// With Skip: ExcludedByPolicy (a rule), ExcludedByMark (an annotation) or OnlyWhenNamed (a
    /// volume without a claim that nobody asked for).
    model::SkipReason reason = model::SkipReason::None;
    /// Marks that contradict each other.
    std::vector<std::string> warnings;

    bool operator==(const VolumeChoice&) const = default;
};

bool matches(const VolumeMatch& match, const VolumeFacts& volume);

/// Adds what the annotations of a pod that mounts the volume under `volume_name` say about it:
/// kubectl-backup/volumes and -/exclude-volumes, backup.velero.io/backup-volumes and
/// -/backup-volumes-excludes.
void note_pod_marks(const model::Labels& pod_annotations,
                    std::string_view volume_name,
                    VolumeFacts& volume);

/// A volume that an annotation of a pod names, whether the pod has it or not.
struct PodMarkName {
    std::string_view key;  // of the annotation
    std::string volume;

    bool operator==(const PodMarkName&) const = default;
};

std::vector<PodMarkName> list_pod_marks(const model::Labels& pod_annotations);

/// The first rule that matches decides; with action Auto, and without such a rule, the marks
/// decide: ours before Velero's before k8up's, and of one tool the one that leaves out. Path globs
/// of a rule replace the claim's `kubectl-backup/paths`; excluded paths add up. A rule that asks
/// for data (Live, ...) matches a volume without a claim only if it lists types, drivers or NFS.
VolumeChoice choose_volume(const VolumeFacts& volume, const std::vector<VolumeRule>& rules);

}  // namespace backup::capture
