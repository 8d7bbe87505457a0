// SPDX-License-Identifier: Apache-2.0
// Random numbers that can be had again: every run takes a new seed, a failing one prints it, and
// BACKUP_SEED=<number> repeats it.
#pragma once

#include "core/base/random.hpp"

#include <cstdint>

namespace backup::testing {

/// The seed of this run.
std::uint64_t test_seed();

class SeededRandom : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed = test_seed()) : state_(seed) {}

    void fill(std::span<std::byte> out) override;

    /// Below `bound`, which is not 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

  private:
    std::uint64_t next();

    std::uint64_t state_;
};

}  // namespace backup::testing
