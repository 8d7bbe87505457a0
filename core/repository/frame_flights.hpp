// SPDX-License-Identifier: Apache-2.0
// Which frames are being decoded by which thread, so that no two decode the same one. Knows numbers
// only. All functions may be called from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_set>

namespace backup::repository {

class FrameFlights {
  public:
    /// Frames first, first + 1, ... of a pack, at most `most`, up to one that is in flight or
    /// that `is_enough` says is not wanted. The caller decodes them and must land() each.
    std::uint32_t take(std::uint32_t pack,
                       std::uint32_t first,
                       std::uint32_t most,
                       const std::function<bool(std::uint32_t frame)>& is_enough);
    void land(std::uint32_t pack, std::uint32_t frame);
    /// Returns when the frame is not in flight; throws Interrupted where nothing may wait.
    void wait(std::uint32_t pack, std::uint32_t frame);

  private:
    std::mutex mutex_;
    std::condition_variable landed_;
    std::unordered_set<std::uint64_t> flying_;
};

/// Lands what was taken, whatever happens.
class Landing {
  public:
    Landing(FrameFlights& flights, std::uint32_t pack, std::uint32_t first, std::uint32_t count)
        : flights_(flights),
          pack_(pack),
          next_(first),
          end_(first + count) {}

    Landing(const Landing&) = delete;
    Landing& operator=(const Landing&) = delete;

    ~Landing() {
        while (next_ < end_) {
            land_next();
        }
    }

    void land_next() { flights_.land(pack_, next_++); }

  private:
    FrameFlights& flights_;
    std::uint32_t pack_;
    std::uint32_t next_;
    std::uint32_t end_;
};

}  // namespace backup::repository
