// SPDX-License-Identifier: Apache-2.0
// Whether the user may make what the reading of volumes needs, asked before anything is made. A
// missing right rules out a method, and is named with the line of a Role that gives it.
#pragma once

#include "core/kube/access_review.hpp"
#include "core/kube/client.hpp"
#include "core/model/access_rule.hpp"
#include "core/model/ledger.hpp"

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

/// What is missing, by namespace.
using DeniedRights = std::map<std::string, std::vector<kube::Permission>>;

struct VolumeRights {
    DeniedRights mover;
    DeniedRights snapshot;
    DeniedRights clone;
    /// For classes that keep what was deleted (Retain): to tell the copies otherwise.
    std::vector<kube::Permission> contents;
    std::vector<kube::Permission> volumes;
};

struct VolumeNamespaces {
    std::set<std::string> read;    // with volumes to read
    std::set<std::string> copied;  // with volumes whose driver may copy them
    bool keeps_contents = false;   // there is such a snapshot class
    bool keeps_volumes = false;    // there is, or may be, such a storage class
};

VolumeRights check_volume_rights(kube::Client& client,
                                 const VolumeNamespaces& namespaces,
                                 const std::stop_token& stop);

/// What turned out to be missing for reading a volume of the namespace in a pod of its own, or,
/// `is_inside_pod`, in the pod that has the volume: there it may take an ephemeral container, which
/// nobody asks for before.
std::vector<model::AccessRule> find_missing_rules(kube::Client& client,
                                                  const std::string& ns,
                                                  bool is_inside_pod,
                                                  const std::stop_token& stop);

/// "create pods in namespace shop", ...
std::vector<std::string> format_permissions(const std::vector<kube::Permission>& permissions);

/// Makes the volume Failed with what is missing.
void deny(model::VolumeRecord& record, const std::vector<kube::Permission>& denied);

}  // namespace backup::capture
