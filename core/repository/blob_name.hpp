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
inline constexpr std::string_view kSessionsFolder = "sessions";
inline constexpr std::string_view kGenerationsFolder = "gc";
inline constexpr std::string_view kHoldsFolder = "holds";
inline constexpr std::string_view kForgetsFolder = "forgets";
inline constexpr std::string_view kChecksFolder = "checks";
inline constexpr std::string_view kParityFolder = "parity";
inline constexpr std::string_view kQuarantineFolder = "quarantine";
inline constexpr std::string_view kParityMark = "parity/on";

/// "keys/<first 16 bytes of the SHA-256 of the slot>".
std::string slot_name(ByteView slot);
std::string pack_name(const content::Digest& digest);
std::string index_name(const content::Digest& digest);
std::string point_name(TimePoint created, const content::Digest& digest);

// Ids are 32 hexadecimal digits.
std::string session_name(std::string_view id);
std::string session_beat_name(std::string_view id, std::uint64_t number);
std::string session_end_name(std::string_view id);
std::string generation_name(std::string_view id);
std::string hold_name(const content::Digest& point);
std::string forget_notice_name(const content::Digest& point, std::string_view id);
std::string checks_name(TimePoint made, const content::Digest& digest);
std::string parity_name(const content::Digest& pack);
/// Where a damaged blob is kept: "quarantine/packs/ab/abcd...".
std::string quarantine_name(std::string_view blob);

struct PointName {
    std::string time;  // as format_compact writes it
    content::Digest digest{};
};

// Empty when the name is not one of the kind.
std::optional<content::Digest> find_pack_digest(std::string_view name);
std::optional<content::Digest> find_index_digest(std::string_view name);
std::optional<PointName> find_point_name(std::string_view name);
std::optional<std::string> find_generation_id(std::string_view name);
std::optional<content::Digest> find_held_point(std::string_view name);
/// The point that the notice announces the end of.
std::optional<content::Digest> find_forgotten_point(std::string_view name);
std::optional<PointName> find_checks_name(std::string_view name);
std::optional<content::Digest> find_parity_pack(std::string_view name);

enum class SessionBlob { Base, Beat, End };

struct SessionBlobName {
    std::string id;
    SessionBlob role = SessionBlob::Base;
};

std::optional<SessionBlobName> find_session_name(std::string_view name);

}  // namespace backup::repository
