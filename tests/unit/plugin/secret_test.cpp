// SPDX-License-Identifier: Apache-2.0
#include "plugin/secret.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;
using backup::testing::error_of;
using backup::testing::TempDir;
using Kind = KeySource::Kind;

TEST_CASE("a passphrase comes from a file, a variable or a command, without its line end") {
    const TempDir directory;
    const auto file = directory.write("pass", "hunter2\r\n");
    CHECK(find_passphrase({Kind::PassphraseFile, file.string()}, {}) == "hunter2");
    CHECK(find_passphrase({Kind::PassphraseVariable, "P"}, {{"P", "x y"}}) == "x y");
    CHECK(find_passphrase({Kind::PassphraseCommand, "echo one two"}, {}) == "one two");
    CHECK_FALSE(find_passphrase({Kind::DefaultFile, ""}, {}).has_value());
    CHECK_FALSE(find_passphrase({Kind::File, "k"}, {}).has_value());
}

TEST_CASE("no passphrase is an error, not an empty one") {
    const TempDir directory;
    const auto file = directory.write("pass", "\n");
    CHECK(error_of([&] {
              return find_passphrase({Kind::PassphraseFile, file.string()}, {});
          }).code() == ErrorCode::InvalidArgument);
    const auto failed = error_of([] {
        return find_passphrase({Kind::PassphraseCommand, "echo s3cret; exit 4"}, {});
    });
    CHECK(failed.code() == ErrorCode::KeyMissing);
    CHECK_THAT(failed.what(), contains("exit code 4"));
    CHECK(std::string(failed.what()).find("s3cret") == std::string::npos);
}

TEST_CASE("the key file is found, missing, or of another repository") {
    const TempDir directory;
    testing::SeededRandom random;
    const auto one = repository::make_new_repository(random);
    const auto other = repository::make_new_repository(random);
    Settings settings;
    settings.directories.config = directory.path();
    CHECK(key_file_path(settings, one.id) == directory / ("keys/" + to_hex(one.id) + ".key"));
    const auto missing = error_of([&] { return load_secret(settings, {}, one.id); });
    CHECK(missing.code() == ErrorCode::KeyMissing);
    CHECK_THAT(missing.what(), contains(to_hex(one.id)));

    settings.key = {Kind::File,
                    directory.write("k", repository::format_key_file(one.key_file)).string()};
    CHECK(load_secret(settings, {}, one.id).key_file->secret == one.key_file.secret);
    CHECK(error_of([&] { return load_secret(settings, {}, other.id); }).code() ==
          ErrorCode::WrongKey);
    directory.write("k", "no key");
    CHECK(error_of([&] { return load_secret(settings, {}, one.id); }).code() ==
          ErrorCode::WrongKey);
}
