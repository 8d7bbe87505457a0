// SPDX-License-Identifier: Apache-2.0
#include "core/backend/open_backend.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;
using namespace backup::backend;
using namespace backup::testing;

TEST_CASE("a path or a file URL names a directory") {
    CHECK(open_backend("/backups/repo")->location() == "/backups/repo");
    CHECK(open_backend("/backups/repo/")->location() == "/backups/repo");
    CHECK(open_backend("/backups/./a/../repo")->location() == "/backups/repo");
    CHECK(open_backend("file:///backups/my%20repo")->location() == "/backups/my repo");
    CHECK(open_backend("file://localhost/backups")->location() == "/backups");
    CHECK(open_backend("FILE:///backups")->location() == "/backups");
    CHECK(open_backend("/odd://name")->location() == "/odd:/name");
    CHECK_THAT(open_backend("relative/repo")->location(), starts_with("/"));
}

TEST_CASE("other places are refused clearly") {
    const auto store = error_of([] { return open_backend("s3://bucket/prefix"); });
    CHECK(store.code() == ErrorCode::Unsupported);
    CHECK_THAT(store.message(), contains("object stores") && contains("not in this version"));
    CHECK(error_code_of([] { return open_backend("ftp://host/x"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return open_backend(""); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return open_backend("file://host/x"); }) ==
          ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return open_backend("file:///a%zz"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return open_backend(std::string_view("/a\0b", 4)); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("a file cannot hold a repository") {
    const TempDir directory;
    const auto file = directory.write("file", "x");
    CHECK(error_code_of([&] { return open_backend(file.native()); }) == ErrorCode::InvalidArgument);
}
