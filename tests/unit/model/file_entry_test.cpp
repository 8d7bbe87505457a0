// SPDX-License-Identifier: Apache-2.0
#include "core/model/file_entry.hpp"

#include "tests/support/catch.hpp"

#include <functional>
#include <string>

namespace backup::model {
namespace {

TEST_CASE("a file is unchanged when all that tells of a change is the same") {
    FileEntry before;
    before.size = 10;
    before.mtime_ns = 5;
    before.ctime_ns = 6;
    before.inode = 7;
    CHECK(is_unchanged(before, before));
    const std::vector<std::function<void(FileEntry&)>> changes = {
        [](FileEntry& entry) { ++entry.size; },
        [](FileEntry& entry) { ++entry.mtime_ns; },
        [](FileEntry& entry) { ++entry.ctime_ns; },
        [](FileEntry& entry) { ++entry.inode; },
        [](FileEntry& entry) { ++entry.mode; },
        [](FileEntry& entry) { ++entry.uid; },
        [](FileEntry& entry) { ++entry.gid; },
        [](FileEntry& entry) { entry.link_target = "x"; },
        [](FileEntry& entry) { entry.type = FileType::Fifo; },
    };
    for (const auto& change : changes) {
        auto now = before;
        change(now);
        CHECK_FALSE(is_unchanged(before, now));
    }
}

TEST_CASE("what was not read whole is never taken for unchanged") {
    for (auto flag :
         {&FileEntry::is_racy, &FileEntry::changed_while_read, &FileEntry::content_unreadable}) {
        FileEntry before;
        before.*flag = true;
        CHECK_FALSE(is_unchanged(before, FileEntry{}));
        CHECK(is_unchanged(FileEntry{}, before));
    }
}

TEST_CASE("names that can be one component of a path") {
    CHECK(is_valid_name("a"));
    CHECK(is_valid_name("..."));
    CHECK(is_valid_name("\xff\n"));
    CHECK(is_valid_name(std::string(255, 'x')));
    CHECK_FALSE(is_valid_name(std::string(256, 'x')));
    CHECK_FALSE(is_valid_name(""));
    CHECK_FALSE(is_valid_name("."));
    CHECK_FALSE(is_valid_name(".."));
    CHECK_FALSE(is_valid_name("a/b"));
    CHECK_FALSE(is_valid_name(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace backup::model
