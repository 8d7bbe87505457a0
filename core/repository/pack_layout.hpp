// SPDX-License-Identifier: Apache-2.0
// The tables at the end of a pack, encoded and decoded: docs/format.md section 5.
#pragma once

#include "core/content/frame_group.hpp"
#include "core/repository/format.hpp"

#include <string_view>
#include <vector>

namespace backup::repository {

/// A chunk of a pack: PlacedChunk with frames counted from the beginning of the pack.
using PackChunk = content::PlacedChunk;

struct PackFrame {
    std::uint32_t end = 0;  // of its stored bytes, counted from the beginning of the pack
    std::uint32_t plain_bytes = 0;
    bool is_compressed = false;

    bool operator==(const PackFrame&) const = default;
};

struct PackTrailer {
    std::uint32_t chunk_table_bytes = 0;  // stored, with the tag
    std::uint32_t frame_table_bytes = 0;
    std::uint32_t chunk_count = 0;
    std::uint32_t frame_count = 0;
    std::uint64_t blob_bytes = 0;

    std::uint64_t frame_table_offset() const {
        return blob_bytes - format::kPackTrailerBytes - frame_table_bytes;
    }

    std::uint64_t chunk_table_offset() const { return frame_table_offset() - chunk_table_bytes; }
};

Bytes encode_chunk_table(const std::vector<PackChunk>& chunks);
Bytes encode_frame_table(const std::vector<PackFrame>& frames);
Bytes encode_trailer(const PackTrailer& trailer);

// All throw CorruptData; `what` names the pack.

/// Also checks that the tables fit a blob of `blob_bytes` and hold what the counts say.
PackTrailer decode_trailer(ByteView bytes, std::uint64_t blob_bytes, std::string_view what);
/// Also checks that ends grow and stay before `frames_end`, and the plain lengths.
std::vector<PackFrame> decode_frame_table(ByteView plain,
                                          std::uint64_t frames_end,
                                          std::string_view what);
/// Also checks that each chunk lies within the frames.
std::vector<PackChunk> decode_chunk_table(ByteView plain,
                                          const std::vector<PackFrame>& frames,
                                          std::string_view what);

}  // namespace backup::repository
