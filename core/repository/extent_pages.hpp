// SPDX-License-Identifier: Apache-2.0
// Extents of files that have too many of them for a directory page: docs/format.md section 6.3.
#pragma once

#include "core/repository/file_content.hpp"
#include "core/repository/page_store.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace backup::repository {

/// The extents that stand in the page itself; with depth > 0 they name extent pages.
struct ExtentRoot {
    std::vector<Extent> extents;
    std::uint8_t depth = 0;
};

/// Stores extent pages until at most kExtentsInPage are left. Where they are cut depends on the
/// chunk ids, so that an insertion into the file moves few cuts.
ExtentRoot store_extents(PageSink& sink, std::vector<Extent> extents);

/// Reads an extent page; throws CorruptData, also when its extents are not in order.
std::vector<Extent> decode_extent_page(ByteView bytes);
/// Throws CorruptData when they do not cover the file from `begin` to `end`.
void check_extent_page(std::span<const Extent> extents, std::uint64_t begin, std::uint64_t end);
/// Both.
std::vector<Extent> decode_extent_page(ByteView bytes, std::uint64_t begin, std::uint64_t end);

/// Number of the extent that holds `offset`, which must be below the last end.
std::size_t find_extent(std::span<const Extent> extents, std::uint64_t offset);

}  // namespace backup::repository
