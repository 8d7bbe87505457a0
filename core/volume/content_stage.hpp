// SPDX-License-Identifier: Apache-2.0
// Between reading and sending: plain chunks wait here until the client has said which of them it
// lacks. Holds the memory of the mover within one budget.
#pragma once

#include "core/base/queue.hpp"
#include "core/base/rate_limit.hpp"
#include "core/base/synchronized.hpp"
#include "core/volume/budget.hpp"
#include "core/volume/protocol.hpp"

#include <atomic>
#include <map>

namespace backup::volume {

struct PlainChunk {
    content::ChunkId id;
    Bytes bytes;
};

/// What one reader collects for the next Content message.
struct OpenBatch {
    std::vector<ContentItem> items;
    std::vector<PlainChunk> chunks;
    std::uint64_t plain_bytes = 0;
    std::optional<std::uint64_t> file;  // begun and not ended

    void begin_file(std::uint64_t number) {
        file = number;
        items.emplace_back(FileStart{number});
    }

    void end_file(FileEnd end) {
        file.reset();
        items.emplace_back(std::move(end));
    }
};

class ContentStage {
  public:
    /// The budget leaves room for what each reader may hold before it sends.
    ContentStage(const ReadTask& task, Channel& channel, Clock& clock);

    /// Waits for room for a chunk of this size; throws Interrupted on stop.
    void reserve(std::size_t chunk_bytes, const std::stop_token& stop);
    /// Adds a reserved chunk; sends the batch when it is full.
    void add(OpenBatch& batch, PlainChunk chunk, const std::stop_token& stop);
    /// A file that is not ended goes on in the next message.
    void flush(OpenBatch& batch, const std::stop_token& stop);

    /// The client's answer: never waits.
    void answer(const Missing& missing);

    /// Body of a packing thread: ends when close() was called.
    void pack(const ReadTask& task, const std::stop_token& stop);

    /// No more answers come.
    void close() { to_pack_.close(); }

    /// True when the client has everything: nothing waits for an answer or a packer.
    bool is_drained();

    /// Waits until so much may be read; throws Interrupted on stop.
    void pace(std::uint64_t bytes, const std::stop_token& stop);

    std::uint64_t pace_piece() const { return read_limit_.piece(); }

    void set_read_limit(std::uint64_t bytes_per_second) { read_limit_.set_rate(bytes_per_second); }

    /// Grows with every answer of the volume's file system.
    std::atomic<std::uint64_t>& steps() { return steps_; }

    void count_read(std::uint64_t bytes) { bytes_read_ += bytes; }

    std::uint64_t bytes_read() const { return bytes_read_; }

  private:
    using Chunks = std::vector<PlainChunk>;

    static std::uint64_t cost(std::size_t chunk_bytes);

    Channel& channel_;
    RateLimit read_limit_;
    Budget budget_;
    Synchronized<std::map<std::uint64_t, Chunks>> waiting_;
    BoundedQueue<Chunks> to_pack_;
    std::atomic<std::uint64_t> packing_ = 0;
    std::atomic<std::uint64_t> next_batch_ = 0;
    std::atomic<std::uint64_t> bytes_read_ = 0;
    std::atomic<std::uint64_t> steps_ = 0;
};

}  // namespace backup::volume
