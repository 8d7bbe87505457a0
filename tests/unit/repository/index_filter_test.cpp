// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_filter.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

std::vector<content::ShortId> random_ids(SeededRandom& random, std::size_t count) {
    std::vector<content::ShortId> ids(count);
    for (auto& id : ids) {
        random.fill(id.bytes);
    }
    return ids;
}

IndexFilter make_filter(const std::vector<content::ShortId>& ids) {
    std::vector<std::uint64_t> keys;
    for (const auto& id : ids) {
        keys.push_back(IndexFilter::key_of(id));
    }
    return IndexFilter::make(std::move(keys));
}

std::size_t count_passing(const IndexFilter& filter, const std::vector<content::ShortId>& ids) {
    std::size_t passing = 0;
    for (const auto& id : ids) {
        passing += filter.may_contain(id) ? 1U : 0U;
    }
    return passing;
}

}  // namespace

TEST_CASE("a filter lets every id of its own pass, whatever their number") {
    SeededRandom random;
    for (std::size_t count = 1; count < 300; ++count) {
        const auto ids = random_ids(random, count);
        const auto filter = make_filter(ids);
        CHECK(filter.size_bytes() != 0);
        CHECK(count_passing(filter, ids) == count);
        CHECK(count_passing(IndexFilter::decode(filter.encode(), "index"), ids) == count);
    }
    for (const std::size_t count : {1000U, 2048U, 30'000U, 200'000U}) {
        const auto ids = random_ids(random, count);
        CHECK(count_passing(make_filter(ids), ids) == count);
    }
}

TEST_CASE("one of 256 other ids passes, at about nine bits an id") {
    SeededRandom random;
    const auto ids = random_ids(random, 200'000);
    const auto filter = make_filter(ids);
    const auto passing = count_passing(filter, random_ids(random, 400'000));
    CHECK(passing > 1300);  // 1562 are to be expected
    CHECK(passing < 1850);
    CHECK(filter.size_bytes() < ids.size() * 5 / 4);
}

TEST_CASE("ids that repeat or differ in few bytes make a filter too") {
    SeededRandom random;
    auto ids = random_ids(random, 500);
    ids.insert(ids.end(), ids.begin(), ids.end());
    ids.insert(ids.end(), 1000, ids.front());
    for (unsigned i = 0; i < 5000; ++i) {
        store_le(ids.emplace_back().bytes.data() + (i % 2 == 0 ? 0 : 12), i);
    }
    const auto filter = make_filter(ids);
    CHECK(filter.size_bytes() != 0);
    CHECK(count_passing(filter, ids) == ids.size());
}

TEST_CASE("no filter lets everything pass, and so does one of an unknown kind") {
    SeededRandom random;
    const auto ids = random_ids(random, 100);
    CHECK(make_filter({}).encode().empty());
    CHECK(count_passing(IndexFilter(), ids) == 100);
    CHECK(count_passing(IndexFilter::decode({}, "index"), ids) == 100);
    auto other = make_filter(random_ids(random, 100)).encode();
    other[0] = std::byte{2};
    CHECK(count_passing(IndexFilter::decode(other, "index"), ids) == 100);
}

TEST_CASE("a filter whose lengths cannot be is refused") {
    SeededRandom random;
    const auto encoded = make_filter(random_ids(random, 100)).encode();
    const auto code_of = [](ByteView bytes) {
        return error_code_of([&] { return IndexFilter::decode(bytes, "index").size_bytes(); });
    };
    for (std::size_t size = 1; size < encoded.size(); ++size) {
        CHECK(code_of(ByteView(encoded).first(size)) == ErrorCode::CorruptData);
    }
    for (const std::size_t at : {1U, 4U, 5U, 6U, 7U}) {
        for (unsigned value = 0; value < 256; ++value) {
            auto damaged = encoded;
            damaged[at] = static_cast<std::byte>(value);
            if (damaged != encoded) {
                CHECK(code_of(damaged) == ErrorCode::CorruptData);
            }
        }
    }
}
