// SPDX-License-Identifier: Apache-2.0
// Walks the trees of points and looks whether everything they refer to is stored. What points share
// is walked once, unless something in it is damaged: then each point names what it lost.
#pragma once

#include "core/base/error.hpp"
#include "core/base/problem.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::maintenance {

/// What problems call a point: its name, or its id when it has none.
std::string name_of(const repository::PointRecord& record);

/// A chunk of this length is in the index, and its pack is there.
using IsStored = std::function<bool(const content::ShortId& id, std::uint64_t bytes)>;

/// One thread.
class TreeVerifier {
  public:
    TreeVerifier(repository::ChunkStore& chunks, IsStored is_stored)
        : chunks_(chunks),
          is_stored_(std::move(is_stored)) {}

    /// Adds what is wrong to `problems`, each with the subject "point:path".
    void verify(const repository::PointRecord& record,
                std::vector<Problem>& problems,
                const std::stop_token& stop);

  private:
    using Key = std::pair<content::ShortId, std::uint32_t>;

    /// A directory on the way down, with those of its subdirectories that are next.
    struct Level {
        repository::DirectoryRef directory;
        std::string name;
        std::uint64_t following = 0;
        bool is_at_end = false;
        bool is_damaged = false;  // then all above are
        std::vector<std::pair<std::string, repository::DirectoryRef>> window;
        std::size_t next = 0;
    };

    enum class Walked : std::uint8_t { Sound, Damaged };

    void descend(repository::TreeReader& tree);
    void enter(const repository::DirectoryRef& directory, std::string name);
    /// Looks at the entries that follow; what cannot be listed is a problem of the directory.
    void go_on(repository::TreeReader& tree, Level& level);
    bool check(repository::TreeReader& tree, const repository::TreeEntry& entry, Level& level);
    void note_damage();
    /// Empty when all is well.
    std::optional<Error> check_entry(repository::TreeReader& tree,
                                     const repository::TreeEntry& entry) const;
    /// Of the directory where the walk is, or of an entry of it.
    void add_problem(const std::string* name, std::string message, ErrorCode code);
    std::string path_of(const std::string* name) const;

    repository::ChunkStore& chunks_;
    IsStored is_stored_;
    std::map<Key, Walked> seen_;
    // Of the point that is walked.
    std::string point_;
    std::vector<Level> levels_;  // from the root to where the walk is
    std::vector<Problem> found_;
    std::size_t walked_again_ = 0;
    std::size_t told_bytes_ = 0;
    std::size_t untold_ = 0;
};

}  // namespace backup::maintenance
