// SPDX-License-Identifier: Apache-2.0
// Finding a place in a tree of nodes, and going through all that is below one.
#pragma once

#include "core/view/node.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace backup::view {

/// `path` as "namespaces/shop/volumes"; empty parts and "." are skipped; links are not followed.
/// nullptr when there is no such place.
NodePointer find_path(const NodePointer& root, std::string_view path);

/// Throws PathNotFound naming the part that is missing, with "did you mean" from its neighbours.
NodePointer get_path(const NodePointer& root, std::string_view path);

/// What to do behind a node that was visited.
enum class Walk { Into, Past, Stop };

/// Visits all below `root` (not `root` itself), a directory before what is in it, in the order of
/// list(). `path` is relative to `root`. Any depth: it keeps open directories, not stack frames.
/// False when the visitor stopped it.
bool walk(const NodePointer& root,
          const std::function<Walk(const std::string& path, const NodePointer& node)>& visit);

}  // namespace backup::view
