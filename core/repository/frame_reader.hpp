// SPDX-License-Identifier: Apache-2.0
// Bytes of chunks from their packs: open packs, decoded frames in a bounded cache, and frames that
// are decoded ahead of sequential readers. Does not know the index: callers say where a chunk lies.
// All functions may be called from any thread; they throw CorruptData, NotFound, Io.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/repository/index_segment.hpp"
#include "core/repository/repository.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace backup::repository {

struct FrameReaderOptions {
    std::uint64_t cache_bytes = 64U << 20U;
    /// Threads that decode ahead; started when the first sequential reader comes. 0: none.
    unsigned prefetch_threads = 0;
};

struct FrameCounters {
    std::uint64_t decoded = 0;
    std::uint64_t ahead = 0;  // of them, before anybody asked
    std::uint64_t cache_hits = 0;
    std::uint64_t bytes_fetched = 0;  // from the backend
};

class FrameReader {
  public:
    /// The pack of a number in IndexRecord::pack. Called from any thread.
    using FindPack = std::function<IndexedPack(std::uint32_t number)>;

    /// `repository` must outlive this.
    FrameReader(const Repository& repository, FrameReaderOptions options, FindPack find_pack);
    ~FrameReader();
    FrameReader(const FrameReader&) = delete;
    FrameReader& operator=(const FrameReader&) = delete;

    // Both throw CorruptData when the pack's own table of chunks has another chunk there.

    /// out.size() bytes from `offset` of the chunk. Whole frames are decoded into `out` directly
    /// and not kept.
    void read(const IndexRecord& chunk, std::uint64_t offset, std::span<std::byte> out);

    /// The same bytes as pieces of decoded frames, which stay in the cache; behind what `out` holds
    /// already.
    void collect(const IndexRecord& chunk,
                 std::uint64_t offset,
                 std::uint64_t size,
                 ByteChain& out);

    /// Closes the files of packs that nobody read since the last call, so that an idle mount does
    /// not keep a disk busy.
    void close_idle();

    /// The next use opens the pack anew: it may have been replaced.
    void forget_pack(std::uint32_t number);

    FrameCounters counters() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::repository
