// SPDX-License-Identifier: Apache-2.0
#include "core/restore/restore_volume.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace backup;
using backup::testing::error_code_of;
using backup::testing::TempDir;

namespace {

class FakeNode : public view::Node {
  public:
    explicit FakeNode(model::FileType type, std::string text = {}) : text_(std::move(text)) {
        info_.attributes.type = type;
        info_.attributes.mode = 0700;
        info_.attributes.uid = ::getuid();
        info_.attributes.gid = ::getgid();
        info_.attributes.size = text_.size();
    }

    model::FileType type() const override { return info_.attributes.type; }

    std::uint64_t inode() const override { return 7; }

    view::NodeInfo info() override { return info_; }

    void list(std::uint64_t first, const Visit& visit) override {
        for (auto i = first; i < children.size(); ++i) {
            if (!visit(children[i].first, children[i].second)) {
                return;
            }
        }
    }

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        const auto bytes = as_bytes(text_).subspan(offset, out.size());
        std::copy(bytes.begin(), bytes.end(), out.begin());
        return bytes.size();
    }

    std::optional<std::uint64_t> seek_data(std::uint64_t offset) override { return offset; }

    std::uint64_t seek_hole(std::uint64_t) override { return text_.size(); }

    void share_as(std::uint64_t source_inode) {
        info_.attributes.has_link_group = true;
        info_.attributes.link_count = 2;
        info_.attributes.inode = source_inode;
    }

    void lose_content() { info_.attributes.content_unreadable = true; }

    std::vector<std::pair<std::string, view::NodePointer>> children;

  private:
    std::string text_;
    view::NodeInfo info_;
};

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
