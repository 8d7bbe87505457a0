// SPDX-License-Identifier: Apache-2.0
#include "core/capture/stored_objects.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

#include <map>

using namespace backup;
using namespace backup::capture;

namespace {

using Plain = std::map<std::string, StoredObject>;

StoredObject make_object(testing::SeededRandom& random) {
    StoredObject object;
    object.created_ns = static_cast<std::int64_t>(random.below(UINT64_MAX));
    object.bytes = random.below(5000);
    object.version_mark = random.below(UINT64_MAX);
    if (random.chance(10)) {
        object.content.inline_bytes = std::string(random.below(300), 'i');
    }
    object.content.extents.resize(random.chance(5) ? random.below(4) : 1);
    for (auto& extent : object.content.extents) {
        extent.chunk.bytes.fill(static_cast<std::byte>(random.below(256)));
        extent.end = random.below(UINT64_MAX);
    }
    return object;
}

std::string make_name(testing::SeededRandom& random) {
    const auto name = "web-" + std::to_string(random.below(2000));
    return random.chance(5) ? name + "-" + std::string(random.below(60), 'x') : name;
}

void check_same(const StoredObjects& packed, const Plain& plain) {
    Plain seen;
    std::string before;
    packed.for_each([&](const std::string& name, const StoredObject& object) {
        CHECK((seen.empty() || before < name));
        before = name;
        seen.emplace(name, object);
    });
    CHECK(seen == plain);
    CHECK(packed.size() == plain.size());
    std::uint64_t bytes = 0;
    for (const auto& [name, object] : plain) {
        bytes += object.bytes;
    }
    CHECK(packed.object_bytes() == bytes);
    if (!plain.empty()) {
        CHECK(packed.first_name() == plain.begin()->first);
    }
}

}  // namespace

TEST_CASE("packed objects are what a map of them would be") {
    testing::SeededRandom random;
    for (int round = 0; round < 30; ++round) {
        StoredObjects packed;
        Plain plain;
        StoredObjects other;
        Plain other_plain;
        const auto many = random.below(3) == 0 ? random.below(5) : random.below(1000);
        for (std::uint64_t i = 0; i < many; ++i) {
            const auto name = make_name(random);
            const auto object = make_object(random);
            const bool is_other = random.chance(3);
            (is_other ? other : packed).insert_or_assign(name, object);
            (is_other ? other_plain : plain).insert_or_assign(name, object);
        }
        check_same(packed, plain);
        for (int i = 0; i < 100; ++i) {
            const auto name = make_name(random);
            CHECK(packed.contains(name) == plain.contains(name));
        }
        packed.merge(std::move(other));
        plain.merge(other_plain);
        check_same(packed, plain);
    }
}

TEST_CASE("packed objects keep names of any length and bytes") {
    testing::SeededRandom random;
    StoredObjects packed;
    Plain plain;
    for (const auto& name : {std::string(),
                             std::string("a\0b", 3),
                             std::string(70'000, 'n'),
                             std::string(70'000, 'n') + "m",
                             std::string("\xff\xff")}) {
        const auto object = make_object(random);
        packed.insert_or_assign(name, object);
        plain.insert_or_assign(name, object);
    }
    check_same(packed, plain);
    CHECK(packed.contains(""));
    CHECK_FALSE(packed.contains(std::string(70'000, 'n') + "l"));
}
