// SPDX-License-Identifier: Apache-2.0
#include "core/content/chunker.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <vector>

using namespace backup;
using namespace backup::content;
using backup::testing::error_code_of;
using backup::testing::SeededRandom;

namespace {

constexpr ChunkerParameters kSmall{1024, 4096, 16384};

SecretKey key_of(unsigned char fill) {
    SecretKey key;
    key.fill(std::byte{fill});
    return key;
}

std::vector<std::size_t> cut_lengths(const Chunker& chunker, ByteView bytes) {
    std::vector<std::size_t> lengths;
    while (!bytes.empty()) {
        const bool is_last = bytes.size() < chunker.parameters().max_bytes;
        lengths.push_back(chunker.next_cut(bytes, is_last));
        bytes = bytes.subspan(lengths.back());
    }
    return lengths;
}

/// The definition in docs/format.md section 5, one byte after the other.
std::size_t plain_cut(const SecretKey& key, ChunkerParameters parameters, ByteView bytes) {
    std::array<std::uint64_t, 256> gear{};
    for (std::size_t i = 0; i < gear.size(); ++i) {
        const std::array byte{static_cast<std::byte>(i)};
        gear[i] = load_le<std::uint64_t>(hmac_sha256(key, byte).data());
    }
    const int bits = std::countr_zero(parameters.average_bytes);
    const auto limit = std::min<std::size_t>(bytes.size(), parameters.max_bytes);
    for (std::size_t length = parameters.min_bytes; length < limit; ++length) {
        std::uint64_t hash = 0;
        for (std::size_t i = length - 64; i < length; ++i) {
            hash = 2 * hash + gear[std::to_integer<std::size_t>(bytes[i])];
        }
        const int zeros = length < parameters.average_bytes ? bits + 2 : bits - 2;
        if (std::countl_zero(hash) >= zeros) {
            return length;
        }
    }
    return limit;
}

}  // namespace

TEST_CASE("cuts are where the format says, with two lanes or one") {
    SeededRandom random;
    const auto key = key_of(7);
    const Chunker chunker(key, kSmall);
    for (int round = 0; round < 8; ++round) {
        const auto bytes = random.bytes(1 + random.below(40'000));
        CHECK(chunker.next_cut(bytes, true) == plain_cut(key, kSmall, bytes));
    }
}

TEST_CASE("chunks are within the limits and join to the whole") {
    SeededRandom random;
    const Chunker chunker(key_of(1), kSmall);
    const auto bytes = random.bytes(1'000'000);
    const auto lengths = cut_lengths(chunker, bytes);
    std::size_t sum = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        CHECK(lengths[i] <= kSmall.max_bytes);
        CHECK((lengths[i] >= kSmall.min_bytes || i + 1 == lengths.size()));
        sum += lengths[i];
    }
    CHECK(sum == bytes.size());
    const auto average = bytes.size() / lengths.size();
    CHECK(average > kSmall.average_bytes / 2);
    CHECK(average < kSmall.average_bytes * 2);
}

TEST_CASE("a cut does not depend on what is behind the longest chunk") {
    SeededRandom random;
    const Chunker chunker(key_of(2), kSmall);
    const auto bytes = random.bytes(200'000);
    for (std::size_t extra : {0U, 1U, 63U, 64U, 4096U, 100'000U}) {
        const auto view = ByteView(bytes).first(kSmall.max_bytes + extra);
        CHECK(chunker.next_cut(view, false) == chunker.next_cut(bytes, false));
    }
}

TEST_CASE("an insertion moves few cuts") {
    SeededRandom random;
    const Chunker chunker(key_of(3), kSmall);
    const auto before = random.bytes(1'000'000);
    auto after = before;
    const auto inserted = random.bytes(777);
    after.insert(after.begin() + 300'000, inserted.begin(), inserted.end());

    const auto chunks_of = [&chunker](ByteView bytes) {
        std::multiset<Digest> chunks;
        for (const auto length : cut_lengths(chunker, bytes)) {
            chunks.insert(sha256(bytes.first(length)));
            bytes = bytes.subspan(length);
        }
        return chunks;
    };
    const auto old_chunks = chunks_of(before);
    std::size_t fresh = 0;
    for (const auto& chunk : chunks_of(after)) {
        fresh += old_chunks.contains(chunk) ? 0U : 1U;
    }
    CHECK(fresh >= 1);
    CHECK(fresh <= 12);
}

TEST_CASE("another key cuts elsewhere") {
    SeededRandom random;
    const auto bytes = random.bytes(300'000);
    CHECK(cut_lengths(Chunker(key_of(4), kSmall), bytes) !=
          cut_lengths(Chunker(key_of(5), kSmall), bytes));
    CHECK(cut_lengths(Chunker(key_of(4), kSmall), bytes) ==
          cut_lengths(Chunker(key_of(4), kSmall), bytes));
}

TEST_CASE("short and uniform content") {
    const Chunker chunker(key_of(6), kSmall);
    CHECK(chunker.next_cut(Bytes(1), true) == 1);
    CHECK(chunker.next_cut(Bytes(kSmall.min_bytes), true) == kSmall.min_bytes);
    for (const auto length : cut_lengths(chunker, Bytes(100'000))) {
        CHECK(length > 0);
    }
    CHECK(error_code_of([&] { return chunker.next_cut(Bytes(100), false); }) ==
          ErrorCode::Internal);
}

TEST_CASE("impossible parameters are refused") {
    for (const auto& wrong : {ChunkerParameters{63, 4096, 16384},
                              ChunkerParameters{4096, 4096, 16384},
                              ChunkerParameters{1024, 5000, 16384},
                              ChunkerParameters{1024, 4096, 4096},
                              ChunkerParameters{1024, 4096, 65U << 20U}}) {
        CHECK(error_code_of([&] {
                  wrong.check();
                  return 0;
              }) == ErrorCode::InvalidArgument);
    }
    ChunkerParameters().check();
}
