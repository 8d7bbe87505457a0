// SPDX-License-Identifier: Apache-2.0
#include "core/view/lru_cache.hpp"

#include "tests/support/catch.hpp"

#include <string>

namespace backup::view {
namespace {

void put(LruCache<std::string>& cache, std::uint64_t key, std::uint64_t cost) {
    cache.put(key, std::make_shared<const std::string>(std::to_string(key)), cost);
}

TEST_CASE("what was not used for longest goes first") {
    LruCache<std::string> cache(30);
    put(cache, 1, 10);
    put(cache, 2, 10);
    put(cache, 3, 10);
    CHECK(cache.find(1) != nullptr);
    put(cache, 4, 10);
    CHECK(cache.find(2) == nullptr);
    CHECK(cache.find(1) != nullptr);
    put(cache, 5, 25);
    CHECK(cache.find(1) == nullptr);
    CHECK(*cache.find(5) == "5");
}

TEST_CASE("what is larger than the cache is not kept") {
    LruCache<std::string> cache(30);
    put(cache, 1, 10);
    put(cache, 2, 31);
    CHECK(cache.find(2) == nullptr);
    CHECK(cache.find(1) != nullptr);
}

TEST_CASE("a value in use outlives its being dropped") {
    LruCache<std::string> cache(10);
    put(cache, 1, 10);
    const auto held = cache.find(1);
    put(cache, 2, 10);
    CHECK(cache.find(1) == nullptr);
    CHECK(*held == "1");
}

}  // namespace
}  // namespace backup::view
