// SPDX-License-Identifier: Apache-2.0
// What can be said about a volume only after all of its pages were read. Private to this layer.
#pragma once

#include "core/repository/tree_reader.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace backup::view {

struct TreeFacts {
    bool has_access_lists = false;
    /// Number of a file at the source and the position of the first of its names, sorted; only of
    /// files whose number does not fit into ours (inode_numbers.hpp).
    std::vector<std::pair<std::uint64_t, std::uint64_t>> first_names;

    /// `otherwise` when it is not known.
    std::uint64_t first_name_of(std::uint64_t source_inode, std::uint64_t otherwise) const;
};

/// Of all below the directory `root`; what is damaged is left out.
TreeFacts survey_tree(repository::TreeReader& reader, const repository::TreeEntry& root);

}  // namespace backup::view
