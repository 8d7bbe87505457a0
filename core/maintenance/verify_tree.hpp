// SPDX-License-Identifier: Apache-2.0
// Walks the trees of points and looks whether everything they refer to is stored. What points share
// is walked once, unless something in it is damaged: then each point names what it lost.
#pragma once

#include "core/base/problem.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::maintenance {

/// One thread.
class TreeVerifier {
  public:
    /// `is_stored`: the chunk is in the index and its pack is there.
    TreeVerifier(repository::ChunkStore& chunks,
                 std::function<bool(const content::ShortId&)> is_stored)
        : chunks_(chunks),
          is_stored_(std::move(is_stored)) {}

    /// Adds what is wrong to `problems`, each with the subject "point:path".
    void verify(const repository::PointRecord& record,
                std::vector<Problem>& problems,
                const std::stop_token& stop);

  private:
    using Key = std::pair<content::ShortId, std::uint32_t>;

    struct Place {
        repository::DirectoryRef directory;
        std::string path;
        std::size_t depth = 0;
    };

    enum class Walked : std::uint8_t { Sound, Damaged };

    /// False when it was walked before and there is nothing to tell of it again.
    bool enter(const Place& place, std::size_t told);
    void note_damage();

    /// Empty when all is well.
    std::string check_entry(repository::TreeReader& tree, const repository::TreeEntry& entry) const;
    void verify_directory(repository::TreeReader& tree,
                          const Place& place,
                          std::vector<Place>& ahead,
                          std::vector<Problem>& problems);

    repository::ChunkStore& chunks_;
    std::function<bool(const content::ShortId&)> is_stored_;
    std::map<Key, Walked> seen_;
    std::vector<Key> trail_;  // from the root to where the walk is
};

}  // namespace backup::maintenance
