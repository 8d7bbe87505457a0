// SPDX-License-Identifier: Apache-2.0
// What `prune`, `forget --prune` and `delete --prune` have in common.
#pragma once

#include "core/base/json.hpp"
#include "core/maintenance/prune.hpp"
#include "plugin/cli/command.hpp"

#include <string>
#include <vector>

namespace backup::plugin {

class Context;

/// Flags of prune that make sense on their own.
std::vector<Flag> pruning_flags();
/// From those flags and --dry-run; throws Usage.
maintenance::PruneOptions pruning_options(Context& context);

maintenance::PruneResult run_prune(Context& context,
                                   const repository::Repository& repository,
                                   const maintenance::PruneOptions& options);

/// --prune of a verb that has removed these points, or with --dry-run would: told to people, or
/// added to the record as "prune".
void prune_behind(Context& context,
                  const repository::Repository& repository,
                  maintenance::PruneOptions options,
                  const std::vector<std::string>& removed_points,
                  Json& record);

Json to_json(const maintenance::PruneResult& result, bool is_dry_run);
/// On standard error: what was given back, what waits, for whom, and what is amiss.
void say_result(Context& context, const maintenance::PruneResult& result, bool is_dry_run);

}  // namespace backup::plugin
