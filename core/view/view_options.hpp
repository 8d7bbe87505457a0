// SPDX-License-Identifier: Apache-2.0
// What can be chosen about a view.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace backup::view {

struct ViewOptions {
    /// Owner of everything that is not inside a volume.
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    /// Shows only these namespaces, and points that hold one of them; empty: all.
    std::vector<std::string> namespaces;
    /// Ids of the points to show (RepositoryView); empty: all.
    std::vector<std::string> points;
    std::uint64_t page_cache_bytes = 32U << 20U;
    std::uint64_t text_cache_bytes = 16U << 20U;

    bool shows_namespace(const std::string& name) const {
        return namespaces.empty() ||
               std::find(namespaces.begin(), namespaces.end(), name) != namespaces.end();
    }

    bool shows_point(const std::string& id) const {
        return points.empty() || std::find(points.begin(), points.end(), id) != points.end();
    }
};

}  // namespace backup::view
