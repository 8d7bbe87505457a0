// SPDX-License-Identifier: Apache-2.0
#include "core/repository/extent_pages.hpp"

#include "core/base/error.hpp"
#include "core/repository/page_codec.hpp"

#include <algorithm>

namespace backup::repository {
namespace {

constexpr std::size_t kShortestExtentPage = 512;
constexpr std::uint64_t kCutMask = 1023;

Bytes encode_extent_page(std::span<const Extent> extents) {
    ByteWriter out;
    for (const auto& extent : extents) {
        out.bytes(extent.chunk.bytes);
        out.number(extent.end);
    }
    return out.take();
}

bool is_cut(const Extent& last, std::size_t count) {
    return count == kExtentsInExtentPage ||
           (count >= kShortestExtentPage && !last.chunk.is_hole() &&
            (load_le<std::uint64_t>(last.chunk.bytes.data()) & kCutMask) == 0);
}

std::vector<Extent> store_level(PageSink& sink, std::span<const Extent> extents) {
    std::vector<Extent> above;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        if (i + 1 == extents.size() || is_cut(extents[i], i + 1 - begin)) {
            const auto page = encode_extent_page(extents.subspan(begin, i + 1 - begin));
            above.push_back({sink.put(content::ChunkKind::ExtentPage, page), extents[i].end});
            begin = i + 1;
        }
    }
    return above;
}

}  // namespace

ExtentRoot store_extents(PageSink& sink, std::vector<Extent> extents) {
    ExtentRoot root{std::move(extents), 0};
    while (root.extents.size() > kExtentsInPage) {
        root.extents = store_level(sink, root.extents);
        ++root.depth;
    }
    if (root.depth > kExtentDepthLimit) {
        throw Error(ErrorCode::Internal, "a file has more extents than the format can hold");
    }
    return root;
}

std::vector<Extent> decode_extent_page(ByteView bytes) {
    const auto count = bytes.size() / kExtentBytes;
    if (bytes.size() % kExtentBytes != 0 || count == 0 || count > kExtentsInExtentPage) {
        throw Error(ErrorCode::CorruptData, "an extent page has an impossible length");
    }
    std::vector<Extent> extents(count);
    for (std::size_t i = 0; i < count; ++i) {
        extents[i] = decode_extent(bytes.data() + i * kExtentBytes);
        if (i > 0 && extents[i].end <= extents[i - 1].end) {
            throw Error(ErrorCode::CorruptData, "extents of an extent page are out of order");
        }
    }
    return extents;
}

void check_extent_page(std::span<const Extent> extents, std::uint64_t begin, std::uint64_t end) {
    if (extents.front().end <= begin) {
        throw Error(ErrorCode::CorruptData, "extents of an extent page are out of order");
    }
    if (extents.back().end != end) {
        throw Error(ErrorCode::CorruptData, "an extent page ends at the wrong place");
    }
}

std::vector<Extent> decode_extent_page(ByteView bytes, std::uint64_t begin, std::uint64_t end) {
    auto extents = decode_extent_page(bytes);
    check_extent_page(extents, begin, end);
    return extents;
}

std::size_t find_extent(std::span<const Extent> extents, std::uint64_t offset) {
    const auto at = std::upper_bound(
        extents.begin(), extents.end(), offset, [](std::uint64_t value, const Extent& extent) {
            return value < extent.end;
        });
    return static_cast<std::size_t>(at - extents.begin());
}

}  // namespace backup::repository
