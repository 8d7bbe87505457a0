// SPDX-License-Identifier: Apache-2.0
// Which commands are run around the reading of which volumes, before any of them is. Pure; the
// pods come from hook_pods.hpp, run_hooks.hpp does it.
#pragma once

#include "core/capture/hook.hpp"
#include "core/model/ledger.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace backup::capture {

/// A pod that runs, as far as hooks are concerned.
struct HookPod {
    HookSubject subject;
    std::string name;
    std::string owner_uid;                // of the first owner; empty: nobody owns it
    std::string owner_name;               // without the hash that a Deployment puts behind
    std::vector<std::string> containers;  // that run, the default one first
    std::vector<std::string> claims;      // that it mounts
    bool is_stored = true;                // its object is in the point
};

/// Reads a pod as the API server gives it. Throws InvalidArgument when it is no pod.
HookPod read_hook_pod(const Json& pod);
/// Running and not going away: others neither write nor take commands.
bool is_running(const Json& pod);

/// A volume whose data is going to be read.
struct HookVolume {
    std::string ns;
    std::string claim;
    /// Volumes of one namespace with the same group are read together; empty: none. See
    /// find_volume_group.
    std::string group;
};

/// Label or annotation kubectl-backup/volume-group of a claim, or Velero's velero.io/volume-group.
std::string find_volume_group(const model::Labels& labels, const model::Labels& annotations);

struct PlannedHook {
    model::HookRecord record;  // NotRun until it was
    std::chrono::milliseconds timeout{};
    std::string problem;  // why it cannot be run
};

struct FrozenPod {
    std::vector<PlannedHook> pre;
    std::vector<PlannedHook> post;
    std::vector<std::string> claims;  // of those that are read
};

/// Pods whose pre hooks all run before the first of the volumes is read, and whose post hooks all
/// run after the last one was.
struct HookGroup {
    std::string ns;
    std::vector<FrozenPod> pods;      // by name
    std::vector<std::string> claims;  // sorted
    /// Of pods without volumes of their own (a front end that stops taking orders): around all of
    /// the namespace's, outside of the other groups.
    bool is_namespace_wide = false;
};

/// A file of the point at namespaces/<ns>/commands/<file_name>.
struct PlannedOutput {
    PlannedHook hook;
    std::string file_name;
};

struct HookPlan {
    std::vector<HookGroup> groups;
    std::vector<PlannedOutput> outputs;
    std::vector<model::HookRecord> not_run;  // --no-hooks
    std::vector<std::string> warnings;
    std::vector<model::ProblemRecord> problems;  // pods whose hooks are not known

    /// What would be run, in order, for a dry run.
    std::vector<model::HookRecord> records() const;
};

/// A record for each hook of a group that has none among `records`: its pod was never begun with,
/// because none of the volumes came to be read, or a hook before it failed.
std::vector<model::HookRecord> find_unrun(const HookPlan& plan,
                                          const std::vector<model::HookRecord>& records);

struct HookOptions {
    std::vector<HookRule> rules;  // of the policy
    bool is_off = false;          // --no-hooks
    bool stores_outputs = true;   // false: --volumes=none
};

/// Pods that mount a volume in common, directly or over others, are one group, and so are those of
/// one volume group. Hooks of pods in whose namespace no volume is read are not run: there is
/// nothing that they could make consistent. Of the pods of one owner the first runs the command
/// whose output is stored, as k8up does.
HookPlan plan_hooks(std::vector<HookPod> pods,
                    const std::vector<HookVolume>& volumes,
                    const HookOptions& options);

}  // namespace backup::capture
