// SPDX-License-Identifier: Apache-2.0
// Rewrites the index for a repair: adds packs by their own tables, takes out packs that are lost.
// The new segments are durable before an old one goes.
#pragma once

#include "core/maintenance/surroundings.hpp"
#include "core/maintenance/verify_pack.hpp"
#include "core/repository/pack_tables.hpp"

#include <set>
#include <string>
#include <vector>

namespace backup::maintenance {

struct IndexState {
    struct Segment {
        std::string blob;
        content::Digest name{};
        std::vector<repository::IndexedPack> packs;
    };

    std::vector<Segment> segments;     // that can be read
    std::vector<std::string> damaged;  // blobs
    std::vector<repository::IndexedPack> packs() const;
};

/// Reads and proves every segment, one in memory at a time.
IndexState look_at_index(const repository::Repository& repository, const std::stop_token& stop);

class IndexRepair {
  public:
    /// All must outlive this.
    IndexRepair(const repository::Repository& repository, const Surroundings& surroundings)
        : repository_(repository),
          surroundings_(surroundings) {}

    void add(const repository::PackTables& tables);

    /// Writes what was added and takes `dead` packs out of the segments that name them; says of
    /// them that nobody is to miss them. Damaged segments go to quarantine. Returns how many
    /// segments were written.
    std::uint64_t finish(const IndexState& state, const std::set<content::Digest>& dead);

  private:
    void put(repository::IndexSegment segment);
    void rewrite(const IndexState::Segment& segment, const std::set<content::Digest>& dead);

    const repository::Repository& repository_;
    const Surroundings& surroundings_;
    repository::IndexSegment fresh_;
    std::uint64_t written_ = 0;
};

}  // namespace backup::maintenance
