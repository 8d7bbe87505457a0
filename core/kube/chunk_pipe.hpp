// SPDX-License-Identifier: Apache-2.0
// Chunks of bytes from one thread to another, bounded in bytes, where one of the two polls a socket
// and must never block: it uses the try_ functions and is woken through `wake`.
#pragma once

#include "core/base/bytes.hpp"
#include "core/base/synchronized.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <optional>

namespace backup::kube {

class ChunkPipe {
  public:
    /// `wake` is called from the blocking side when the polling side has something to do again.
    ChunkPipe(std::size_t capacity_bytes, std::function<void()> wake)
        : capacity_(capacity_bytes),
          wake_(std::move(wake)) {}

    /// Blocking side, in: waits for room. False when the pipe is closed.
    bool push(Bytes chunk);
    /// Blocking side, out: waits for a chunk. Empty when the pipe is closed and drained.
    std::optional<Bytes> pop();

    /// Polling side, out.
    std::optional<Bytes> try_pop();
    /// Polling side, in: takes the chunk even over the capacity; ask has_room() first.
    void put(Bytes chunk);
    /// When false, `wake` is called as soon as half of the capacity is free.
    bool has_room();

    void close();
    /// Closes and drops what is there and what comes.
    void discard();

  private:
    struct State {
        std::deque<Bytes> chunks;
        std::size_t bytes = 0;
        bool is_closed = false;
        bool is_discarding = false;
        bool is_wake_wanted = false;
    };

    std::optional<Bytes> take(State& state);

    std::size_t capacity_;
    std::function<void()> wake_;
    Synchronized<State> state_;
    std::condition_variable changed_;
};

}  // namespace backup::kube
