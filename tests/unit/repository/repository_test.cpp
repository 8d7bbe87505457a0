// SPDX-License-Identifier: Apache-2.0
#include "core/repository/repository.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/config.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    NewRepository fresh = make_new_repository(random);

    void init(const std::optional<std::string>& passphrase = {}) {
        init_repository(backend, fresh, tiny_parameters(), passphrase, random, clock);
    }

    Repository open() { return open_tiny_repository(backend, fresh.key_file); }

    ErrorCode code_of_open() {
        return error_code_of([this] { return open().id_text(); });
    }

    std::string slot() {
        std::string name;
        backend.list("keys", [&name](const backend::BlobInfo& info) { name = info.name; });
        return name;
    }

    void flip(const std::string& name, std::size_t at) {
        auto bytes = backend.get(name);
        bytes.at(at) ^= std::byte{0x08};
        backend.remove(name);
        backend.put(name, bytes);
    }
};

Secret secret_of(const std::string& passphrase) {
    Secret secret;
    secret.passphrase = passphrase;
    return secret;
}

}  // namespace

TEST_CASE("a repository opens with what it was made with") {
    Fixture fixture;
    CHECK_FALSE(repository_exists(fixture.backend));
    fixture.init("open sesame");
    CHECK(repository_exists(fixture.backend));
    CHECK(read_repository_id(fixture.backend) == fixture.fresh.id);
    const auto by_key = fixture.open();
    const auto by_passphrase = open_repository(fixture.backend, secret_of("open sesame"));
    CHECK(by_key.id() == fixture.fresh.id);
    CHECK(by_key.keys().chunk_id == by_passphrase.keys().chunk_id);
    CHECK(by_key.keys().point == by_passphrase.keys().point);
    CHECK(by_key.parameters().chunker == tiny_parameters().chunker);
    CHECK(by_key.parameters().frame_bytes == tiny_parameters().frame_bytes);
    CHECK(by_key.parameters().pack_bytes == tiny_parameters().pack_bytes);
    CHECK(by_key.parameters().inline_limit_bytes == tiny_parameters().inline_limit_bytes);
}

TEST_CASE("no repository, wrong key and damage are told apart") {
    Fixture fixture;
    CHECK(fixture.code_of_open() == ErrorCode::NoRepository);
    CHECK(error_code_of([&] { return read_repository_id(fixture.backend); }) ==
          ErrorCode::NoRepository);
    fixture.init();
    CHECK(error_code_of([&] {
              return open_repository(fixture.backend, secret_of("x")).id_text();
          }) == ErrorCode::WrongKey);
    const auto right = fixture.fresh.key_file;
    fixture.fresh.key_file.secret[0] ^= std::byte{1};
    CHECK(fixture.code_of_open() == ErrorCode::WrongKey);
    fixture.fresh.key_file = right;
    fixture.fresh.key_file.repository[0] ^= std::byte{1};
    const auto foreign = error_of([&] { return fixture.open().id_text(); });
    CHECK(foreign.code() == ErrorCode::WrongKey);
    CHECK_THAT(foreign.message(), contains(to_hex(right.repository)));
    fixture.fresh.key_file = right;
    CHECK_NOTHROW(fixture.open());

    const auto slot = fixture.slot();
    fixture.flip(slot, 100);
    const auto damaged = error_of([&] { return fixture.open().id_text(); });
    CHECK(damaged.code() == ErrorCode::CorruptData);
    CHECK_THAT(damaged.message(), contains(slot));
    fixture.backend.remove(slot);
    CHECK(fixture.code_of_open() == ErrorCode::CorruptData);
}

TEST_CASE("another intact slot opens although one is damaged") {
    Fixture fixture;
    fixture.init("open sesame");
    fixture.backend.list("keys", [&](const backend::BlobInfo& info) {
        if (slot_method(fixture.backend.get(info.name)) == SlotMethod::KeyFile) {
            fixture.flip(info.name, 5);
        }
    });
    CHECK_NOTHROW(open_repository(fixture.backend, secret_of("open sesame")));
    CHECK(fixture.code_of_open() == ErrorCode::CorruptData);
    CHECK(error_code_of([&] {
              return open_repository(fixture.backend, secret_of("open sesam")).id_text();
          }) == ErrorCode::CorruptData);
}

TEST_CASE("every changed byte of config is noticed") {
    Fixture fixture;
    fixture.init();
    const auto size = fixture.backend.size(kConfigName);
    for (std::size_t i = 0; i < size; ++i) {
        fixture.flip(std::string(kConfigName), i);
        const auto error = error_of([&] { return fixture.open().id_text(); });
        CHECK((error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat));
        CHECK_THAT(error.what(), contains("config"));
        fixture.flip(std::string(kConfigName), i);
    }
    CHECK_NOTHROW(fixture.open());
    fixture.flip(std::string(kConfigName), 16);
    CHECK(error_code_of([&] { return read_repository_id(fixture.backend); }) ==
          ErrorCode::CorruptData);
    fixture.backend.remove(kConfigName);
    fixture.backend.put(kConfigName, Bytes(100'000));
    CHECK(fixture.code_of_open() == ErrorCode::CorruptData);
}

TEST_CASE("a second init changes nothing") {
    Fixture fixture;
    fixture.init();
    const auto config = fixture.backend.get(kConfigName);
    const auto other = make_new_repository(fixture.random);
    CHECK(error_code_of([&] {
              init_repository(
                  fixture.backend, other, tiny_parameters(), {}, fixture.random, fixture.clock);
              return 0;
          }) == ErrorCode::RepositoryExists);
    CHECK(fixture.backend.get(kConfigName) == config);
    CHECK_NOTHROW(fixture.open());
}

TEST_CASE("parameters out of the limits are refused") {
    const auto code_with = [](auto change) {
        auto parameters = tiny_parameters();
        change(parameters);
        return error_code_of([&] {
            check_parameters(parameters);
            return 0;
        });
    };
    const auto invalid = ErrorCode::InvalidArgument;
    CHECK(code_with([](auto& p) { p.chunker.min_bytes = 0; }) == invalid);
    CHECK(code_with([](auto& p) { p.frame_bytes = 100; }) == invalid);
    CHECK(code_with([](auto& p) { p.frame_bytes = (1U << 20U) + 1; }) == invalid);
    CHECK(code_with([](auto& p) { p.pack_bytes = 1; }) == invalid);
    CHECK(code_with([](auto& p) { p.pack_bytes = 1U << 30U; }) == invalid);
    CHECK(code_with([](auto& p) { p.inline_limit_bytes = 1U << 20U; }) == invalid);
    check_parameters({});
}
