// SPDX-License-Identifier: Apache-2.0
// Which node an inode number of the kernel means. Entries of volumes are found by their number; the
// others are kept here for as long as the kernel knows them (it counts its lookups and tells).
#pragma once

#include "core/base/synchronized.hpp"
#include "core/view/node.hpp"

#include <cstdint>
#include <functional>
#include <unordered_map>

namespace backup::fuse {

/// All functions may be called from any thread.
class NodeTable {
  public:
    using FindByInode = std::function<view::NodePointer(std::uint64_t)>;

    NodeTable(view::NodePointer root, FindByInode find_by_inode)
        : root_(std::move(root)),
          find_by_inode_(std::move(find_by_inode)) {}

    /// The kernel was told of `node` once more.
    void remember(const view::NodePointer& node);
    /// The kernel takes back `count` lookups.
    void forget(std::uint64_t inode, std::uint64_t count);
    /// Throws PathNotFound when the number means nothing (any more).
    view::NodePointer get(std::uint64_t inode);

    std::size_t size();

  private:
    struct Kept {
        view::NodePointer node;
        std::uint64_t lookups = 0;
    };

    view::NodePointer root_;
    FindByInode find_by_inode_;
    Synchronized<std::unordered_map<std::uint64_t, Kept>> kept_;
};

}  // namespace backup::fuse
