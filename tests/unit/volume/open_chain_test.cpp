// SPDX-License-Identifier: Apache-2.0
#include "core/volume/open_chain.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::TempDir;

namespace {

ino_t inode_of(int file) {
    struct stat status {};

    REQUIRE(::fstat(file, &status) == 0);
    return status.st_ino;
}

ino_t inode_of(const std::filesystem::path& path) {
    struct stat status {};

    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_ino;
}

}  // namespace

TEST_CASE("each directory is the one its path names, whatever was open before") {
    const TempDir root;
    const FileDescriptor top(::open(root.path().c_str(), O_PATH | O_DIRECTORY));
    std::string deep = "d";
    for (int i = 0; i < 40; ++i) {
        deep += "/d";
    }
    const std::vector<std::string> paths{
        "a/b/c", "a/b", "a/bc/c", "", "x", "a/b/c", deep, "d/d", deep};
    for (const auto& path : paths) {
        std::filesystem::create_directories(root.path() / path);
    }
    OpenChain chain(top.get());
    for (const auto& path : paths) {
        const int opened = chain.open(path);
        REQUIRE(opened >= 0);
        CHECK(inode_of(opened) == inode_of(root.path() / path));
    }
}

TEST_CASE("links are not followed, and a failure does not spoil what comes next") {
    const TempDir root;
    const FileDescriptor top(::open(root.path().c_str(), O_PATH | O_DIRECTORY));
    std::filesystem::create_directories(root.path() / "a" / "b");
    std::filesystem::create_symlink("a", root.path() / "link");
    OpenChain chain(top.get());
    CHECK(chain.open("link/b") < 0);
    CHECK(chain.open("a/gone/c") < 0);
    CHECK(errno == ENOENT);
    CHECK(chain.open("a/..") < 0);
    const int opened = chain.open("a/b");
    REQUIRE(opened >= 0);
    CHECK(inode_of(opened) == inode_of(root.path() / "a" / "b"));
}
