// SPDX-License-Identifier: Apache-2.0
#include "core/base/random.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using backup::testing::SeededRandom;

TEST_CASE("the system gives as many bytes as asked, and others each time") {
    SystemRandom random;
    CHECK(random.bytes(0).empty());
    const auto first = random.bytes(100'000);
    CHECK(first.size() == 100'000);
    CHECK(first != random.bytes(100'000));
    CHECK(random.number() != random.number());
}

TEST_CASE("a seed can be repeated, other seeds differ") {
    SeededRandom first(7);
    SeededRandom again(7);
    SeededRandom other(8);
    const auto bytes = first.bytes(64);
    CHECK(again.bytes(64) == bytes);
    CHECK(other.bytes(64) != bytes);
    CHECK(first.number() == again.number());
}
