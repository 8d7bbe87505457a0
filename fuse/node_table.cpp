// SPDX-License-Identifier: Apache-2.0
#include "fuse/node_table.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace backup::fuse {

void NodeTable::remember(const view::NodePointer& node) {
    if (node->is_found_by_inode() || node->inode() == root_->inode()) {
        return;
    }
    auto table = kept_.lock();
    auto& kept = (*table)[node->inode()];
    // The newest one: a list of points may have been made anew since.
    kept.node = node;
    ++kept.lookups;
}

void NodeTable::forget(std::uint64_t inode, std::uint64_t count) {
    auto kept = kept_.lock();
    const auto found = kept->find(inode);
    if (found == kept->end()) {
        return;
    }
    if (found->second.lookups <= count) {
        kept->erase(found);
    } else {
        found->second.lookups -= count;
    }
}

view::NodePointer NodeTable::get(std::uint64_t inode) {
    if (inode == root_->inode()) {
        return root_;
    }
    {
        auto kept = kept_.lock();
        if (const auto found = kept->find(inode); found != kept->end()) {
            return found->second.node;
        }
    }
    auto node = find_by_inode_(inode);
    if (!node) {
        throw Error(ErrorCode::PathNotFound, concat("no file has the number ", inode));
    }
    return node;
}

std::size_t NodeTable::size() {
    return kept_.lock()->size();
}

}  // namespace backup::fuse
