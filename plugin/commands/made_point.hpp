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
struct OpenedRepository;

/// Flags --tag, --description, --hold, --no-verify-writes and, when `with_name`, --name.
std::vector<Flag> point_flags(bool with_name);

/// Name (`name`, otherwise "<scope>-<time>"), description, tags, host and program of a new point.
/// Throws InvalidArgument on a bad name or tag.
model::RecoveryPoint new_point(Context& context, const std::string& name, std::string_view scope);

/// Names are unique: a name that was `given` and exists is refused (AlreadyExists), a name that we
/// made gets "-2", "-3".
void make_name_unique(Context& context,
                      const OpenedRepository& opened,
                      model::RecoveryPoint& point,
                      bool is_given);

/// With --hold: the point is under hold when this returns. Must follow the commit at once.
void hold_when_asked(Context& context,
                     const OpenedRepository& opened,
                     const model::RecoveryPoint& point);

/// Prints the point on standard output, a summary and what is missing on standard error; the exit
/// code: 0, 3 when the point is not complete, 1 when the policy calls that failed.
int report_made_point(Context& context,
                      const repository::PointRecord& record,
                      const model::Ledger& ledger);

}  // namespace backup::plugin
