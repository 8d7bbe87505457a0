// SPDX-License-Identifier: Apache-2.0
// The little that trees need of the chunk store: put a page, get a page, read a piece of a chunk.
// Tests stand in for it with a map.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/content/chunk_id.hpp"
#include "core/repository/file_content.hpp"

#include <memory>
#include <span>

namespace backup::repository {

class ChunkStore;
class Writer;

class PageSink {
  public:
    virtual ~PageSink() = default;
    /// Stores the bytes (unless they are known) and names them.
    virtual content::ShortId put(content::ChunkKind kind, ByteView bytes) = 0;
};

/// Called from any thread.
class PageSource {
  public:
    virtual ~PageSource() = default;
    /// A whole page or extent page; throws CorruptData when it is missing or damaged.
    virtual Bytes get(const content::ShortId& id) = 0;
    /// Exactly out.size() bytes; proves the name of the chunk when that is all of it.
    virtual void get_range(const ChunkPiece& piece, std::span<std::byte> out) = 0;
    /// The same bytes behind what `out` holds; without copying them where that can be.
    virtual void collect(const ChunkPiece& piece, std::uint64_t size, ByteChain& out);
};

/// Both keep a reference only.
std::unique_ptr<PageSink> make_page_sink(Writer& writer);
std::unique_ptr<PageSource> make_page_source(ChunkStore& chunks);

}  // namespace backup::repository
