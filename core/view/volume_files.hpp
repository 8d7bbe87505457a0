// SPDX-License-Identifier: Apache-2.0
// Files, directories and links inside a volume, with all their metadata, and block images.
#pragma once

#include "core/repository/tree_reader.hpp"
#include "core/view/node.hpp"

#include <memory>

namespace backup::view {

struct TreePart;

class VolumeFile : public Node {
  public:
    VolumeFile(std::shared_ptr<const TreePart> part, repository::TreeEntry entry)
        : part_(std::move(part)),
          entry_(std::move(entry)) {}

    model::FileType type() const override { return entry_.attributes.type; }

    std::uint64_t inode() const override;
    NodeInfo info() override;

    std::uint64_t held_bytes() const override;

    bool is_found_by_inode() const override { return !shares_number(); }

    NodePointer find(std::string_view name) override;
    void list(std::uint64_t first, const Visit& visit) override;
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override;
    std::uint64_t piece_end(std::uint64_t offset) override;
    ByteChain collect(std::uint64_t offset, std::uint64_t size) override;
    bool may_have_access_lists() override;
    void survey() override;
    std::optional<std::uint64_t> seek_data(std::uint64_t offset) override;
    std::uint64_t seek_hole(std::uint64_t offset) override;

    /// The entry as it is stored: inode and link count of the source.
    const repository::TreeEntry& entry() const { return entry_; }

    repository::TreeReader& reader() const;

    /// Files and directories the volume can have, by the record of its point.
    std::uint64_t most_entries() const;
    /// The sizes of all files of the point together, by its record; 0 when there is none.
    std::uint64_t stated_bytes() const;
    /// What the sizes of the files of this volume can come to, by the same.
    std::uint64_t most_bytes() const;

    /// The same without what only info() tells: for whoever keeps it to list it later.
    std::shared_ptr<VolumeFile> without_attributes() const;

  private:
    /// Its number comes from that at the source.
    bool shares_number() const;

    std::shared_ptr<const TreePart> part_;
    repository::TreeEntry entry_;
};

/// `directory`, or what can stand for it until it is listed and takes less memory.
NodePointer lean_directory(const NodePointer& directory);

}  // namespace backup::view
