// SPDX-License-Identifier: Apache-2.0
// Where each chunk lies, by all index segments of a repository. Opening reads no records: a segment
// costs its filter (9 bits a chunk) and its packs, blocks of records are read when they are asked
// for and kept in one bounded cache. All functions may be called from any thread.
#pragma once

#include "core/base/error.hpp"
#include "core/repository/index_block_cache.hpp"
#include "core/repository/index_reader.hpp"
#include "core/repository/pack_numbers.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <vector>

namespace backup::repository {

struct ChunkIndexOptions {
    std::uint64_t cache_bytes = 32U << 20U;
    /// Told once of each segment that cannot be read, damaged or not; what it says is left out
    /// then, of one that is not damaged until a refresh() can read it. Without it, that throws, and
    /// so does what it throws itself: it wants to know no more. From any thread.
    std::function<void(const std::string& blob, const Error& error)> on_damaged;
};

class ChunkIndex {
  public:
    /// Empty until refresh(). `repository` must outlive this.
    explicit ChunkIndex(const Repository& repository, ChunkIndexOptions options = {});

    /// Opens segments that came since and drops those that are gone or replaced; true when any
    /// came.
    bool refresh();
    /// Opens a segment that was just written, without looking for others.
    void add(const content::Digest& segment);

    // Records with the pack numbers of this index, which never change. They throw CorruptData when
    // a damaged segment may be the one that names the chunk, NotFound when a segment was removed:
    // refresh() then.

    /// Every place the chunk is said to be, at most `kMostPlaces`; in no order.
    std::vector<IndexRecord> find_all(const content::ShortId& id) const;
    std::optional<IndexRecord> find(const content::ShortId& id) const;

    IndexedPack pack(std::uint32_t number) const;
    /// Those that a segment in use names.
    std::vector<IndexedPack> list_packs() const;

    /// Segments that were left out, in whole or in part, because they could not be read.
    std::size_t unread_segments() const;

    /// A chunk that several segments name counts several times.
    std::uint64_t chunk_count() const;

    /// A present segment says that this segment or pack is not needed any more: its absence is no
    /// loss.
    bool is_superseded(const content::Digest& name) const;

    /// Those in use.
    std::vector<std::shared_ptr<const IndexReader>> list_segments() const;

    static constexpr std::size_t kMostPlaces = 16;

  private:
    /// Immutable.
    struct Segment {
        std::uint32_t number = 0;  // for the cache
        std::unique_ptr<IndexReader> reader;
        std::vector<std::uint32_t> packs;  // the index's numbers by those of the segment
    };

    using SegmentPointer = std::shared_ptr<const Segment>;

    /// What is known of a segment that the backend has.
    struct Known {
        SegmentPointer segment;  // nullptr: damaged, or not needed because it is replaced
        std::vector<content::Digest> replaced;
    };

    /// What lookups use: never changed, only exchanged.
    struct View {
        std::vector<SegmentPointer> segments;
        std::set<content::Digest> replaced;
    };

    using ViewPointer = std::shared_ptr<const View>;
    using Visit = std::function<bool(const IndexRecord& record)>;

    ViewPointer view() const;
    Known open(const content::Digest& digest, std::uint64_t blob_bytes);
    void forget_vanished(const std::vector<ListedSegment>& listed);
    bool open_new(std::vector<ListedSegment> listed, bool& some_vanished);
    void exchange_view();
    IndexBlockCache::Block get_block(const Segment& segment, std::uint32_t block) const;
    bool visit_matches(const Segment& segment,
                       const content::ShortId& id,
                       const Visit& visit) const;
    void look_up(const content::ShortId& id, const Visit& visit) const;
    /// False when nobody wants to be told.
    bool report(const std::string& name, const Error& error) const;

    const Repository& repository_;
    const ChunkIndexOptions options_;
    std::mutex loading_;  // guards the two below
    std::map<content::Digest, Known> known_;
    std::uint32_t next_segment_ = 0;
    mutable std::shared_mutex mutex_;  // guards the two below
    PackNumbers packs_;
    ViewPointer view_;
    mutable IndexBlockCache blocks_;
    mutable Synchronized<std::set<std::string>> reported_;
};

}  // namespace backup::repository
