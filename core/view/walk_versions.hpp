// SPDX-License-Identifier: Apache-2.0
// Goes through the trees of several points at once: what is the same in several of them is read
// once, so sixty points that differ in little cost little more than one.
#pragma once

#include "core/base/error.hpp"
#include "core/view/node.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backup::view {

/// One thing under one path, as it is in some of the points.
struct NodeVersion {
    NodePointer node;
    std::vector<std::size_t> points;  // numbers of the roots that hold it, ascending
};

class VersionVisitor {
  public:
    virtual ~VersionVisitor() = default;
    /// Whether visit() is to be called for an entry; must be cheap. `depth` 1: directly below the
    /// root.
    virtual bool wants(std::string_view name, const Node& node, std::size_t depth) = 0;
    /// All versions of a path that are wanted, the one of the newest points last.
    virtual void visit(const std::string& path, const std::vector<NodeVersion>& versions) = 0;
    /// A directory that cannot be read in some of the points.
    virtual void on_problem(const std::string& path, const Error& error) = 0;
};

/// `roots` in the order of their age, the oldest first; nullptr where a point lacks the place.
/// Paths are relative to the roots, those of one directory in the order of their names.
/// Directories deeper than `most_depth` are not entered.
void walk_versions(std::span<const NodePointer> roots,
                   std::size_t most_depth,
                   VersionVisitor& visitor);

/// True when both are known to be the same without looking at what a file holds: kind, size, times,
/// owner, mode and target.
bool is_same_version(Node& one, Node& other);

}  // namespace backup::view
