// SPDX-License-Identifier: Apache-2.0
#include "core/repository/sealed_blob.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    RepositoryId id{std::byte{1}, std::byte{2}};
    KeyRing keys = derive_keys(SecretKey{std::byte{9}}, id);

    Bytes blob(BlobKind kind) {
        BlobSealer sealer(id, keys, kind, random);
        Bytes bytes = to_bytes(sealer.header());
        sealer.append_section(bytes, 5, as_bytes("and"), as_bytes("content"));
        return bytes;
    }

    Bytes open(ByteView blob, BlobKind kind = BlobKind::Index) const {
        const BlobOpener opener(id, keys, kind, blob, "index/x");
        return opener.open(5, as_bytes("and"), blob.subspan(format::kHeaderBytes));
    }
};

}  // namespace

TEST_CASE("a section comes back as it was") {
    Fixture fixture;
    const auto blob = fixture.blob(BlobKind::Index);
    CHECK(blob.size() == 96 + 7 + 16);
    CHECK(as_text(fixture.open(blob)) == "content");
    CHECK(fixture.blob(BlobKind::Index) != blob);
}

TEST_CASE("every changed byte is noticed, and the error names the blob") {
    Fixture fixture;
    const auto blob = fixture.blob(BlobKind::Index);
    for (std::size_t i = 0; i < blob.size(); ++i) {
        auto damaged = blob;
        damaged[i] ^= std::byte{0x04};
        const auto error = error_of([&] { return fixture.open(damaged); });
        CHECK((error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat));
        CHECK_THAT(error.message(), contains("index/x"));
    }
    for (std::size_t size = 0; size < blob.size(); ++size) {
        CHECK(error_code_of([&] { return fixture.open(ByteView(blob).first(size)); }) ==
              ErrorCode::CorruptData);
    }
}

TEST_CASE("a section opens in its own place only") {
    Fixture fixture;
    const auto blob = fixture.blob(BlobKind::Index);
    const BlobOpener opener(fixture.id, fixture.keys, BlobKind::Index, blob, "index/x");
    const auto sealed = ByteView(blob).subspan(format::kHeaderBytes);
    CHECK(error_code_of([&] { return opener.open(4, as_bytes("and"), sealed); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return opener.open(5, as_bytes("or"), sealed); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return opener.open(5, {}, sealed); }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return fixture.open(blob, BlobKind::Point); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("unknown versions, suites and features are refused by name") {
    Fixture fixture;
    const auto message_with = [&](std::size_t at, unsigned value) {
        auto blob = fixture.blob(BlobKind::Index);
        blob[at] = static_cast<std::byte>(value);
        const auto error = error_of([&] { return fixture.open(blob); });
        CHECK(error.code() == ErrorCode::UnknownFormat);
        return error.message();
    };
    CHECK_THAT(message_with(6, 2), contains("version 2"));
    CHECK_THAT(message_with(5, 7), contains("suite 7"));
    CHECK_THAT(message_with(9, 2), contains("feature 9"));
}

TEST_CASE("a blob of another repository, or of another key, is refused") {
    Fixture fixture;
    const auto blob = fixture.blob(BlobKind::Index);
    Fixture other;
    other.id[0] = std::byte{7};
    const auto error = error_of([&] { return other.open(blob); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.message(), contains("another repository"));
    Fixture wrong;
    wrong.keys = derive_keys(SecretKey{std::byte{8}}, wrong.id);
    CHECK(error_code_of([&] { return wrong.open(blob); }) == ErrorCode::CorruptData);
}
