// SPDX-License-Identifier: Apache-2.0
// Makes the pages of a tree from entries that come in depth-first order: docs/format.md section 6.
// Memory: the open directories' unwritten slices and 8 bytes a directory, never the tree. One
// thread.
#pragma once

#include "core/model/file_entry.hpp"
#include "core/repository/directory_ref.hpp"
#include "core/repository/file_content.hpp"
#include "core/repository/page_store.hpp"

#include <memory>
#include <vector>

namespace backup::repository {

struct BuiltTree {
    DirectoryRef root;
    std::vector<content::ShortId> pages;  // depth-first, each once
    std::uint64_t files = 0;              // every entry that is not a directory
    std::uint64_t directories = 0;        // without the root
    std::uint64_t bytes = 0;              // of regular files
};

class TreeBuilder {
  public:
    explicit TreeBuilder(Writer& writer);
    explicit TreeBuilder(std::unique_ptr<PageSink> sink);
    ~TreeBuilder();
    TreeBuilder(const TreeBuilder&) = delete;
    TreeBuilder& operator=(const TreeBuilder&) = delete;

    /// The first call opens the root (name ignored, attributes not stored). Names within a
    /// directory must come in ascending byte order over files and directories together. Throws,
    /// before it changes anything: Internal when the order is wrong, InvalidArgument when the entry
    /// cannot be stored (impossible name, extended attributes of more than 1 MiB).
    void begin_directory(const model::FileEntry& directory);
    /// `entry.size` of a regular file must be the length of its content, unless content_unreadable.
    void add(const model::FileEntry& entry, const FileContent& content);
    void end_directory();
    /// A directory whose tree was made by another builder (trees made at the same time). Only its
    /// attributes are in `directory`; the pages of `tree` must be in the same repository.
    void add_tree(const model::FileEntry& directory, const BuiltTree& tree);

    /// After the root was ended.
    BuiltTree finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The bytes of a point's page table: the short ids of `pages`, one behind the other.
Bytes encode_page_table(const std::vector<content::ShortId>& pages);

}  // namespace backup::repository
