// SPDX-License-Identifier: Apache-2.0
// What killed runs have left in a cluster: finds the pods and ConfigMaps of movers and the copies
// of volumes (claims, snapshots, and what the storage keeps for them), removes those whose run is
// dead. Never takes what a run that lives has (docs/mover-pod.md says how that is known).
#pragma once

#include "core/base/clock.hpp"
#include "core/base/problem.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_owner.hpp"

#include <chrono>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

struct CleanUpOptions {
    std::vector<std::string> namespaces;  // empty: all, which needs the right to list cluster-wide
    MoverOwner self;                      // make_mover_owner
    std::set<std::string> spared_runs;    // besides our own
    /// A pod of another machine that has not started by then never will.
    std::chrono::seconds older_than{900};
    /// A copy of another machine whose run shows no other sign of life is left alone for so long:
    /// a mover pod lives no longer.
    std::chrono::seconds copies_older_than{86'400};
    /// What was removed is waited for so long; then it is a problem that it is still there. Before
    /// that, as long: volumes that are still being made for claims.
    std::chrono::milliseconds gone_limit{120'000};
    // Also those that seem to be in use, by whomever, and claims whose volume does not come.
    bool force = false;
    bool dry_run = false;  // say what would be done
    Clock* clock = nullptr;
    std::stop_token stop;
};

struct Leftover {
    /// "pod", "configmap", "ephemeralcontainer" (then the name is POD/CONTAINER),
    /// "persistentvolumeclaim", "volumesnapshot"; "volumesnapshotcontent" and "persistentvolume"
    /// when only these are left.
    std::string kind;
    std::string ns;
    std::string name;
    std::string run_id;
    std::string host;         // where its run was started
    bool is_removed = false;  // or would be, with dry_run
    std::string reason;       // "its process 4711 is gone"

    bool operator==(const Leftover&) const = default;
};

struct CleanUpResult {
    std::vector<Leftover> leftovers;  // by namespace, cluster-wide ones first, then pods
    std::vector<Problem> problems;    // what could not be listed or removed
};

/// With what there is to do about it: of a refusal, the rule that is missing.
Problem leftover_problem(std::string subject, const Error& error);

/// Throws what ends everything: no connection, Unauthorized, Interrupted. A namespace that may not
/// be looked at is a problem.
CleanUpResult clean_up(kube::Client& client, const CleanUpOptions& options);

}  // namespace backup::volume
