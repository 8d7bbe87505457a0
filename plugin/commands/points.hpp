// SPDX-License-Identifier: Apache-2.0
// Recovery points as the verbs show them.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/json.hpp"
#include "core/model/recovery_point.hpp"
#include "plugin/output/records.hpp"

#include <string>
#include <string_view>

namespace backup::maintenance {
struct Check;
}

namespace backup::plugin {

/// The record of -o json: what is stored of the point, with its id; "verified" when it was checked.
Json point_record(const model::RecoveryPoint& point, const maintenance::Check* check = nullptr);

inline constexpr std::string_view kDamagedStatus = "Damaged";

/// The status of such a record as lists show it: "Damaged" when the last check found that.
std::string shown_status(const Json& record);

/// Columns of `list`; ages are counted from `now`.
RecordKind point_kind(TimePoint now);

Tone tone_of(model::PointStatus status);

/// "shop, web and 3 more".
std::string some_names(const std::vector<std::string>& names, std::size_t most);

/// "3fa91c..." as lists show it: enough letters to be unique in practice.
std::string short_id(std::string_view id);

}  // namespace backup::plugin
