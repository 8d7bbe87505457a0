// SPDX-License-Identifier: Apache-2.0
#include "core/volume/xattr_reader.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/xattr.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::TempDir;

namespace {

bool set(const std::filesystem::path& path, const char* name, const std::string& value) {
    return ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

}  // namespace

TEST_CASE("extended attributes are read sorted, long and empty ones too") {
    const TempDir root;
    const auto file = root.path() / "file";
    std::ofstream(file) << "x";
    const std::string long_value(2000, 'v');
    if (!set(file, "user.b", long_value)) {
        WARN("this file system has no user attributes");
        return;
    }
    REQUIRE(set(file, "user.a", "1"));
    REQUIRE(set(file, "user.empty", ""));
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    model::FileEntry entry;
    XattrReader reader;
    CHECK(reader.read(directory.get(), "file", entry).empty());
    REQUIRE(entry.xattrs.size() == 3);
    CHECK(entry.xattrs[0] == model::Xattr{"user.a", "1"});
    CHECK(entry.xattrs[1] == model::Xattr{"user.b", long_value});
    CHECK(entry.xattrs[2] == model::Xattr{"user.empty", ""});
}

TEST_CASE("a list of names longer than usual is read whole") {
    const TempDir root;
    const auto file = root.path() / "file";
    std::ofstream(file) << "x";
    const std::string stem = "user." + std::string(60, 'n');
    for (int i = 10; i < 30; ++i) {
        if (!set(file, (stem + std::to_string(i)).c_str(), "v")) {
            WARN("this file system has no room for so many attributes");
            return;
        }
    }
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    model::FileEntry entry;
    CHECK(XattrReader().read(directory.get(), "file", entry).empty());
    CHECK(entry.xattrs.size() == 20);
}

TEST_CASE("a link is not followed; the directory itself and what is gone can be asked for") {
    const TempDir root;
    std::ofstream(root.path() / "file") << "x";
    std::filesystem::create_symlink("file", root.path() / "link");
    if (!set(root.path() / "file", "user.a", "1") || !set(root.path(), "user.root", "2")) {
        WARN("this file system has no user attributes");
        return;
    }
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    XattrReader reader;
    model::FileEntry link;
    CHECK(reader.read(directory.get(), "link", link).empty());
    CHECK(link.xattrs.empty());
    model::FileEntry own;
    CHECK(reader.read(directory.get(), ".", own).empty());
    REQUIRE(own.xattrs.size() == 1);
    CHECK(own.xattrs[0].name == "user.root");
    model::FileEntry gone;
    CHECK(reader.read(directory.get(), "gone", gone).empty());
    CHECK(gone.xattrs.empty());
}
