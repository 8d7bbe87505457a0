// SPDX-License-Identifier: Apache-2.0
// An index segment that is read piece by piece: what tells where to look is kept, blocks of records
// are read when they are asked for. docs/format.md section 8.
#pragma once

#include "core/repository/index_filter.hpp"
#include "core/repository/index_layout.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace backup::repository {

/// What a segment says besides its records.
struct IndexTables {
    std::vector<IndexedPack> packs;
    std::vector<content::Digest> replaced;  // names of segments and packs
};

/// Immutable: any thread. Every section is authentic when it is used; that the name is the hash of
/// the whole blob is proved by verify_index_segment() only. Errors name the segment: CorruptData,
/// UnknownFormat, NotFound (somebody removed it: look at the list of segments again).
class IndexReader {
  public:
    /// Reads all but the blocks. `tables` gets what this does not keep. `repository` must outlive
    /// this.
    IndexReader(const Repository& repository,
                const content::Digest& digest,
                std::uint64_t blob_bytes,
                IndexTables& tables);

    const content::Digest& digest() const { return digest_; }

    /// "index/<name>"
    const std::string& name() const { return opener_.what(); }

    std::uint64_t record_count() const { return trailer_.records; }

    std::uint64_t stored_bytes() const { return trailer_.blob_bytes; }

    std::uint32_t block_count() const { return trailer_.blocks; }

    const std::vector<content::ShortId>& fences() const { return fences_; }

    bool may_contain(const content::ShortId& id) const { return filter_.may_contain(id); }

    /// The first block that may hold the id; the ones behind it may too, as long as their fence is
    /// not greater.
    std::uint32_t first_block_of(const content::ShortId& id) const;

    /// Packs by their number in the segment's table.
    std::vector<IndexRecord> read_block(std::uint32_t block) const;

    /// Reads the table again.
    IndexTables read_tables() const;

    /// All records in order, one block in memory.
    void for_each(const std::function<void(const IndexRecord& record)>& visit) const;

  private:
    struct Start;
    IndexReader(const Repository& repository,
                const content::Digest& digest,
                Start start,
                IndexTables& tables);
    IndexTables decode_tables(ByteView sealed) const;
    std::uint64_t tables_offset() const;

    backend::Backend& backend_;
    content::Digest digest_;
    BlobOpener opener_;
    IndexTrailer trailer_;
    std::vector<std::uint32_t> frame_counts_;  // by pack
    std::vector<content::ShortId> fences_;
    IndexFilter filter_;
};

/// Reads the whole segment and proves its name, the order of the records, the fences and the
/// filter. Throws as above.
void verify_index_segment(const Repository& repository,
                          const content::Digest& digest,
                          std::uint64_t blob_bytes);

struct ListedSegment {
    content::Digest digest{};
    std::uint64_t blob_bytes = 0;
};

/// Every index segment the backend has, sorted by name.
std::vector<ListedSegment> list_index_segments(const Repository& repository);

}  // namespace backup::repository
