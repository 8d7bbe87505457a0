// SPDX-License-Identifier: Apache-2.0
#include "core/repository/file_extents.hpp"

#include "core/repository/extent_pages.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace backup::repository {

namespace {

// More pieces than that cost more than copying: a file of many tiny extents. Each may also keep a
// frame of up to 1 MiB in memory.
constexpr std::size_t kLongestChain = 64;

// Four times the longest chunk of a repository that `init` made.
constexpr std::uint64_t kLongestPiece = 16U << 20U;
constexpr std::uint64_t kLongestHolePiece = 1U << 20U;

}  // namespace

FileExtents::FileExtents(PageCache& cache, PagePointer page, const EntryRecord& record)
    : cache_(cache),
      page_(std::move(page)),
      record_(record) {}

void FileExtents::each(const Visit& visit) const {
    std::uint64_t begin = 0;
    for (std::uint32_t i = 0; i < record_.b; ++i) {
        const auto extent = page_->view->extent(record_.a + i);
        flatten(extent, record_.depth, begin, visit);
        begin = extent.end;
    }
}

void FileExtents::flatten(const Extent& extent,
                          unsigned depth,
                          std::uint64_t begin,
                          const Visit& visit) const {
    if (depth == 0) {
        visit(begin, extent);
        return;
    }
    const auto page = cache_.get_extent_page(extent.chunk);
    check_extent_page(page->extents, begin, extent.end);
    for (const auto& below : page->extents) {
        flatten(below, depth - 1, begin, visit);
        begin = below.end;
    }
}

FileExtents::Place FileExtents::find(std::uint64_t offset) const {
    const auto& view = *page_->view;
    const auto numbers = std::views::iota(record_.a, record_.a + record_.b - 1);
    const auto found = std::ranges::upper_bound(
        numbers, offset, {}, [&](std::uint32_t i) { return view.extent(i).end; });
    const auto number = record_.a + static_cast<std::uint32_t>(found - numbers.begin());
    Place place{number == record_.a ? 0 : view.extent(number - 1).end, view.extent(number)};
    for (unsigned depth = record_.depth; depth > 0; --depth) {
        const auto page = cache_.get_extent_page(place.extent.chunk);
        const auto& extents = page->extents;
        check_extent_page(extents, place.begin, place.extent.end);
        const auto below = find_extent(extents, offset);
        place = {below == 0 ? place.begin : extents[below - 1].end, extents[below]};
    }
    return place;
}

std::uint64_t FileExtents::seek(std::uint64_t offset, bool for_hole) const {
    while (offset < record_.size) {
        const auto extent = find(offset).extent;
        if (extent.chunk.is_hole() == for_hole) {
            return offset;
        }
        offset = extent.end;
    }
    return record_.size;
}

std::uint64_t FileExtents::piece_end(std::uint64_t offset) const {
    const auto extent = find(offset).extent;
    return offset + std::min(extent.end - offset,
                             extent.chunk.is_hole() ? kLongestHolePiece : kLongestPiece);
}

void FileExtents::read(std::uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const auto [begin, extent] = find(offset);
        const auto piece = out.first(std::min<std::uint64_t>(extent.end - offset, out.size()));
        if (extent.chunk.is_hole()) {
            std::ranges::fill(piece, std::byte{0});
        } else {
            cache_.source().get_range({extent.chunk, extent.end - begin, offset - begin}, piece);
        }
        offset += piece.size();
        out = out.subspan(piece.size());
    }
}

void FileExtents::collect(std::uint64_t offset, std::uint64_t size, ByteChain& out) const {
    const auto end = offset + size;
    while (offset < end) {
        if (out.size() >= kLongestChain) {
            read(offset, append_room(out, end - offset));
            return;
        }
        const auto [begin, extent] = find(offset);
        const auto piece = std::min(extent.end, end) - offset;
        if (extent.chunk.is_hole()) {
            append_room(out, piece);
        } else {
            cache_.source().collect({extent.chunk, extent.end - begin, offset - begin}, piece, out);
        }
        offset += piece;
    }
}

}  // namespace backup::repository
