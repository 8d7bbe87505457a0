// SPDX-License-Identifier: Apache-2.0
// Pages and chunks in a map: what trees need of a repository.
#pragma once

#include "core/base/error.hpp"
#include "core/content/hash.hpp"
#include "core/repository/page_store.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

namespace backup::testing {

struct MemoryPages {
    std::map<content::ShortId, Bytes> chunks;
    std::size_t puts = 0;
    std::size_t gets = 0;
    std::mutex mutex;

    content::ShortId put(ByteView bytes) {
        content::ShortId id;
        const auto digest = content::sha256(bytes);
        std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
        chunks[id] = to_bytes(bytes);
        ++puts;
        return id;
    }
};

class MemorySink : public repository::PageSink {
  public:
    explicit MemorySink(MemoryPages& pages) : pages_(pages) {}

    content::ShortId put(content::ChunkKind, ByteView bytes) override { return pages_.put(bytes); }

  private:
    MemoryPages& pages_;
};

class MemorySource : public repository::PageSource {
  public:
    explicit MemorySource(MemoryPages& pages) : pages_(pages) {}

    Bytes get(const content::ShortId& id) override { return find(id); }

    void get_range(const repository::ChunkPiece& piece, std::span<std::byte> out) override {
        const auto& bytes = find(piece.chunk);
        const auto offset = piece.offset;
        if (offset > bytes.size() || out.size() > bytes.size() - offset) {
            throw Error(ErrorCode::CorruptData, "a chunk is too short");
        }
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    }

  private:
    const Bytes& find(const content::ShortId& id) {
        const std::scoped_lock lock(pages_.mutex);
        ++pages_.gets;
        const auto at = pages_.chunks.find(id);
        if (at == pages_.chunks.end()) {
            throw Error(ErrorCode::CorruptData, "no such chunk " + id.hex());
        }
        return at->second;
    }

    MemoryPages& pages_;
};

}  // namespace backup::testing
