// SPDX-License-Identifier: Apache-2.0
// The names of the empty blobs that keep a deleted point from coming back: docs/format.md 1 and 9.
#pragma once

#include "core/content/hash.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace backup::repository {

inline constexpr std::string_view kCompletesFolder = "completes";

/// `id`: 32 hexadecimal digits.
std::string completion_name(const content::Digest& point, std::string_view id);
/// Stands for the writer of the point, who may be asleep before its put; it removes it.
std::string sleeper_name(const content::Digest& point, std::string_view id);
/// It lies beside the notices of those that forget the point.
std::string tombstone_name(const content::Digest& point);

// Empty when the name is not one of the kind.
/// Of either of the first two.
std::optional<content::Digest> find_completed_point(std::string_view name);
std::optional<content::Digest> find_sleepers_point(std::string_view name);
std::optional<content::Digest> find_buried_point(std::string_view name);

}  // namespace backup::repository
