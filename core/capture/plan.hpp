// SPDX-License-Identifier: Apache-2.0
// What `create` would do, for `create --dry-run`. Needs no repository and changes nothing.
#pragma once

#include "core/base/json.hpp"
#include "core/base/progress.hpp"
#include "core/capture/scope.hpp"
#include "core/capture/survey_hooks.hpp"
#include "core/kube/client.hpp"
#include "core/model/ledger.hpp"
#include "core/model/recovery_point.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct PlannedKind {
    std::string ns;        // empty: cluster-scoped
    std::string resource;  // "deployments.apps"
    std::uint64_t objects = 0;
    std::uint64_t bytes = 0;

    bool operator==(const PlannedKind&) const = default;
};

struct Plan {
    model::ClusterIdentity cluster;
    Json scope;  // to_json(Scope)
    std::vector<std::string> namespaces;
    std::vector<PlannedKind> kinds;  // by namespace and resource
    /// Skips, failures and problems as they would stand in the point's ledger; volumes that would
    /// be read are Protected and have a method; hooks that would be run are NotRun.
    model::Ledger ledger;

    std::uint64_t objects() const;
};

/// Lists everything that `create` would list. Throws what it would throw.
Plan make_plan(kube::Client& client,
               const Scope& scope,
               Progress& progress,
               std::stop_token stop,
               const HookFlags& hooks = {});

Json to_json(const Plan& plan);

}  // namespace backup::capture
