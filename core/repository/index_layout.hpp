// SPDX-License-Identifier: Apache-2.0
// The fixed parts of an index segment, encoded and decoded: docs/format.md section 8. Knows bytes,
// not where they are stored.
#pragma once

#include "core/repository/index_segment.hpp"

#include <string_view>
#include <vector>

namespace backup::repository {

struct IndexTrailer {
    std::uint64_t records = 0;
    std::uint32_t blocks = 0;
    std::uint32_t pack_table_bytes = 0;  // stored, with the tag, as the three below
    std::uint32_t fences_bytes = 0;
    std::uint32_t replaced_bytes = 0;
    std::uint32_t filter_bytes = 0;
    std::uint64_t blob_bytes = 0;

    std::uint32_t records_in(std::uint32_t block) const;
    std::uint64_t offset_of(std::uint32_t block) const;

    std::uint64_t tables_bytes() const {
        return std::uint64_t{pack_table_bytes} + fences_bytes + replaced_bytes + filter_bytes;
    }
};

std::uint32_t blocks_for(std::uint64_t records);

Bytes encode_index_trailer(const IndexTrailer& trailer);
Bytes encode_pack_table(const std::vector<IndexedPack>& packs);
Bytes encode_index_records(const std::vector<IndexRecord>& records);

// All throw CorruptData; `what` names the segment.

/// Also checks that all lengths fit a blob of `blob_bytes`.
IndexTrailer decode_index_trailer(ByteView bytes, std::uint64_t blob_bytes, std::string_view what);
std::vector<IndexedPack> decode_pack_table(ByteView plain, std::string_view what);
std::vector<content::ShortId> decode_fences(ByteView plain, std::string_view what);
std::vector<content::Digest> decode_replaced(ByteView plain, std::string_view what);

/// One block; checks the order and that each record lies in one of the packs, given by the count of
/// their frames.
std::vector<IndexRecord> decode_index_records(ByteView plain,
                                              const std::vector<std::uint32_t>& frame_counts,
                                              std::string_view what);

}  // namespace backup::repository
