// SPDX-License-Identifier: Apache-2.0
// Reads chunks: index, pack, frame, with a bounded cache of decoded frames. The read half of the
// repository. All functions may be called from any thread.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/base/error.hpp"
#include "core/content/chunk_id.hpp"
#include "core/repository/file_content.hpp"
#include "core/repository/index_segment.hpp"
#include "core/repository/repository.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace backup::repository {

class IndexReader;

struct ChunkStoreOptions {
    std::uint64_t frame_cache_bytes = 64U << 20U;
    /// For blocks of the index.
    std::uint64_t index_cache_bytes = 32U << 20U;
    /// Threads that decode ahead of those who collect() in order.
    unsigned prefetch_threads = 0;
    /// Told of an index segment that cannot be read, for whatever reason, when it is opened or
    /// later from any thread; what it says is left out then. Without it, that throws. It may throw
    /// the error itself, where leaving out what is not damaged would look like a loss.
    std::function<void(const std::string& blob, const Error& error)> on_damaged_index;
};

/// As many as the processors are worth: for ChunkStoreOptions::prefetch_threads.
unsigned usual_prefetch_threads();

/// Where a chunk lies.
struct ChunkLocation {
    content::Digest pack{};
    std::uint32_t first_frame = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
};

struct ChunkStoreCounters {
    std::uint64_t frames_decoded = 0;
    std::uint64_t frame_cache_hits = 0;
    std::uint64_t bytes_fetched = 0;  // from the backend
};

class ChunkStore {
  public:
    /// Opens the index; its records are read when they are asked for. `repository` must outlive
    /// this.
    explicit ChunkStore(const Repository& repository, ChunkStoreOptions options = {});
    ~ChunkStore();
    ChunkStore(const ChunkStore&) = delete;
    ChunkStore& operator=(const ChunkStore&) = delete;

    std::optional<ChunkLocation> find(const content::ShortId& id) const;

    bool contains(const content::ShortId& id) const { return find(id).has_value(); }

    /// Every place: a chunk may have been stored twice, and one of the packs may be lost.
    std::vector<ChunkLocation> find_all(const content::ShortId& id) const;
    /// Every pack the index names.
    std::vector<IndexedPack> list_packs() const;
    /// How many chunks the index names; one that stands in two segments counts twice.
    std::uint64_t chunk_count() const;
    /// A present index segment says that this pack (or segment) is not needed any more: that it is
    /// missing is no loss, whatever a point's pack set says.
    bool is_superseded(const content::Digest& name) const;
    /// The segments in use (index_reader.hpp): for whoever goes through all records.
    std::vector<std::shared_ptr<const IndexReader>> list_segments() const;

    /// The whole chunk; throws CorruptData naming the chunk and pack when it is missing or damaged.
    Bytes read(const content::ShortId& id);
    /// The same of a chunk of this length; it has all of this name, as a chunk of this kind.
    Bytes read(const content::ChunkId& id, content::ChunkKind kind, std::uint64_t bytes);

    // Of content (ChunkKind::Data). When all of the chunk is read its name is proved.

    /// out.size() bytes of the chunk: decodes only the frames that hold them.
    void read_range(const ChunkPiece& piece, std::span<std::byte> out);

    /// The same bytes without copying them, as pieces of decoded frames behind what `out` holds.
    /// For those who come back for the neighbours: decoded frames stay in the cache.
    void collect(const ChunkPiece& piece, std::uint64_t size, ByteChain& out);

    /// Looks for index segments that came since, and drops those that are gone or replaced; true
    /// when any came (a mount follows new points). A read that meets a pack or a segment that was
    /// removed does this by itself, once, and looks again.
    bool refresh();
    /// Uses a segment that was just written, without looking for others.
    void add_segment(const content::Digest& name);

    /// Closes files that were not read since the last call, so that an idle mount does not keep a
    /// disk busy.
    void close_idle();

    ChunkStoreCounters counters() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::repository
