// SPDX-License-Identifier: Apache-2.0
#include "core/repository/blob_name.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kTimePattern = "20261120T100000Z";

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

std::optional<content::Digest> find_digest(std::string_view text) {
    const auto is_hex_digit = [](char character) {
        return is_digit(character) || (character >= 'a' && character <= 'f');
    };
    if (text.size() != kDigestDigits || !std::all_of(text.begin(), text.end(), is_hex_digit)) {
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
    const auto rest = rest_below(kPointsFolder, name);
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

}  // namespace backup::repository
