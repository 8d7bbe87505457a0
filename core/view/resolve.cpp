// SPDX-License-Identifier: Apache-2.0
#include "core/view/resolve.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"

#include <algorithm>
#include <charconv>

namespace backup::view {
namespace {

using repository::PointRecord;
using Points = std::span<const PointRecord>;

constexpr std::string_view kLatest = "latest";
constexpr std::size_t kShortestPrefix = 4;
constexpr std::string_view kTypePrefix = "recoverypoint/";  // what -o name puts before a name

Error not_found(Points points, std::string_view text, std::string_view why) {
    std::vector<std::string> names = {"latest"};
    for (const auto& record : points) {
        names.push_back(record.point.name);
    }
    auto error = Error(ErrorCode::PointNotFound, concat("no recovery point ", why));
    auto guess = did_you_mean(text, names);
    return guess.empty() ? std::move(error) : std::move(error).hint(std::move(guess));
}

std::uint64_t parse_steps(std::string_view text) {
    std::uint64_t steps = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), steps);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size()) {
        throw Error(ErrorCode::InvalidArgument, "a number belongs behind '~'");
    }
    return steps;
}

bool holds(const PointRecord& record, std::string_view name_space) {
    const auto& names = record.point.namespaces;
    return name_space.empty() || std::find(names.begin(), names.end(), name_space) != names.end();
}

// `rest` is what follows "latest": "", "~N", ":NS", ":NS~N".
const PointRecord& resolve_latest(Points points, std::string_view rest) {
    std::uint64_t steps = 0;
    if (const auto tilde = rest.find('~'); tilde != std::string_view::npos) {
        steps = parse_steps(rest.substr(tilde + 1));
        rest = rest.substr(0, tilde);
    }
    const auto name_space = rest.empty() ? rest : rest.substr(1);
    std::uint64_t left = steps;
    for (auto i = points.size(); i-- > 0;) {
        if (holds(points[i], name_space) && left-- == 0) {
            return points[i];
        }
    }
    throw not_found(
        points,
        {},
        concat(steps == 0 ? "" : concat(steps, " before the latest "),
               name_space.empty() ? "is in the repository"
                                  : concat("holds the namespace ", printable(name_space))));
}

const PointRecord& resolve_time(Points points, std::string_view text, TimePoint now) {
    // A time begins with its year, a duration has no '-'.
    const auto limit =
        text.find('-') != std::string_view::npos ? parse_rfc3339(text) : now - parse_duration(text);
    for (auto i = points.size(); i-- > 0;) {
        // Times are shown in whole seconds: what was read off a screen names that whole second.
        const auto created = points[i].point.created;
        if (created <= limit || std::chrono::floor<std::chrono::seconds>(created) == limit) {
            return points[i];
        }
    }
    throw not_found(points, {}, concat("is as old as ", format_rfc3339(limit)));
}

bool is_hexadecimal(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

const PointRecord* find_by_id(Points points, std::string_view text) {
    if (text.size() < kShortestPrefix || !is_hexadecimal(text)) {
        return nullptr;
    }
    const auto prefix = to_lower(text);
    const PointRecord* found = nullptr;
    for (const auto& record : points) {
        if (!record.point.id.starts_with(prefix)) {
            continue;
        }
        if (found != nullptr) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("several recovery points have an id that begins with ", prefix))
                .hint(concat("give more of it: ",
                             found->point.id.substr(0, 16),
                             " or ",
                             record.point.id.substr(0, 16)));
        }
        found = &record;
    }
    return found;
}

}  // namespace

const PointRecord& resolve_point(Points points, std::string_view text, TimePoint now) {
    if (text.starts_with(kTypePrefix)) {
        text.remove_prefix(kTypePrefix.size());
    }
    if (text.starts_with('@')) {
        return resolve_time(points, text.substr(1), now);
    }
    if (text.starts_with(kLatest)) {
        const auto rest = text.substr(kLatest.size());
        if (rest.empty() || rest.front() == '~' || rest.front() == ':') {
            return resolve_latest(points, rest);
        }
    }
    for (auto i = points.size(); i-- > 0;) {
        if (points[i].point.name == text) {
            return points[i];
        }
    }
    if (const auto* found = find_by_id(points, text)) {
        return *found;
    }
    throw not_found(points, text, concat("is called '", printable(text), "'"));
}

}  // namespace backup::view
