// SPDX-License-Identifier: Apache-2.0
// The hooks of a backup or its dry run: from what the survey found to what will be run.
#pragma once

#include "core/capture/hook_plan.hpp"
#include "core/capture/survey.hpp"

#include <stop_token>

namespace backup::capture {

struct HookFlags {
    std::vector<HookRule> rules;  // of the policy
    bool is_off = false;          // --no-hooks
};

/// Asks the cluster for the pods that run now, unless there is nothing to make consistent. Throws
/// what list_hook_pods throws.
HookPlan survey_hooks(kube::Client& client,
                      const Survey& survey,
                      const Scope& scope,
                      const HookFlags& flags,
                      const std::stop_token& stop);

}  // namespace backup::capture
