// SPDX-License-Identifier: Apache-2.0
// Memory for decoded frames, used again: fresh memory would be cleared by the kernel and once more
// by the vector. Knows nothing of what is in it. Any thread.
#pragma once

#include "core/base/bytes.hpp"
#include "core/base/synchronized.hpp"

#include <memory>
#include <vector>

namespace backup::repository {

class FrameBuffers : public std::enable_shared_from_this<FrameBuffers> {
  public:
    /// `size` bytes of anything; comes back here when the last user lets go of it.
    std::shared_ptr<Bytes> take(std::size_t size) {
        auto bytes = std::make_unique<Bytes>();
        {
            auto idle = idle_.lock();
            if (!idle->empty()) {
                bytes = std::move(idle->back());
                idle->pop_back();
            }
        }
        bytes->resize(size);
        return {bytes.release(), [home = weak_from_this()](Bytes* used) { give(home, used); }};
    }

  private:
    static constexpr std::size_t kMostIdle = 32;
    static constexpr std::size_t kLargestKept = 1U << 20U;

    static void give(const std::weak_ptr<FrameBuffers>& home, Bytes* used) {
        std::unique_ptr<Bytes> bytes(used);
        const auto buffers = home.lock();
        if (buffers == nullptr || bytes->capacity() > kLargestKept) {
            return;
        }
        auto idle = buffers->idle_.lock();
        if (idle->size() < kMostIdle) {
            idle->push_back(std::move(bytes));
        }
    }

    Synchronized<std::vector<std::unique_ptr<Bytes>>> idle_;
};

}  // namespace backup::repository
