// SPDX-License-Identifier: Apache-2.0
// What the nodes of one view share: caches, the owner of the frame, and which part of the inode
// numbers belongs to which volume. Private to this layer.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/model/recovery_point.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/view/lru_cache.hpp"
#include "core/view/manifest_list.hpp"
#include "core/view/tree_facts.hpp"
#include "core/view/view_options.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>

namespace backup::repository {
class ChunkStore;
}

namespace backup::view {

/// One volume (or block image) of one point.
struct TreePart {
    std::shared_ptr<repository::TreeReader> reader;
    std::uint32_t number = 0;
    repository::TreeEntry root;
    std::shared_ptr<LruCache<TreeFacts>> known_facts;  // by number
    /// Files and directories it can have, by the record of the point: pages that refer to the same
    /// page again and again make a tree without end.
    std::uint64_t most_entries = std::numeric_limits<std::uint64_t>::max();
    /// The bytes of all files of the point by its record, and how many the volume can have.
    std::uint64_t stated_bytes = 0;
    std::uint64_t most_bytes = std::numeric_limits<std::uint64_t>::max();

    /// nullptr when nobody asked before.
    std::shared_ptr<const TreeFacts> find_facts() const { return known_facts->find(number); }

    /// Reads all pages of the volume when nobody did before.
    std::shared_ptr<const TreeFacts> get_facts() const;
};

class ViewState {
  public:
    ViewState(repository::ChunkStore& chunk_store, ViewOptions view_options);

    /// The part for `key` (a hash of point and volume), made when it is asked for the first time.
    /// Its number comes from the key alone unless two keys meet, so it is the same in every mount.
    std::shared_ptr<const TreePart> get_part(std::uint64_t key,
                                             const std::shared_ptr<repository::TreeReader>& reader,
                                             const repository::TreeEntry& root,
                                             const model::PointStatistics& counted);
    /// nullptr when no part with that number was made yet.
    std::shared_ptr<const TreePart> find_part(std::uint32_t number);

    repository::ChunkStore& chunks;
    const ViewOptions options;
    const std::shared_ptr<repository::PageCache> pages;
    LruCache<std::string> texts;         // manifests, by inode number
    LruCache<std::uint64_t> text_sizes;  // of those that were dropped
    LruCache<ManifestIndex> indexes;     // of manifests.yaml, by inode number

  private:
    struct Parts {
        std::unordered_map<std::uint64_t, std::shared_ptr<const TreePart>> by_key;
        std::unordered_map<std::uint32_t, std::shared_ptr<const TreePart>> by_number;
    };

    Synchronized<Parts> parts_;
    std::shared_ptr<LruCache<TreeFacts>> facts_;
};

}  // namespace backup::view
