// SPDX-License-Identifier: Apache-2.0
// Ends the reading of a volume whose file system has stopped to answer: a thread that waits for it
// waits for ever, and the application may be frozen meanwhile. Knows nothing of what is read.
#pragma once

#include "core/base/retry.hpp"
#include "core/volume/channel.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <utility>

namespace backup::capture {

/// Longer than a tape, a disk that spins up, or an NFS server that is started again needs.
inline constexpr std::chrono::minutes kStallLimit{10};

struct StallOptions {
    std::chrono::nanoseconds limit = kStallLimit;
    /// Between two looks; another one is for tests.
    std::function<bool(std::chrono::nanoseconds, const std::stop_token&)> sleep = sleep_for;
};

/// For one reading. It looks again and again instead of taking the time, so that neither a client
/// that is busy with what it has got nor one that was put to sleep blames the volume.
class StallWatch {
  public:
    explicit StallWatch(StallOptions options) : options_(std::move(options)) {}

    /// While it lives, its thread does nothing but wait for the mover.
    class Waiting {
      public:
        /// No `watch`: nobody looks.
        explicit Waiting(StallWatch* watch) : watch_(watch) {
            if (watch_ != nullptr) {
                watch_->is_waiting_ = true;
            }
        }

        ~Waiting() {
            if (watch_ != nullptr) {
                ++watch_->received_;
                watch_->is_waiting_ = false;
            }
        }

        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;

      private:
        StallWatch* watch_;
    };

    /// Body of a task beside the one that waits: until close(), or stop. Throws TimedOut when at
    /// each look for `limit` that one was waiting, and nothing had been heard since the last.
    void run(const volume::Channel& channel, const std::stop_token& stop);

    void close() { closed_.request_stop(); }

    /// run() has thrown TimedOut.
    bool has_stalled() const { return has_stalled_; }

  private:
    StallOptions options_;
    std::stop_source closed_;
    std::atomic<bool> is_waiting_ = false;
    std::atomic<std::uint64_t> received_ = 0;  // messages
    std::atomic<bool> has_stalled_ = false;
};

}  // namespace backup::capture
