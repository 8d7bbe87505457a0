// SPDX-License-Identifier: Apache-2.0
// What verify and repair remember of the points, for verbs that show points or give something of
// them back. A help and never a condition: without it all goes on.
#pragma once

#include "core/maintenance/checks.hpp"
#include "core/repository/point_store.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace backup::plugin {

class Context;

using PointChecks = std::map<std::string, maintenance::Check>;

/// The command that names the files, whichever run found the damage.
inline constexpr std::string_view kNamesWhatIsLost =
    "'kubectl backup repo repair --dry-run' names what is lost";

/// By the id of the point. What cannot be read is left out, with a warning.
PointChecks load_point_checks(Context& context, const repository::Repository& repository);

/// Null when nothing is remembered of the point.
const maintenance::Check* find_check(const PointChecks& checks, const std::string& id);

/// One warning that names those of the points that were damaged when they were last looked at.
void warn_of_damage(Context& context,
                    const PointChecks& checks,
                    std::span<const repository::PointRecord> points);

}  // namespace backup::plugin
