// SPDX-License-Identifier: Apache-2.0
// Where the bytes of one file of a tree lie: extents in its directory page, or below that in extent
// pages (docs/format.md section 6.3). Any thread; functions throw CorruptData, NotFound, Io.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/repository/file_content.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/page_codec.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace backup::repository {

class FileExtents {
  public:
    using Visit = std::function<void(std::uint64_t begin, const Extent& extent)>;

    /// Of a record of that page whose content is ContentKind::Extents. `cache` must outlive this.
    FileExtents(PageCache& cache, PagePointer page, const EntryRecord& record);

    /// In the order of the file.
    void each(const Visit& visit) const;

    /// The first offset from this one on that is in a hole, or is not; the size when there is none.
    std::uint64_t seek(std::uint64_t offset, bool for_hole) const;

    /// Where one read from `offset`, below the size, should end: at the end of the chunk, after at
    /// most 16 MiB, in holes 1 MiB.
    std::uint64_t piece_end(std::uint64_t offset) const;

    /// out.size() bytes from `offset`, none behind the size.
    void read(std::uint64_t offset, std::span<std::byte> out) const;

    /// The same bytes behind what `out` holds, as pieces of what is decoded already.
    void collect(std::uint64_t offset, std::uint64_t size, ByteChain& out) const;

  private:
    struct Place {
        std::uint64_t begin = 0;  // of the extent, in the file
        Extent extent;
    };

    Place find(std::uint64_t offset) const;
    void flatten(const Extent& extent,
                 unsigned depth,
                 std::uint64_t begin,
                 const Visit& visit) const;

    PageCache& cache_;
    PagePointer page_;
    EntryRecord record_;
};

}  // namespace backup::repository
