// SPDX-License-Identifier: Apache-2.0
// Many small index segments made into few large ones: docs/format.md section 8. The old ones stay
// until a collection removes them; readers ignore them.
#pragma once

#include "core/repository/index_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace backup::repository {

using IndexReaders = std::vector<std::shared_ptr<const IndexReader>>;

/// A merged segment holds no more records (64 bytes of memory each, for a moment).
inline constexpr std::uint64_t kMostMergedRecords = std::uint64_t{1} << 20U;
/// So many segments of about the same size are merged; no more than kMostMerged at once.
inline constexpr std::size_t kFewestMerged = 8;
inline constexpr std::size_t kMostMerged = 64;

/// Which segments to merge next, as positions in `record_counts`; empty: none. Sizes are told apart
/// by factors of eight, so that a record is written again few times in its life.
std::vector<std::size_t> choose_merge(const std::vector<std::uint64_t>& record_counts);

struct MergedIndex {
    content::Digest digest{};
    std::uint64_t records = 0;
    std::uint64_t stored_bytes = 0;
};

/// Writes one segment with all that these say, once, and their names and what they replaced as
/// replaced. Memory: a block for each, and what IndexWriter takes. Durable after the next sync of
/// the backend. Throws what IndexReader throws.
MergedIndex merge_index(const Repository& repository,
                        std::span<const std::shared_ptr<const IndexReader>> segments,
                        Random& random);

/// Merges until there is nothing to choose; durable when it returns. Returns the bytes written. To
/// be called only by a session that saw no collection when it began.
std::uint64_t compact_index(const Repository& repository, IndexReaders segments, Random& random);

}  // namespace backup::repository
