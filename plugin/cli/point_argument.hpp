// SPDX-License-Identifier: Apache-2.0
// How a person names a path in a recovery point, and a place in a pod. Pure parsing; which point is
// meant is decided by core/view/resolve.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backup::plugin {

struct PathArgument {
    std::string point;  // for view::resolve_point: "latest:shop", "@2h", a name, ...
    std::string path;   // inside the point's tree, no slash at its ends; empty: the whole point

    bool operator==(const PathArgument&) const = default;
};

/// "POINT", "POINT:PATH", "POINT:NS", "POINT:NS/PVC/path", "latest:NS", "latest:NS:PATH"; the short
/// forms are written out to namespaces/NS/volumes/PVC/path. Throws Usage; ".." is refused.
PathArgument parse_path(std::string_view text);

/// True for "POINT:...": what cp takes as its source.
bool has_path(std::string_view text);

struct PodPathArgument {
    std::string name_space;  // empty: the current one
    std::string pod;
    std::string container;  // empty: the default one
    std::string path;       // absolute

    bool operator==(const PodPathArgument&) const = default;
};

/// "NS/POD:/path", "NS/POD/CONTAINER:/path", "POD:/path"; nothing when it is a local path: one
/// without a colon, or one that begins with "/", "./" or "../". Throws Usage on a relative path in
/// a pod and on empty names.
std::optional<PodPathArgument> parse_pod_path(std::string_view text);

}  // namespace backup::plugin
