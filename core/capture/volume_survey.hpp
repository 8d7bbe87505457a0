// SPDX-License-Identifier: Apache-2.0
// What a plan must know about the volumes of a run, fetched once: PersistentVolumes, storage and
// snapshot classes, and the pods that use claims. What the user may not look at is left empty and
// said to be unknown. Decides nothing.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/volume_method.hpp"
#include "core/kube/client.hpp"
#include "core/volume/snapshot_class.hpp"

#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

/// What matters of a PersistentVolume.
struct PersistentVolumeFacts {
    std::string type;    // "csi", "hostPath", "local", "nfs", ...
    std::string driver;  // of CSI
    model::Labels attributes;
    std::string nfs_server;
    std::string nfs_path;
    bool has_node_affinity = false;
};

struct StorageClassFacts {
    bool keeps_volumes = false;  // reclaimPolicy Retain
    bool waits_for_pod = false;  // volumeBindingMode WaitForFirstConsumer
    bool copies_read_only = false;
};

/// The pods of a claim.
struct ClaimUse {
    std::vector<VolumeUse> uses;  // sorted (sort_uses)
    std::vector<std::string> named_by;
    std::vector<std::string> excluded_by;
};

/// A volume of a pod that no claim stands for: one that a mark of the pod names or that holds data
/// behind the pod (nfs, csi, ...); when there are rules, also any emptyDir of a running pod.
struct NamedPodVolume {
    std::string ns;
    std::string pod;
    VolumeFacts facts;   // claim is empty
    std::string volume;  // the pod's name for it
    /// Of one that holds data behind the pod: equal texts in a namespace mean the same data, but
    /// each pod has a CSI volume of its own.
    std::string source = {};
    /// Why it cannot be read although it is wanted; Protected: it can.
    model::Outcome outcome = model::Outcome::Protected;
    model::SkipReason reason = model::SkipReason::None;
    std::string message = {};
};

struct VolumeSurvey {
    std::map<std::string, PersistentVolumeFacts> volumes;
    std::map<std::string, StorageClassFacts> storage_classes;
    bool are_storage_classes_known = true;  // false: they may not be, or could not be, listed
    std::vector<volume::SnapshotClass> snapshot_classes;
    std::string snapshot_problem;            // why there are none
    std::map<std::string, ClaimUse> claims;  // by "namespace/claim"
    bool wants_pod_volumes = false;  // also those that no mark names: a rule may ask for them
    std::vector<NamedPodVolume> pod_volumes;
    std::set<std::string> blind_namespaces;      // whose pods may not be, or could not be, listed
    std::optional<std::size_t> nodes;            // of the cluster, asked for only when it matters
    std::vector<model::ProblemRecord> problems;  // what the server gave no answer about
    std::vector<std::string> warnings;           // marks that name no volume
};

struct VolumeSurveyContext {
    kube::Client& client;
    const Names& namespaces;            // in scope
    const ObjectsByNamespace& objects;  // stored
    bool has_rules = false;             // of a policy, for volumes
};

/// Throws what ends everything: no connection, Interrupted. A question without an answer (a
/// time-out, a broken server) is a problem.
VolumeSurvey survey_volumes(const VolumeSurveyContext& context,
                            const std::vector<StoredClaim>& claims,
                            const std::stop_token& stop);

PersistentVolumeFacts read_persistent_volume(const Json& document);
StorageClassFacts read_storage_class(const Json& document);

/// Adds what a pod says about claims and about its other volumes.
void note_pod(const Json& pod, VolumeSurvey& survey);

/// Annotations of the pod that name a volume it does not have: a sentence for each.
std::vector<std::string> find_idle_marks(const Json& pod);

}  // namespace backup::capture
