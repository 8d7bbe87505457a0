// SPDX-License-Identifier: Apache-2.0
// What went wrong while the kernel read: the text of .backup/errors. The kernel knows only numbers.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/base/synchronized.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>

namespace backup::fuse {

/// Keeps the latest 1000 lines. All functions may be called from any thread.
class ErrorJournal {
  public:
    ErrorJournal(Clock& clock, const Log& log) : clock_(clock), log_(log) {}

    /// The same error again and again (a program that retries) is one line with a count.
    void add(const Error& error);
    std::string text();

    std::uint64_t count() const { return count_; }

  private:
    struct Line {
        std::string time;
        std::string text;
        std::uint64_t times = 1;
    };

    Clock& clock_;
    const Log& log_;
    std::atomic<std::uint64_t> count_ = 0;
    Synchronized<std::deque<Line>> lines_;
};

}  // namespace backup::fuse
