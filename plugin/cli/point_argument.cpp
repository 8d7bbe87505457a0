// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/point_argument.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace backup::plugin {

namespace {

constexpr std::string_view kLatest = "latest";

bool is_namespace_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

std::size_t digits_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') {
        ++end;
    }
    return end - at;
}

/// Length of the "2026-11-20", "2026-11-20T10:00Z", "2026-11-20T10:00:00.5+01:00" that `text`
/// begins with; 0 when it begins otherwise. A time has colons of its own, so a path behind it can
/// only be found by knowing where the time ends.
std::size_t time_length(std::string_view text) {
    constexpr std::size_t kDate = 10;
    if (digits_at(text, 0) != 4 || text.size() < kDate || text[4] != '-') {
        return 0;
    }
    std::size_t at = kDate;
    if (at >= text.size() || text[at] != 'T') {
        return at;
    }
    at += 1 + digits_at(text, at + 1);
    while (at < text.size() && (text[at] == ':' || text[at] == '.') &&
           digits_at(text, at + 1) > 0) {
        at += 1 + digits_at(text, at + 1);
    }
    if (at < text.size() && text[at] == 'Z') {
        return at + 1;
    }
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
        return std::min(text.size(), at + 6);
    }
    return at;
}

/// Folds "a//b/./c/" to "a/b/c"; ".." is an error: nothing outside the tree can be meant.
std::vector<std::string> path_parts(std::string_view path, std::string_view whole) {
    std::vector<std::string> parts;
    for (auto& part : split(path, '/')) {
        if (part == "..") {
            throw Error(ErrorCode::Usage,
                        concat("\"", printable(whole), "\" has \"..\" in its path"));
        }
        if (!part.empty() && part != ".") {
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

bool is_root_name(std::string_view name) {
    static const std::array<std::string_view, 5> roots = {
        "point.yaml", "cluster", "namespaces", "extra", "etcd"};
    return std::ranges::count(roots, name) > 0;
}

/// Writes the short form NS/PVC/path out; paths that begin at the root of the tree stay.
std::string tree_path(std::string_view path, std::string_view whole) {
    auto parts = path_parts(path, whole);
    if (parts.empty() || is_root_name(parts.front())) {
        return join(parts, "/");
    }
    const bool is_inside = parts.size() > 1 && parts[1] != "volumes" && parts[1] != "manifests" &&
                           parts[1] != "raw" && parts[1] != "manifests.yaml";
    if (is_inside) {
        parts.insert(parts.begin() + 1, "volumes");
    }
    parts.insert(parts.begin(), "namespaces");
    return join(parts, "/");
}

/// Where the point ends and the path begins; npos when there is only a point.
std::size_t point_end(std::string_view text) {
    return text.find(':', text.starts_with('@') ? 1 + time_length(text.substr(1)) : 0);
}

Error empty_point(std::string_view text) {
    return Error(ErrorCode::Usage, concat("\"", printable(text), "\" names no point"))
        .hint(
            "a point is its name, the first letters of its id, latest, latest~2, "
            "latest:NAMESPACE, @2026-11-20T10:00Z or @2h");
}

/// latest:NS and latest:NS:PATH ask for the newest point that holds NS; latest:NS/... and
/// latest:namespaces/... are paths in the newest of all.
std::optional<PathArgument> parse_latest_of_namespace(std::string_view path,
                                                      std::string_view whole) {
    const auto word = path.substr(0, path.find_first_of(":/"));
    const auto name = word.substr(0, word.find('~'));
    const bool is_all = word.size() == path.size();
    if (!is_namespace_name(name) || is_root_name(word) || (!is_all && path[word.size()] != ':')) {
        return std::nullopt;
    }
    const auto point = concat(kLatest, ":", word);
    if (is_all) {
        return PathArgument{point, concat("namespaces/", name)};
    }
    return PathArgument{point, tree_path(path.substr(word.size() + 1), whole)};
}

}  // namespace

bool has_path(std::string_view text) {
    return point_end(text) != std::string_view::npos;
}

PathArgument parse_path(std::string_view text) {
    const auto end = point_end(text);
    const auto point = text.substr(0, end);
    if (point.empty() || point == "@") {
        throw empty_point(text);
    }
    if (end == std::string_view::npos) {
        return {std::string(point), ""};
    }
    const auto path = text.substr(end + 1);
    if (point == kLatest) {
        if (auto found = parse_latest_of_namespace(path, text)) {
            return *found;
        }
    }
    return {std::string(point), tree_path(path, text)};
}

std::optional<PodPathArgument> parse_pod_path(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || text.starts_with('/') || text.starts_with("./") ||
        text.starts_with("../")) {
        return std::nullopt;
    }
    const auto names = split(text.substr(0, colon), '/');
    PodPathArgument pod;
    pod.path = text.substr(colon + 1);
    const bool has_empty_name =
        std::ranges::any_of(names, [](const std::string& name) { return name.empty(); });
    if (names.size() > 3 || has_empty_name || !pod.path.starts_with('/')) {
        throw Error(ErrorCode::Usage, concat("\"", printable(text), "\" names no place in a pod"))
            .hint(
                "write NAMESPACE/POD:/path or NAMESPACE/POD/CONTAINER:/path; "
                "a local file with a colon in its name is written ./name");
    }
    pod.pod = names.size() == 1 ? names[0] : names[1];
    pod.name_space = names.size() == 1 ? "" : names[0];
    pod.container = names.size() == 3 ? names[2] : "";
    return pod;
}

}  // namespace backup::plugin
