// SPDX-License-Identifier: Apache-2.0
#include "core/repository/parity.hpp"

#include "core/base/error.hpp"
#include "core/repository/blob_name.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

constexpr std::size_t kRun = std::size_t{1} << 20U;

struct Protected {
    Bytes pack;
    content::Digest name{};
    Bytes blob;

    Parity parity() const { return {blob, name, "parity"}; }

    bool heals(ByteView damaged) const {
        const auto healed = parity().heal(damaged);
        return healed && *healed == pack;
    }
};

/// Parity of random bytes, handed over in pieces of all sizes.
Protected make_protected(SeededRandom& random, std::size_t size) {
    Protected made;
    made.pack = random.bytes(size);
    made.name = content::sha256(made.pack);
    ParityMaker maker;
    for (ByteView rest = made.pack; !rest.empty();) {
        const auto piece =
            rest.first(std::min<std::size_t>(rest.size(), 1 + random.below(300'000)));
        maker.update(piece);
        rest = rest.subspan(piece.size());
    }
    made.blob = maker.finish(made.name);
    return made;
}

void destroy(Bytes& bytes, std::size_t at, std::size_t size) {
    for (auto i = at; i < std::min(bytes.size(), at + size); ++i) {
        bytes[i] ^= std::byte{0x5a};
    }
}

Bytes without(const Bytes& bytes, std::size_t at, std::size_t size) {
    Bytes rest(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    append(rest, ByteView(bytes).subspan(at + size));
    return rest;
}

}  // namespace

TEST_CASE("parity is as long as it says, and finds nothing to do on a sound pack") {
    SeededRandom random(1);
    for (const std::size_t size : {std::size_t{1},
                                   std::size_t{4096},
                                   std::size_t{4097},
                                   272 * std::size_t{4096},
                                   3 * kRun}) {
        const auto made = make_protected(random, size);
        CHECK(made.blob.size() == parity_bytes(size));
        CHECK(made.parity().is_whole());
        CHECK(made.parity().pack_bytes() == size);
        CHECK(made.heals(made.pack));
    }
    // The price for a pack of the usual size.
    CHECK(parity_bytes(32 * kRun) < 32 * kRun * 35 / 1000);
}

TEST_CASE("any one run of up to 1 MiB heals, wherever it begins") {
    SeededRandom random(2);
    const auto made = make_protected(random, 5 * kRun + 1234);
    for (int round = 0; round < 40; ++round) {
        const auto size = round % 2 == 0 ? kRun : 1 + random.below(kRun);
        // Also headers and trailers: the very first and the very last byte.
        const auto last = made.pack.size() - size;
        const auto at = round == 0 ? 0 : round == 2 ? last : random.below(last);
        INFO("round " << round << ": " << size << " bytes at " << at);
        auto damaged = made.pack;
        destroy(damaged, at, size);
        CHECK(made.heals(damaged));
        CHECK(made.heals(without(made.pack, at, size)));
    }
}

TEST_CASE("a pack that ends early heals, and one that grew") {
    SeededRandom random(3);
    const auto made = make_protected(random, 3 * kRun + 77);
    for (const std::size_t cut : {std::size_t{1}, std::size_t{4096}, std::size_t{77}, kRun}) {
        CHECK(made.heals(ByteView(made.pack).first(made.pack.size() - cut)));
    }
    auto longer = made.pack;
    append(longer, random.bytes(5000));
    CHECK(made.heals(longer));
    auto inside = Bytes(made.pack.begin(), made.pack.begin() + 100'001);
    append(inside, random.bytes(333));
    append(inside, ByteView(made.pack).subspan(100'001));
    CHECK(made.heals(inside));
}

TEST_CASE("scattered blocks heal as long as no two share a stripe") {
    SeededRandom random(4);
    const auto made = make_protected(random, 4 * kRun);
    auto damaged = made.pack;
    for (std::size_t block = 0; block < 1024; block += 45) {
        destroy(damaged, block * kParityBlockBytes + random.below(4000), 50);
    }
    CHECK(made.heals(damaged));
    // The block one round further on is in the stripe of the first one.
    destroy(damaged, kParityStripes * kParityBlockBytes, 1);
    CHECK_FALSE(made.parity().heal(damaged));
}

TEST_CASE("a small pack heals when nothing of it is left") {
    SeededRandom random(5);
    const auto made = make_protected(random, kRun + 5000);
    CHECK(made.heals({}));
    CHECK_FALSE(make_protected(random, 2 * kRun).parity().heal({}));
}

TEST_CASE("damaged parity never makes a wrong pack, and most of it still works") {
    SeededRandom random(6);
    const auto made = make_protected(random, 2 * kRun);
    auto damaged = made.pack;
    destroy(damaged, 300'000, 100'000);
    int healed = 0;
    for (int round = 0; round < 60; ++round) {
        auto blob = made.blob;
        blob[random.below(blob.size())] ^= std::byte{1};
        const Parity parity(blob, made.name, "parity");
        CHECK_FALSE(parity.is_whole());
        if (const auto result = parity.heal(damaged)) {
            CHECK(*result == made.pack);
            ++healed;
        }
    }
    CHECK(healed > 30);
    // One header may be gone, not both.
    auto blob = made.blob;
    destroy(blob, 0, 64);
    CHECK(Parity(blob, made.name, "parity").heal(damaged) == made.pack);
    destroy(blob, blob.size() - 64, 64);
    CHECK(error_code_of([&] { return Parity(blob, made.name, "parity").pack_bytes(); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("parity of another pack, or cut short, is refused") {
    SeededRandom random(7);
    const auto made = make_protected(random, 10'000);
    auto other = made.name;
    other[0] ^= std::byte{1};
    CHECK(error_code_of([&] { return Parity(made.blob, other, "parity").pack_bytes(); }) ==
          ErrorCode::CorruptData);
    for (const std::size_t size : {std::size_t{0}, std::size_t{63}, made.blob.size() - 1}) {
        CHECK(error_code_of([&] {
                  return Parity(ByteView(made.blob).first(size), made.name, "parity").pack_bytes();
              }) == ErrorCode::CorruptData);
    }
}

TEST_CASE("a writer makes parity for every pack where the repository asks for it") {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    const auto key = init_tiny_repository(backend, random, clock);
    const auto repository = open_tiny_repository(backend, key);
    const auto count_parity = [&backend] {
        int count = 0;
        backend.list(kParityFolder,
                     [&count](const auto& info) { count += find_parity_pack(info.name) ? 1 : 0; });
        return count;
    };
    write_point(repository, "without", some_files(random), random, clock);
    CHECK(count_parity() == 0);
    backend.put(kParityMark, {});
    write_point(repository, "with", some_files(random), random, clock);
    const int with = count_parity();
    CHECK(with >= 3);
    int matching = 0;
    backend.list(kPacksFolder, [&](const auto& info) {
        const auto pack = *find_pack_digest(info.name);
        if (backend.exists(parity_name(pack))) {
            const Parity parity(backend.get(parity_name(pack)), pack, "parity");
            CHECK(parity.is_whole());
            CHECK(parity.heal({}) == backend.get(info.name));
            ++matching;
        }
    });
    CHECK(matching == with);
}
