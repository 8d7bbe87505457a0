// SPDX-License-Identifier: Apache-2.0
// Why `create` with the same scope would store one object of the cluster, or would not. Makes
// nothing in the cluster.
#pragma once

#include "core/base/progress.hpp"
#include "core/capture/explanation.hpp"
#include "core/capture/scope.hpp"
#include "core/kube/client.hpp"

#include <stop_token>

namespace backup::capture {

struct LiveExplainContext {
    kube::Client& client;
    const Scope& scope;
    std::string default_namespace;  // where the words name none and the scope names not just one
    Progress& progress;
};

/// Reads the object and its Namespace; only where it depends on the other objects (nothing selects
/// it itself) everything is listed as `create --dry-run` would. Throws KubeNotFound when there is
/// no such object, InvalidArgument for an unknown kind ("did you mean"), and what a plan throws.
Explanation explain_live(const LiveExplainContext& context,
                         const ObjectWords& words,
                         const std::stop_token& stop);

}  // namespace backup::capture
