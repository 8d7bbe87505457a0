// SPDX-License-Identifier: Apache-2.0
// What `create` and `import` have in common: the name of a new point, its tags, and how its making
// is reported.
#pragma once

#include "core/model/ledger.hpp"
#include "core/repository/point_store.hpp"
#include "plugin/cli/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

class Context;

/// Flags --tag, --description and, when `with_name`, --name.
std::vector<Flag> point_flags(bool with_name);

/// Name (`name`, otherwise "<scope>-<time>"), description, tags, host and program of a new point.
/// Throws InvalidArgument on a bad name or tag.
model::RecoveryPoint new_point(Context& context, const std::string& name, std::string_view scope);

/// Prints the point on standard output, a summary and what is missing on standard error; the exit
/// code: 0, or 3 when the point is not complete.
int report_made_point(Context& context,
                      const repository::PointRecord& record,
                      const model::Ledger& ledger);

}  // namespace backup::plugin
