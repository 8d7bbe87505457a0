// SPDX-License-Identifier: Apache-2.0
// Random bytes, behind an interface so that a failing test can be run again with its seed.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>
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

}  // namespace backup
