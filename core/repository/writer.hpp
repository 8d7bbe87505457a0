// SPDX-License-Identifier: Apache-2.0
// The write half of the repository: takes groups of frames, seals them into packs, and commits a
// point last. Everything before the commit is invisible; a run that dies leaves a valid repository.
#pragma once

#include "core/content/frame_group.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/point_store.hpp"

#include <memory>
#include <set>

namespace backup::repository {

enum class PackKind : std::uint8_t { Data = 'D', Metadata = 'M' };

struct WriterOptions {
    int compression_level = 1;
    /// Every frame that is made in this process is decoded and compared before it is stored.
    bool verify_writes = true;
    /// Merges small index segments at commit, unless a collection was under way at the start.
    bool compact_index = true;
    /// Packs that were damaged when they were last read: what is in them counts as unknown, so that
    /// a run that has the same content stores it again.
    std::set<content::Digest> unsound_packs = {};
};

struct WriterCounters {
    std::uint64_t chunks_added = 0;
    std::uint64_t chunks_known = 0;
    std::uint64_t new_bytes = 0;     // plain
    std::uint64_t stored_bytes = 0;  // what went to the backend
};

/// All functions may be called from any thread.
class Writer {
  public:
    /// `known` answers what need not be stored again; all references must outlive this. Chunks in
    /// packs that the backend has lost count as unknown, so that a new run stores them again.
    Writer(const Repository& repository,
           ChunkStore& known,
           Random& random,
           Clock& clock,
           WriterOptions options = {});
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// True when the chunk is in the repository or was added in this run. A chunk that is asked for
    /// and known counts as needed by the coming point (its pack goes into the point's pack set).
    bool is_known(const content::ShortId& id);

    /// Claims an unknown chunk for the caller, who then must add it: of two workers that meet the
    /// same new chunk at the same time only one sends it. False: it is known or claimed already.
    /// A chunk somebody else relies on that was claimed and never added makes commit() throw.
    bool claim(const content::ShortId& id);

    /// Stores frames as they are, after check_group. Chunks of a group that are known by now cost
    /// space, not correctness.
    void add_group(content::FrameGroup group, PackKind kind);

    /// Stores one small chunk (pages, metadata) unless it is known; returns its id.
    content::ChunkId add_chunk(content::ChunkKind kind, ByteView plain);

    /// Cuts bytes into chunks of kind L.
    Stream add_stream(ByteView bytes);

    /// Seals the open packs, writes the index segment, makes both durable, then commits the point:
    /// fills in packs, finished, statistics.new_bytes and stored_bytes. Returns the record with its
    /// id. After an error the point is not there, or, when only the last flush to the disk failed,
    /// there and whole; never in part. The writer must not be used any more.
    PointRecord commit(PointRecord record);

    /// For a run that fails: seals and indexes what was added, so that the next run need not store
    /// it again. (What a run that is killed has stored is found again, too, but not the open
    /// packs.) The writer must not be used any more.
    void keep();

    WriterCounters counters() const;

    /// As the options say: for those who make frames for add_group().
    bool verifies_writes() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::repository
