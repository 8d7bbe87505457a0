// SPDX-License-Identifier: Apache-2.0
// The names of blobs, made and read: docs/format.md section 1.
#pragma once

#include "core/base/clock.hpp"
#include "core/content/hash.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace backup::repository {

inline constexpr std::string_view kConfigName = "config";
inline constexpr std::string_view kKeysFolder = "keys";
inline constexpr std::string_view kPacksFolder = "packs";
inline constexpr std::string_view kIndexFolder = "index";
inline constexpr std::string_view kPointsFolder = "points";

/// "keys/<first 16 bytes of the SHA-256 of the slot>".
std::string slot_name(ByteView slot);
std::string pack_name(const content::Digest& digest);
std::string index_name(const content::Digest& digest);
std::string point_name(TimePoint created, const content::Digest& digest);

struct PointName {
    std::string time;  // as format_compact writes it
    content::Digest digest{};
};

// Empty when the name is not one of the kind.
std::optional<content::Digest> find_pack_digest(std::string_view name);
std::optional<content::Digest> find_index_digest(std::string_view name);
std::optional<PointName> find_point_name(std::string_view name);

}  // namespace backup::repository
