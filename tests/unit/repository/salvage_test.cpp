// SPDX-License-Identifier: Apache-2.0
#include "core/repository/salvage.hpp"

#include "core/backend/memory_backend.hpp"
#include "core/base/error.hpp"
#include "core/repository/blob_name.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/spoiled_backend.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

constexpr std::uint64_t kSector = 4096;
constexpr std::uint64_t kLimit = 1U << 20U;

struct Disk {
    Disk() {
        memory.put(kConfigName, {});
        memory.put("blob", bytes);
    }

    SeededRandom random;
    backend::MemoryBackend memory;
    SpoiledBackend backend{memory};
    const Bytes bytes = random.bytes(300'001);
};

}  // namespace

TEST_CASE("a blob without bad sectors is read as it is") {
    Disk disk;
    const auto salvaged = salvage_blob(disk.backend, "blob", kLimit);
    CHECK(salvaged.bytes == disk.bytes);
    CHECK(salvaged.unreadable_bytes == 0);
    CHECK(error_code_of([&] { return salvage_blob(disk.backend, "none", kLimit).bytes.size(); }) ==
          ErrorCode::NotFound);
    CHECK(error_code_of([&] { return salvage_blob(disk.backend, "blob", 300'000).bytes.size(); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("a bad sector costs its own bytes") {
    Disk disk;
    // One inside, two that touch, and the last, short one.
    disk.backend.spoil("blob", 10 * kSector + 7, 1);
    disk.backend.spoil("blob", 31 * kSector - 1, 2);
    disk.backend.spoil("blob", 300'000, 1);
    const auto salvaged = salvage_blob(disk.backend, "blob", kLimit);
    auto expected = disk.bytes;
    const auto last = 300'001 / kSector;
    for (const auto sector : {std::uint64_t{10}, std::uint64_t{30}, std::uint64_t{31}, last}) {
        const auto begin = sector * kSector;
        const auto size = std::min<std::uint64_t>(kSector, expected.size() - begin);
        std::fill_n(expected.data() + begin, size, std::byte{0});
    }
    CHECK(salvaged.bytes == expected);
    CHECK(salvaged.unreadable_bytes == 3 * kSector + 300'001 % kSector);
    const Error io(ErrorCode::Io, "x");
    CHECK(is_damage(disk.backend, "blob", kLimit, io));
    CHECK_FALSE(is_damage(disk.backend, kConfigName, kLimit, io));
    CHECK(is_damage(disk.backend, "blob", kLimit, {ErrorCode::CorruptData, "x"}));
    CHECK_FALSE(is_damage(disk.backend, "blob", kLimit, {ErrorCode::NotFound, "x"}));
}

TEST_CASE("a blob of which nothing can be read is damaged, unless the storage is gone") {
    Disk disk;
    disk.backend.spoil("blob", 0, 300'001);
    CHECK(salvage_blob(disk.backend, "blob", kLimit).unreadable_bytes == 300'001);
    disk.memory.remove(kConfigName);
    disk.memory.put(kConfigName, Bytes(10));
    disk.backend.spoil(std::string(kConfigName), 0, 10);
    CHECK(error_code_of([&] { return salvage_blob(disk.backend, "blob", kLimit).bytes.size(); }) ==
          ErrorCode::Io);
}
