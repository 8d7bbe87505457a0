// SPDX-License-Identifier: Apache-2.0
// The pods of a cluster that have hooks. They are asked for as late as possible: which of them run
// changes while objects are listed.
#pragma once

#include "core/capture/hook_plan.hpp"
#include "core/kube/client.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct HookPods {
    std::vector<HookPod> pods;                   // that run
    std::vector<std::string> warnings;           // where pods may not be listed
    std::vector<model::ProblemRecord> problems;  // where the server gave no answer
};

/// Of these namespaces, by namespace and name. `rules` of the policy. Where pods may not be listed
/// is a warning, where the server gives no answer a problem; throws what else kube::list_objects
/// throws.
HookPods list_hook_pods(kube::Client& client,
                        const std::vector<std::string>& namespaces,
                        const std::vector<HookRule>& rules,
                        const std::stop_token& stop);

}  // namespace backup::capture
