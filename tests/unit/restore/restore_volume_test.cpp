// SPDX-License-Identifier: Apache-2.0
#include "core/restore/restore_volume.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/view/fake_node.hpp"

#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace backup;
using backup::testing::error_code_of;
using backup::testing::FakeNode;
using backup::testing::TempDir;

namespace {

restore::VolumeRestore overwriting() {
    restore::VolumeRestore options;
    options.options.overwrites = true;
    return options;
}

}  // namespace

TEST_CASE("a file is not put in the place of a pipe or device") {
    const TempDir target;
    const auto pipe = target / "pipe";
    const auto link = target / "link";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    REQUIRE(::symlink("pipe", link.c_str()) == 0);
    const auto node = std::make_shared<FakeNode>(model::FileType::Regular, "text");
    for (const auto& place : {pipe, link}) {
        CHECK(error_code_of([&] {
                  return restore::copy_to_local(node, place, overwriting(), {});
              }) == ErrorCode::InvalidArgument);
    }
    CHECK(std::filesystem::is_fifo(pipe));
    CHECK(std::filesystem::is_symlink(link));
}

TEST_CASE("a file takes the place of a file") {
    const TempDir target;
    target.write("a", "old");
    const auto node = std::make_shared<FakeNode>(model::FileType::Regular, "text");
    CHECK(restore::copy_to_local(node, target / "a", overwriting(), {}).problem_count == 0);
    CHECK(as_text(read_file(target / "a")) == "text");
}

TEST_CASE("a directory the backup could not read in full is a problem of the restore") {
    const TempDir target;
    const auto root = std::make_shared<FakeNode>(model::FileType::Directory);
    const auto below = std::make_shared<FakeNode>(model::FileType::Directory);
    below->lose_content();
    root->children.emplace_back("below", below);
    const auto result = restore::restore_volume_to_directory(root, target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].subject == "below");
    CHECK(std::filesystem::is_directory(target / "new/below"));
}

TEST_CASE("files whose numbers fold to the same one in the view stay two files") {
    const TempDir target;
    const auto root = std::make_shared<FakeNode>(model::FileType::Directory);
    const std::uint64_t large = std::uint64_t{1} << 41U;
    for (const auto& [name, text, inode] : {std::tuple{"a", "one", large},
                                            std::tuple{"b", "two", large + 1},
                                            std::tuple{"c", "one", large}}) {
        const auto node = std::make_shared<FakeNode>(model::FileType::Regular, text);
        node->share_as(inode);
        root->children.emplace_back(name, node);
    }
    const auto place = target / "new";
    CHECK(restore::restore_volume_to_directory(root, place, {}, {}).problem_count == 0);
    CHECK(as_text(read_file(place / "a")) == "one");
    CHECK(as_text(read_file(place / "b")) == "two");
    CHECK(std::filesystem::equivalent(place / "a", place / "c"));
}
