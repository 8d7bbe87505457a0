// SPDX-License-Identifier: Apache-2.0
#include "fuse/options.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

namespace backup::testing {
namespace {

using Words = std::vector<std::string>;

fuse::Options parse(const Words& words) {
    return fuse::parse_options(words);
}

TEST_CASE("the least that is needed, and what holds then") {
    const auto options = parse({"--repo=/r", "--key-file=/k", "mnt"});
    CHECK(options.repository == "/r");
    CHECK(options.key_file == "/k");
    CHECK(options.mount_point == "mnt");
    CHECK_FALSE(options.in_foreground);
    CHECK_FALSE(options.allow_other);
    CHECK_FALSE(options.passphrase_file);
    CHECK_FALSE(options.secret_descriptor);
    CHECK(options.points.empty());
    CHECK(options.namespaces.empty());
    CHECK(options.cache_bytes == 64U << 20U);
}

TEST_CASE("values stand behind the equals sign or as the next word") {
    const auto options = parse({"--repo",
                                "/a=b",
                                "--secret-fd",
                                "7",
                                "--point=a",
                                "--point",
                                "b",
                                "--namespace=shop",
                                "--cache-size=64MiB",
                                "--log",
                                "fuse=debug",
                                "--allow-other",
                                "--foreground",
                                "--",
                                "--mnt"});
    CHECK(options.repository == "/a=b");
    CHECK(options.secret_descriptor == 7);
    CHECK(options.points == Words{"a", "b"});
    CHECK(options.namespaces == Words{"shop"});
    CHECK(options.cache_bytes == 64U << 20U);
    CHECK(options.log == "fuse=debug");
    CHECK(options.allow_other);
    CHECK(options.in_foreground);
    CHECK(options.mount_point == "--mnt");
}

TEST_CASE("help needs nothing else") {
    CHECK(parse({"--help"}).shows_help);
    for (const auto* option : {"--repo",
                               "--key-file",
                               "--passphrase-file",
                               "--secret-fd",
                               "--point",
                               "--namespace",
                               "--cache-size",
                               "--allow-other",
                               "--foreground",
                               "--log"}) {
        CHECK_THAT(std::string(fuse::help_text()), contains(option));
    }
}

TEST_CASE("what cannot be is refused with a word about it") {
    const auto message_for = [](const Words& words) {
        const auto error = error_of([&] { return parse(words); });
        CHECK((error.code() == ErrorCode::Usage || error.code() == ErrorCode::InvalidArgument));
        return error.message() + "; " + std::string(error.hint());
    };
    CHECK_THAT(message_for({}), contains("one directory"));
    CHECK_THAT(message_for({"--repo=/r", "--key-file=k"}), contains("one directory"));
    CHECK_THAT(message_for({"--repo=/r", "--key-file=k", "a", "b"}), contains("one directory"));
    CHECK_THAT(message_for({"--key-file=k", "a"}), contains("a repository"));
    CHECK_THAT(message_for({"--repo=/r", "a"}), contains("exactly one of --key-file"));
    CHECK_THAT(message_for({"--repo=/r", "--key-file=k", "--passphrase-file=p", "a"}),
               contains("exactly one of --key-file"));
    CHECK_THAT(message_for({"--key-fiel=k"}), contains("--key-file"));
    CHECK_THAT(message_for({"--foreground=yes"}), contains("--foreground takes no value"));
    CHECK_THAT(message_for({"--repo"}), contains("--repo needs a value"));
    for (const auto* number : {"", "-1", "3x", "99999999999", "x"}) {
        CHECK_THAT(message_for({std::string("--secret-fd=") + number}), contains("--secret-fd"));
    }
    message_for({"--cache-size=much"});
}

}  // namespace
}  // namespace backup::testing
