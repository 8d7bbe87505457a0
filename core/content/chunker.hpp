// SPDX-License-Identifier: Apache-2.0
// Cuts content where the content says so, so that an insertion moves few cuts: keyed gear hash,
// normalised chunking (FastCDC). docs/format.md section 5.
#pragma once

#include "core/base/bytes.hpp"
#include "core/content/hash.hpp"

#include <array>
#include <cstdint>

namespace backup::content {

struct ChunkerParameters {
    std::uint32_t min_bytes = 256U << 10U;
    std::uint32_t average_bytes = 1U << 20U;
    std::uint32_t max_bytes = 4U << 20U;

    bool operator==(const ChunkerParameters&) const = default;
    /// Throws InvalidArgument unless 64 <= min < average < max <= 64 MiB and average is a power of
    /// two.
    void check() const;

    /// Content up to this size is one chunk and is not scanned.
    std::uint32_t single_chunk_bytes() const { return max_bytes / 4; }
};

/// Immutable after construction; shared by threads.
class Chunker {
  public:
    Chunker(const SecretKey& chunker_key, ChunkerParameters parameters);

    /// Length of the chunk that begins at `bytes`. When `is_last` is false the caller has given at
    /// least max_bytes; when true, `bytes` is all that is left (> 0).
    std::size_t next_cut(ByteView bytes, bool is_last) const;

    const ChunkerParameters& parameters() const { return parameters_; }

  private:
    ChunkerParameters parameters_;
    std::array<std::uint64_t, 256> gear_{};
    std::uint64_t mask_before_average_ = 0;
    std::uint64_t mask_behind_average_ = 0;
};

}  // namespace backup::content
