// SPDX-License-Identifier: Apache-2.0
// Groups of frames in, packs and index segments out: one thread seals and writes, one waits for the
// disk, so that those who make the groups wait for neither. Memory: a few groups, and the records
// of at most 2^18 chunks that no segment names yet.
#pragma once

#include "core/base/error.hpp"
#include "core/base/queue.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/pack_writer.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace backup::repository {

/// All functions may be called from any thread. After an error each of them throws that error.
class PackPipeline {
  public:
    /// Told of a segment the pipeline wrote by itself, durable by now, with all its records. Called
    /// from a thread of the pipeline.
    using OnIndexed =
        std::function<void(const content::Digest& segment, std::span<const IndexRecord> records)>;

    /// `random` must be safe to be used by another thread.
    PackPipeline(const Repository& repository, Random& random, OnIndexed on_indexed = {});
    ~PackPipeline();
    PackPipeline(const PackPipeline&) = delete;
    PackPipeline& operator=(const PackPipeline&) = delete;

    /// `kind` is DataPack or MetadataPack. Waits for room.
    void add(content::FrameGroup group, BlobKind kind);

    /// Ends the open packs; returns when all that was added lies in the backend.
    void drain();

    /// After drain(): makes the packs durable, then writes and makes durable an index segment of
    /// those that are in none yet. Does nothing when there are none.
    void write_index();

    /// Of every pack that lies in the backend by now.
    std::vector<content::Digest> list_packs() const;
    std::uint64_t stored_bytes() const;

  private:
    struct Job {
        std::optional<content::FrameGroup> group;  // empty: end the open packs
        BlobKind kind = BlobKind::DataPack;
    };

    struct Progress {
        IndexSegment unindexed;
        std::uint64_t unindexed_bytes = 0;
        std::vector<content::Digest> packs;
        std::uint64_t stored_bytes = 0;
        std::uint64_t drained = 0;  // how many requests to drain were fulfilled
        std::optional<Error> failure;
    };

    using Pack = std::unique_ptr<PackWriter>;

    void seal_groups(const std::stop_token& stop);
    bool finish_pack(Pack& pack, const std::stop_token& stop);
    void commit_packs(const std::stop_token& stop);
    void note_committed(const PackWriter& pack);
    bool has_much_unindexed() const;
    IndexSegment take_unindexed();
    content::Digest put_index(const IndexSegment& segment);
    template <typename Work>
    void run(Work work);
    void fail(const Error& error);
    void throw_if_failed() const;

    const Repository& repository_;
    Random& random_;
    const OnIndexed on_indexed_;
    const bool makes_parity_;
    BoundedQueue<Job> jobs_;
    BoundedQueue<Pack> finished_;  // nullptr: a request to drain passes by
    mutable Synchronized<Progress> progress_;
    std::condition_variable changed_;
    Synchronized<std::uint64_t> drains_asked_;
    TaskGroup threads_;  // last: joined before what the threads use goes away
};

}  // namespace backup::repository
