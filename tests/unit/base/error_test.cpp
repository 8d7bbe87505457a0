// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <cerrno>
#include <set>
#include <string>

using namespace backup;

TEST_CASE("the catalog has one row for each code") {
    std::set<std::string_view> names;
    for (const auto& row : all_error_codes()) {
        CHECK(&info_of(row.code) == &row);
        CHECK_FALSE(row.name.empty());
        CHECK(row.exit_code > 0);
        names.insert(row.name);
    }
    CHECK(names.size() == all_error_codes().size());
}

TEST_CASE("exit codes that scripts rely on stay what they are") {
    CHECK(info_of(ErrorCode::Usage).exit_code == 2);
    CHECK(info_of(ErrorCode::Incomplete).exit_code == 3);
    CHECK(info_of(ErrorCode::NoRepository).exit_code == 10);
    CHECK(info_of(ErrorCode::WrongKey).exit_code == 12);
    CHECK(info_of(ErrorCode::CorruptData).exit_code == 13);
    CHECK(info_of(ErrorCode::ClusterUnreachable).exit_code == 20);
    CHECK(info_of(ErrorCode::Forbidden).exit_code == 21);
    CHECK(info_of(ErrorCode::Interrupted).exit_code == 130);
}

TEST_CASE("context is put in front, the outermost first") {
    Error error(ErrorCode::Io, "disk is gone");
    error.add_context("pack ab");
    error.add_context("volume data-0");
    CHECK(std::string(error.what()) == "volume data-0: pack ab: disk is gone");
    CHECK(error.message() == "disk is gone");
    CHECK(error.context() == std::vector<std::string>{"volume data-0", "pack ab"});
}

TEST_CASE("with_context describes only when something fails") {
    bool described = false;
    const auto describe = [&] {
        described = true;
        return std::string("reading x");
    };
    CHECK(with_context(describe, [] { return 7; }) == 7);
    CHECK_FALSE(described);

    const auto error = testing::error_of([&] {
        return with_context(describe, []() -> int { throw Error(ErrorCode::NotFound, "y"); });
    });
    CHECK(std::string(error.what()) == "reading x: y");
    CHECK(error.code() == ErrorCode::NotFound);
}

TEST_CASE("the hint of the thrower wins over the one of the catalog") {
    CHECK(Error(ErrorCode::Usage, "x").hint() == info_of(ErrorCode::Usage).default_hint);
    CHECK(Error(ErrorCode::Usage, "x").hint("do y").hint() == "do y");
}

TEST_CASE("an error is final unless it says otherwise") {
    CHECK_FALSE(Error(ErrorCode::Io, "x").is_retryable());
    CHECK(Error(ErrorCode::Io, "x").retryable().is_retryable());
}

TEST_CASE("errno becomes a code of its own where the user can act on it") {
    CHECK(system_error(ENOSPC, "x").code() == ErrorCode::NoSpace);
    CHECK(system_error(EDQUOT, "x").code() == ErrorCode::NoSpace);
    CHECK(system_error(EROFS, "x").code() == ErrorCode::ReadOnly);
    CHECK(system_error(ENOENT, "x").code() == ErrorCode::NotFound);
    CHECK(system_error(EEXIST, "x").code() == ErrorCode::AlreadyExists);
    CHECK(system_error(EINTR, "x").code() == ErrorCode::Interrupted);
    CHECK(system_error(EIO, "write /a").code() == ErrorCode::Io);
    CHECK(std::string(system_error(EIO, "write /a").what()) == "write /a: Input/output error");
}
