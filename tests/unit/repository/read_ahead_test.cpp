// SPDX-License-Identifier: Apache-2.0
#include "core/repository/read_ahead.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

#include <set>

namespace backup::testing {
namespace {

using repository::FrameRange;
using repository::ReadAhead;

TEST_CASE("who reads in order gets what follows, each frame once, to the end of the pack") {
    ReadAhead ahead(32);
    std::set<std::uint32_t> told;
    constexpr std::uint32_t kFrames = 300;
    for (std::uint32_t frame = 0; frame < kFrames; ++frame) {
        if (const auto range = ahead.note(4, frame, frame, kFrames)) {
            CHECK(range->pack == 4);
            CHECK(range->first > frame);
            CHECK(range->first + range->count <= std::min(frame + 1 + 32, kFrames));
            for (std::uint32_t i = 0; i < range->count; ++i) {
                CHECK(told.insert(range->first + i).second);
            }
        }
    }
    CHECK(told.size() >= kFrames - 5);
    CHECK_FALSE(ahead.note(4, kFrames - 1, kFrames - 1, kFrames));
}

TEST_CASE("requests of one reader may come out of order") {
    ReadAhead ahead(32);
    std::uint32_t told = 0;
    for (std::uint32_t frame = 0; frame < 160; frame += 16) {
        for (const auto first : {frame + 8, frame}) {
            const auto range = ahead.note(1, first, first + 7, 1000);
            told += range ? range->count : 0;
        }
    }
    CHECK(told > 100);
    CHECK(told < 200);
}

TEST_CASE("who asks for much at once is believed sooner") {
    ReadAhead ahead(32);
    CHECK_FALSE(ahead.note(1, 0, 7, 1000));
    CHECK_FALSE(ahead.note(2, 0, 15, 1000));
    const auto range = ahead.note(2, 16, 31, 1000);
    REQUIRE(range.has_value());
    CHECK(*range == FrameRange{2, 32, 16});
    CHECK_FALSE(ahead.note(3, 100, 199, 1000));
    CHECK(ahead.note(3, 200, 207, 1000) == FrameRange{3, 208, 8});
}

TEST_CASE("several readers at once are told apart") {
    ReadAhead ahead(32);
    std::set<std::uint32_t> packs;
    for (std::uint32_t frame = 0; frame < 40; ++frame) {
        for (const std::uint32_t pack : {1U, 2U, 3U}) {
            if (const auto range = ahead.note(pack, frame + pack * 100, frame + pack * 100, 1000)) {
                packs.insert(range->pack);
            }
        }
    }
    CHECK(packs.size() == 3);
}

TEST_CASE("who reads here and there gets nothing") {
    ReadAhead ahead(32);
    SeededRandom random(9);
    int told = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto frame = static_cast<std::uint32_t>(random.below(100'000));
        told += ahead.note(static_cast<std::uint32_t>(random.below(100)), frame, frame, 100'000)
                    ? 1
                    : 0;
    }
    CHECK(told < 10);
}

}  // namespace
}  // namespace backup::testing
