// SPDX-License-Identifier: Apache-2.0
// The directories from the root of a walk down to where it is. A damaged or forged page can hold a
// directory that contains itself, or make a volume endless by leading to the same page again and
// again: a walk that asks here ends all the same.
#pragma once

#include "core/repository/directory_ref.hpp"
#include "core/view/node.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace backup::view {

class DirectoryTrail {
  public:
    /// Throws CorruptData, and stays where it is, when the directory is one of those above or lies
    /// deeper than any backup goes.
    void enter(const Node& directory);
    void leave();

    /// Before anything is done with an entry of the directory where it is. Throws CorruptData when
    /// the volume has had more entries than the record of its point says.
    void pass_entry();
    /// Before the content of a file is written somewhere. Throws CorruptData when the files of the
    /// volume are longer than that record says: they may all name the same few bytes.
    void pass_content(const Node& file, std::uint64_t size);

  private:
    using Key = std::pair<content::ShortId, std::uint32_t>;

    struct Level {
        std::optional<Key> place;  // in a volume
        std::uint64_t bytes = 0;
    };

    bool is_in_volume() const;

    std::vector<Level> levels_;
    std::set<Key> keys_;
    std::uint64_t bytes_ = 0;   // that whoever goes down may keep for the way back
    std::uint64_t passed_ = 0;  // in the volume where it is
    std::uint64_t most_ = 0;
    std::uint64_t passed_bytes_ = 0;
};

}  // namespace backup::view
