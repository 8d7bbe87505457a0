// SPDX-License-Identifier: Apache-2.0
// Random bytes, behind an interface so that a failing test can be run again with its seed.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>
#include <mutex>
#include <span>

namespace backup {

class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> out) = 0;

    std::uint64_t number();
    Bytes bytes(std::size_t count);
};

/// getrandom(2): fit for keys.
class SystemRandom : public Random {
  public:
    void fill(std::span<std::byte> out) override;
};

/// Makes one source usable by many threads; must not outlive it.
class SharedRandom : public Random {
  public:
    explicit SharedRandom(Random& random) : random_(random) {}

    void fill(std::span<std::byte> out) override {
        const std::scoped_lock lock(mutex_);
        random_.fill(out);
    }

  private:
    std::mutex mutex_;
    Random& random_;
};

}  // namespace backup
