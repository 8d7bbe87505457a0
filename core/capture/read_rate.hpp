// SPDX-License-Identifier: Apache-2.0
// One rate for all volumes that are read at the same time: tells each its part, and that it has
// changed. Who keeps to it is the mover beside the volume; this knows neither movers nor bytes.
#pragma once

#include "core/base/synchronized.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace backup::capture {

/// Safe to be used from any thread.
class ReadRate {
  public:
    /// 0: no limit.
    explicit ReadRate(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

    bool is_limited() const { return bytes_per_second_ != 0; }

    /// One volume. It has no part before begin() and after end(), so that one which is only looked
    /// through takes nothing away from the others.
    class Share {
      public:
        explicit Share(ReadRate& rate) : rate_(rate) {}

        /// end()
        ~Share();
        Share(const Share&) = delete;
        Share& operator=(const Share&) = delete;

        void begin();
        void end();

        /// Bytes a second, at least 1; of one that has not begun: what it would get.
        std::uint64_t part() const;

        /// The part as soon as it is another one than `known`; empty after end(), or when stop was
        /// asked.
        std::optional<std::uint64_t> wait_for_change(std::uint64_t known,
                                                     const std::stop_token& stop) const;

      private:
        enum class Phase { Waits, Reads, Ended };

        ReadRate& rate_;
        Phase phase_ = Phase::Waits;  // under the lock of the rate's readers
    };

  private:
    std::uint64_t divide(std::size_t readers) const;

    const std::uint64_t bytes_per_second_;
    Synchronized<std::size_t> readers_;
    std::condition_variable_any changed_;
};

}  // namespace backup::capture
