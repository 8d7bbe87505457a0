// SPDX-License-Identifier: Apache-2.0
#include "fuse/reply.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <cerrno>
#include <new>
#include <vector>

namespace backup::testing {
namespace {

TEST_CASE("only what is not in the tree is not there for the kernel") {
    const auto number_of = [](ErrorCode code) { return fuse::errno_of(Error(code, "x")); };
    CHECK(number_of(ErrorCode::PathNotFound) == ENOENT);
    CHECK(number_of(ErrorCode::PointNotFound) == ENOENT);
    // A blob of the repository is missing: the file exists, its bytes do not.
    CHECK(number_of(ErrorCode::NotFound) == EIO);
    CHECK(number_of(ErrorCode::CorruptData) == EIO);
    CHECK(number_of(ErrorCode::Io) == EIO);
    CHECK(number_of(ErrorCode::Internal) == EIO);
    CHECK(number_of(ErrorCode::Interrupted) == EINTR);
    CHECK(number_of(ErrorCode::TimedOut) == ETIMEDOUT);
    CHECK(number_of(ErrorCode::Forbidden) == EACCES);
    for (const auto& info : all_error_codes()) {
        CHECK(number_of(info.code) > 0);
    }
}

TEST_CASE("whatever leaves an action becomes a number, and is told when it is news") {
    std::vector<ErrorCode> told;
    const auto run = [&told](const std::function<void()>& action) {
        return fuse::errno_after([&told](const Error& error) { told.push_back(error.code()); },
                                 action);
    };
    CHECK(run([] {}) == 0);
    CHECK(run([] { throw Error(ErrorCode::PathNotFound, "x"); }) == ENOENT);
    CHECK(run([] { throw Error(ErrorCode::Interrupted, "x"); }) == EINTR);
    CHECK(run([] { throw std::bad_alloc(); }) == ENOMEM);
    CHECK(told.empty());
    CHECK(run([] { throw Error(ErrorCode::CorruptData, "x"); }) == EIO);
    CHECK(run([] { throw Error(ErrorCode::NotFound, "x"); }) == EIO);
    CHECK(run([] { throw std::out_of_range("x"); }) == EIO);
    CHECK(told == std::vector{ErrorCode::CorruptData, ErrorCode::NotFound, ErrorCode::Internal});
}

}  // namespace
}  // namespace backup::testing
