// SPDX-License-Identifier: Apache-2.0
#include "tests/support/seeded_random.hpp"

#include <cstdlib>
#include <string>

namespace backup::testing {

std::uint64_t test_seed() {
    static const std::uint64_t seed = [] {
        const char* given = std::getenv("BACKUP_SEED");
        return given != nullptr ? std::stoull(given) : SystemRandom().number() >> 32U;
    }();
    return seed;
}

// SplitMix64 (Steele, Lea, Flood 2014): any seed is a good one.
std::uint64_t SeededRandom::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

void SeededRandom::fill(std::span<std::byte> out) {
    for (auto& byte : out) {
        byte = static_cast<std::byte>(next() & 0xffU);
    }
}

}  // namespace backup::testing
