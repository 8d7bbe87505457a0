// SPDX-License-Identifier: Apache-2.0
#include "core/repository/blob_name.hpp"

#include "core/base/text.hpp"
#include "core/repository/completion_name.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kMostBeatDigits = 19;
constexpr std::string_view kEndSuffix = "-end";
constexpr std::string_view kWriterSuffix = "-writer";
constexpr std::string_view kTimePattern = "20261120T100000Z";

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && std::all_of(text.begin(), text.end(), [](char character) {
               return is_digit(character) || (character >= 'a' && character <= 'f');
           });
}

std::optional<content::Digest> find_digest(std::string_view text) {
    if (!is_hex(text, kDigestDigits)) {
        return std::nullopt;
    }
    const auto bytes = from_hex(text);
    content::Digest digest{};
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

/// What follows "folder/"; empty when `name` lies elsewhere.
std::string_view rest_below(std::string_view folder, std::string_view name) {
    if (name.size() <= folder.size() || !name.starts_with(folder) || name[folder.size()] != '/') {
        return {};
    }
    return name.substr(folder.size() + 1);
}

bool is_compact_time(std::string_view text) {
    return std::equal(text.begin(),
                      text.end(),
                      kTimePattern.begin(),
                      kTimePattern.end(),
                      [](char character, char pattern) {
                          return is_digit(pattern) ? is_digit(character) : character == pattern;
                      });
}

std::optional<PointName> find_timed_name(std::string_view folder, std::string_view name) {
    const auto rest = rest_below(folder, name);
    const auto dash = rest.find('-');
    if (dash == std::string_view::npos || !is_compact_time(rest.substr(0, dash))) {
        return std::nullopt;
    }
    const auto digest = find_digest(rest.substr(dash + 1));
    if (!digest) {
        return std::nullopt;
    }
    return PointName{std::string(rest.substr(0, dash)), *digest};
}

/// "folder/<point>-<id>".
std::optional<content::Digest> find_announced_point(std::string_view folder,
                                                    std::string_view name) {
    const auto rest = rest_below(folder, name);
    if (rest.size() != kDigestDigits + 1 + kIdDigits || rest[kDigestDigits] != '-' ||
        !is_hex(rest.substr(kDigestDigits + 1), kIdDigits)) {
        return std::nullopt;
    }
    return find_digest(rest.substr(0, kDigestDigits));
}

}  // namespace

std::string slot_name(ByteView slot) {
    const auto digest = content::sha256(slot);
    return concat(kKeysFolder, "/", to_hex(ByteView(digest).first(16)));
}

std::string pack_name(const content::Digest& digest) {
    const auto hex = to_hex(digest);
    return concat(kPacksFolder, "/", std::string_view(hex).substr(0, 2), "/", hex);
}

std::string index_name(const content::Digest& digest) {
    return concat(kIndexFolder, "/", to_hex(digest));
}

std::string point_name(TimePoint created, const content::Digest& digest) {
    return concat(kPointsFolder, "/", format_compact(created), "-", to_hex(digest));
}

std::optional<content::Digest> find_pack_digest(std::string_view name) {
    const auto rest = rest_below(kPacksFolder, name);
    if (rest.size() != kDigestDigits + 3 || rest[2] != '/' ||
        rest.substr(0, 2) != rest.substr(3, 2)) {
        return std::nullopt;
    }
    return find_digest(rest.substr(3));
}

std::optional<content::Digest> find_index_digest(std::string_view name) {
    return find_digest(rest_below(kIndexFolder, name));
}

std::optional<PointName> find_point_name(std::string_view name) {
    return find_timed_name(kPointsFolder, name);
}

std::string session_name(std::string_view id) {
    return concat(kSessionsFolder, "/", id);
}

std::string session_beat_name(std::string_view id, std::uint64_t number) {
    return concat(kSessionsFolder, "/", id, "-", number);
}

std::string session_end_name(std::string_view id) {
    return concat(kSessionsFolder, "/", id, kEndSuffix);
}

std::string generation_name(std::string_view id) {
    return concat(kGenerationsFolder, "/", id);
}

std::string hold_name(const content::Digest& point) {
    return concat(kHoldsFolder, "/", to_hex(point));
}

std::string forget_notice_name(const content::Digest& point, std::string_view id) {
    return concat(kForgetsFolder, "/", to_hex(point), "-", id);
}

std::string completion_name(const content::Digest& point, std::string_view id) {
    return concat(kCompletesFolder, "/", to_hex(point), "-", id);
}

std::string sleeper_name(const content::Digest& point, std::string_view id) {
    return concat(completion_name(point, id), kWriterSuffix);
}

std::string tombstone_name(const content::Digest& point) {
    return concat(kForgetsFolder, "/", to_hex(point));
}

std::string checks_name(TimePoint made, const content::Digest& digest) {
    return concat(kChecksFolder, "/", format_compact(made), "-", to_hex(digest));
}

std::string parity_name(const content::Digest& pack) {
    return concat(kParityFolder, "/", to_hex(pack));
}

std::string quarantine_name(std::string_view blob) {
    return concat(kQuarantineFolder, "/", blob);
}

std::optional<PointName> find_checks_name(std::string_view name) {
    return find_timed_name(kChecksFolder, name);
}

std::optional<content::Digest> find_parity_pack(std::string_view name) {
    return find_digest(rest_below(kParityFolder, name));
}

std::optional<std::string> find_generation_id(std::string_view name) {
    const auto id = rest_below(kGenerationsFolder, name);
    return is_hex(id, kIdDigits) ? std::optional(std::string(id)) : std::nullopt;
}

std::optional<content::Digest> find_held_point(std::string_view name) {
    return find_digest(rest_below(kHoldsFolder, name));
}

std::optional<content::Digest> find_forgotten_point(std::string_view name) {
    return find_announced_point(kForgetsFolder, name);
}

std::optional<content::Digest> find_completed_point(std::string_view name) {
    return name.ends_with(kWriterSuffix) ? find_sleepers_point(name)
                                         : find_announced_point(kCompletesFolder, name);
}

std::optional<content::Digest> find_sleepers_point(std::string_view name) {
    if (!name.ends_with(kWriterSuffix)) {
        return std::nullopt;
    }
    name.remove_suffix(kWriterSuffix.size());
    return find_announced_point(kCompletesFolder, name);
}

std::optional<content::Digest> find_buried_point(std::string_view name) {
    return find_digest(rest_below(kForgetsFolder, name));
}

std::optional<SessionBlobName> find_session_name(std::string_view name) {
    const auto rest = rest_below(kSessionsFolder, name);
    const auto id = rest.substr(0, kIdDigits);
    if (!is_hex(id, kIdDigits)) {
        return std::nullopt;
    }
    const auto suffix = rest.substr(kIdDigits);
    if (suffix.empty()) {
        return SessionBlobName{std::string(id), SessionBlob::Base};
    }
    if (suffix == kEndSuffix) {
        return SessionBlobName{std::string(id), SessionBlob::End};
    }
    const auto number = suffix.substr(1);
    if (suffix.front() != '-' || number.empty() || number.size() > kMostBeatDigits ||
        !std::all_of(number.begin(), number.end(), is_digit)) {
        return std::nullopt;
    }
    return SessionBlobName{std::string(id), SessionBlob::Beat};
}

}  // namespace backup::repository
