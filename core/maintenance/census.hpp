// SPDX-License-Identifier: Apache-2.0
// Which pack keeps which live chunk: the index, the packs that are there and what points need, laid
// over each other. Memory: 8 bytes a live chunk beside the ids, and the filters of the index.
#pragma once

#include "core/maintenance/id_set.hpp"
#include "core/repository/index_reader.hpp"

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::maintenance {

struct PackUse {
    repository::IndexedPack pack;  // only the name when it is in no index
    bool is_indexed = false;
    bool is_present = false;
    std::uint64_t stored_bytes = 0;  // of the blob that is there
    bool is_condemned = false;       // some generation names it
    bool is_unsound = false;         // damaged when it was last read in full
    bool is_listed = false;          // a point's own list of packs names it
    bool is_replaced = false;        // the index says that nobody is to miss it
    bool holds_live = false;         // some chunk in it is needed, also when another pack keeps it
    /// It is condemned, and holds a live chunk that lies in no better place: no sound pack that is
    /// not condemned or, when this one is unsound, none at all.
    bool is_last_place = false;
    /// It is gone, or cut short, and a live chunk that was in it has no other place.
    bool is_missed = false;
    std::uint64_t all_bytes = 0;   // plain, of the chunks that the index names in it
    std::uint64_t kept_bytes = 0;  // of those it is the keeper of

    bool is_whole() const { return is_present && is_indexed && stored_bytes == pack.size; }
};

struct SegmentUse {
    std::shared_ptr<const repository::IndexReader> reader;
    std::vector<repository::IndexedPack> packs;
    std::vector<content::Digest> replaced;  // segments and packs
    bool is_superfluous = false;
};

/// All of it must outlive the census.
struct CensusInput {
    std::span<const content::ShortId> live;         // sorted
    const std::set<content::Digest>& listed;        // packs that points name
    const std::vector<content::Digest>& condemned;  // sorted; listed before the census begins
    const std::set<content::Digest>& unsound;       // damaged when they were last read
};

class Census {
  public:
    /// Throws CorruptData when a segment is damaged: then nobody knows what is where.
    Census(const repository::Repository& repository,
           const CensusInput& input,
           const std::stop_token& stop);

    const std::vector<PackUse>& packs() const { return packs_; }

    const std::vector<SegmentUse>& segments() const { return segments_; }

    bool has_segment(const content::Digest& name) const;

    /// nullptr when neither the index nor the backend has it.
    const PackUse* find(const content::Digest& pack) const;

    /// Whether this pack is the one that is to keep the chunk.
    bool is_keeper(const PackUse& pack, const content::ShortId& id) const;

    bool is_listed(const content::Digest& pack) const { return listed_.contains(pack); }

    /// Live chunks that are in no pack that is there.
    std::uint64_t lost_chunks() const { return lost_chunks_; }

    std::uint64_t live_chunks() const { return live_.size(); }

  private:
    static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

    /// How good a place a pack is, the best first. A sound copy that has to be taken out of a
    /// condemned pack is better than a damaged one that may stay.
    enum class Standing : std::uint8_t { Sound, Condemned, Unsound, UnsoundCondemned, None };

    static Standing standing_of(const PackUse& use);

    bool load_segments(const std::stop_token& stop);
    void list_present(const CensusInput& input);
    template <typename Visit>
    void for_each_live_record(const std::stop_token& stop, Visit visit);
    void find_keepers(const std::stop_token& stop);
    void find_last_places(const std::stop_token& stop);
    void count_kept();
    bool is_better_keeper(std::uint32_t pack, std::uint32_t than) const;
    std::uint32_t number_of(const content::Digest& pack);

    const repository::Repository& repository_;
    std::span<const content::ShortId> live_;
    const std::set<content::Digest>& listed_;
    std::vector<PackUse> packs_;
    std::map<content::Digest, std::uint32_t> numbers_;
    std::vector<SegmentUse> segments_;
    std::vector<std::uint32_t> keepers_;  // of live_[i]
    std::vector<Standing> standings_;     // of the best place of live_[i]; only while it is made
    std::vector<std::uint32_t> lengths_;
    std::uint64_t lost_chunks_ = 0;
};

}  // namespace backup::maintenance
