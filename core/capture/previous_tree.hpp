// SPDX-License-Identifier: Apache-2.0
// Goes through the tree of the previous point in lockstep with the walk of a volume, page by page.
// Where that tree is damaged, nothing is found: it costs time, not the backup.
#pragma once

#include "core/repository/tree_reader.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace backup::capture {

class PreviousTree {
  public:
    /// Without a tree nothing is ever found.
    PreviousTree() = default;

    PreviousTree(repository::TreeReader& tree, repository::TreeEntry root)
        : tree_(&tree),
          root_(std::move(root)) {}

    /// Steps into a directory of the current one (the first call: into the root).
    void enter(std::string_view name);

    void leave() { levels_.pop_back(); }

    /// The entry of that name in the current directory, or nullptr. Names must come in ascending
    /// order; the pointer lives until the next call.
    const repository::TreeEntry* find(std::string_view name);

    /// The root, when it is an image of a block device.
    const repository::TreeEntry* image() const;
    /// Nothing when it cannot be read any more.
    std::optional<repository::FileContent> content_of(const repository::TreeEntry& entry) const;

  private:
    struct Level {
        std::optional<repository::DirectoryRef> directory;
        std::vector<repository::TreeEntry> window;
        std::size_t next = 0;         // in the window
        std::uint64_t following = 0;  // number of the first entry behind the window
        bool is_at_end = false;
    };

    void refill(Level& level);

    repository::TreeReader* tree_ = nullptr;
    std::optional<repository::TreeEntry> root_;
    std::vector<Level> levels_;
};

}  // namespace backup::capture
