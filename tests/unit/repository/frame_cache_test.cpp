// SPDX-License-Identifier: Apache-2.0
#include "core/repository/frame_cache.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::repository;

namespace {

FrameCache::Frame frame_of(std::size_t size) {
    return std::make_shared<const Bytes>(size);
}

}  // namespace

TEST_CASE("the cache keeps to its limit and drops what was not used for longest") {
    FrameCache cache(80'000);
    const auto kept = frame_of(1000);
    cache.insert(1, 0, kept);
    for (std::uint32_t i = 1; i < 1000; ++i) {
        cache.insert(1, i, frame_of(1000));
        CHECK(cache.find(1, 0) == kept);
        CHECK(cache.held_bytes() <= 80'000);
    }
    CHECK(cache.held_bytes() > 40'000);
    CHECK(cache.find(1, 1) == nullptr);
    CHECK(cache.find(1, 999) != nullptr);
    CHECK(cache.find(2, 0) == nullptr);
}

TEST_CASE("a frame that is too large is not kept; one in use outlives the cache's interest") {
    FrameCache cache(8000);
    cache.insert(1, 1, frame_of(1001));
    CHECK(cache.find(1, 1) == nullptr);
    FrameCache none(0);
    none.insert(1, 1, frame_of(1));
    CHECK(none.find(1, 1) == nullptr);
    CHECK(none.held_bytes() == 0);
}
