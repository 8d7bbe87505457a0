// SPDX-License-Identifier: Apache-2.0
// The directories from the root of a walk down to where it is. A damaged or forged page can hold a
// directory that contains itself: a walk that asks here ends all the same.
#pragma once

#include "core/repository/directory_ref.hpp"
#include "core/view/node.hpp"

#include <cstddef>
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

  private:
    using Key = std::pair<content::ShortId, std::uint32_t>;

    std::vector<std::optional<Key>> levels_;
    std::set<Key> keys_;
};

}  // namespace backup::view
