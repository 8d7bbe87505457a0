// SPDX-License-Identifier: Apache-2.0
// Finds every chunk and every pack that points need. What points share is walked once, and only
// pages and extent pages are read, never content. One thread.
#pragma once

#include "core/maintenance/id_set.hpp"
#include "core/repository/point_store.hpp"

#include <set>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

namespace backup::maintenance {

class Marker {
  public:
    explicit Marker(repository::ChunkStore& chunks) : chunks_(chunks) {}

    /// Takes over what the point needs, once for each point. Throws CorruptData naming the point
    /// when anything of it cannot be read: then nobody knows what it needs.
    void mark(const repository::PointRecord& record, const std::stop_token& stop);

    /// Sorted; valid until the next mark().
    std::span<const content::ShortId> live_chunks() { return live_.ids(); }

    /// Every pack that any point's own list names.
    const std::set<content::Digest>& listed_packs() const { return listed_packs_; }

    std::size_t points() const { return marked_.size(); }

    /// Also those that could not be marked in full.
    std::size_t begun() const { return begun_.size(); }

    std::uint64_t pages_read() const { return pages_read_; }

  private:
    struct ExtentPage {
        content::ShortId id;
        unsigned depth = 0;
    };

    void mark_stream(const repository::Stream& stream);
    void mark_pack_list(const repository::PointRecord& record);
    void mark_tree(const content::ShortId& root, const std::stop_token& stop);
    /// Returns the pages it refers to.
    std::vector<content::ShortId> mark_page(const content::ShortId& id);
    void mark_extent_pages(std::vector<ExtentPage> ahead);

    repository::ChunkStore& chunks_;
    IdSet live_;
    std::unordered_set<content::ShortId> seen_pages_;  // also extent pages
    std::set<content::Digest> listed_packs_;
    std::unordered_set<std::string> marked_;
    std::unordered_set<std::string> begun_;
    std::uint64_t pages_read_ = 0;
};

}  // namespace backup::maintenance
