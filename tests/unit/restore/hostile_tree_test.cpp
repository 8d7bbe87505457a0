// SPDX-License-Identifier: Apache-2.0
// Repositories whose pages lie: whoever holds the key can write such ones.
#include "tests/unit/restore/hostile_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <filesystem>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {
/// A directory of links that are made when it is listed; each says that it is large.
class LargeLinks : public view::Node {
  public:
    model::FileType type() const override { return model::FileType::Directory; }

    std::uint64_t inode() const override { return 1; }

    view::NodeInfo info() override { return {entry("", type()).attributes, 0}; }

    void list(std::uint64_t first, const Visit& visit) override {
        for (auto i = first; i < 3000; ++i) {
            if (!visit("l" + std::to_string(10'000 + i), std::make_shared<Link>(alive_))) {
                return;
            }
            most = std::max(most, *alive_);
        }
    }

    long most = 0;  // that were there at a time

  private:
    class Link : public view::Node {
      public:
        explicit Link(std::shared_ptr<long> alive) : alive_(std::move(alive)) { ++*alive_; }

        ~Link() override { --*alive_; }

        model::FileType type() const override { return model::FileType::Symlink; }

        std::uint64_t inode() const override { return 2; }

        view::NodeInfo info() override { return {link_to("", "target").attributes, 0}; }

        std::uint64_t held_bytes() const override { return 1U << 20U; }

      private:
        std::shared_ptr<long> alive_;
    };

    std::shared_ptr<long> alive_ = std::make_shared<long>(0);
};

restore::VolumeRestore overwriting(bool is_on) {
    restore::VolumeRestore options;
    options.options.overwrites = is_on;
    return options;
}

void replace_text(Bytes& page, std::string_view from, std::string_view to) {
    REQUIRE(from.size() == to.size());
    const auto at = std::string(as_text(page)).find(from);
    REQUIRE(at != std::string::npos);
    const auto bytes = as_bytes(to);
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

TEST_CASE("a directory that contains itself ends as a problem of its own") {
    HostileTree tree;
    tree.put(1, {text_file("a", "text"), directory_at("loop", 2)});
    tree.put(2, {directory_at("down", 3), text_file("x", "y")});
    tree.put(3, {directory_at("up", 1)});
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].subject == "loop/down/up");
    CHECK(as_text(read_file(target / "new/loop/x")) == "y");
    CHECK(as_text(read_file(target / "new/a")) == "text");
}

TEST_CASE("a link and a directory of one name lead nowhere") {
    const TempDir outside;
    const TempDir target;
    const bool overwrites = GENERATE(false, true);
    const std::string slice_name = GENERATE("a", "b");
    HostileTree tree;
    // Two slices: neither page can show that the other one has the same name.
    tree.put(2, {link_to("a", outside.path().string()), text_file("c", "d")});
    tree.put(3, {directory_at(slice_name, 4), text_file("z", "seen")});
    tree.put(4, {text_file("victim", "attack")});
    tree.put(5, {directory_at("d", 1), text_file("z", "seen")});
    DirectoryDraft sliced;
    sliced.slices.push_back({"a", {id_of(2), 0}, 2, 0});
    sliced.slices.push_back({"b", {id_of(3), 0}, 2, 1});
    sliced.all_entries = 4;
    sliced.subdirectories = 1;
    tree.pages.chunks[id_of(1)] = encode_page({&sliced});
    tree.root_page = 5;
    const auto result = restore::restore_volume_to_directory(
        tree.root(), target / "new", overwriting(overwrites), {});
    CHECK(result.problem_count == 1);
    CHECK(std::filesystem::is_empty(outside.path()));
    CHECK(as_text(read_file(target / "new/z")) == "seen");
}

TEST_CASE("names that no directory can hold are refused before anything is written") {
    const std::string name =
        GENERATE(as<std::string>{}, "x/..", "../x", "/etc", std::string("a\0bc", 4));
    HostileTree tree;
    replace_text(tree.put(1, {text_file("abcd", "text")}), "abcd", name);
    const TempDir target;
    CHECK(error_code_of([&] {
              return restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
          }) == ErrorCode::CorruptData);
    CHECK(std::filesystem::is_empty(target / "new"));
}

TEST_CASE("a subdirectory whose page is lost is named, its neighbours are restored") {
    HostileTree tree;
    tree.put(1, {directory_at("gone", 9), directory_at("there", 2)});
    tree.put(2, {text_file("x", "y")});
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].subject == "gone");
    CHECK(as_text(read_file(target / "new/there/x")) == "y");
}

TEST_CASE("sizes that cannot be are problems, not memory") {
    HostileTree tree;
    auto hole = entry("hole", model::FileType::Regular);
    hole.attributes.size = std::uint64_t{1} << 63U;
    hole.content.extents = {{{}, hole.attributes.size}};
    auto missing = entry("missing", model::FileType::Regular);
    missing.attributes.size = std::uint64_t{1} << 62U;
    missing.content.extents = {{id_of(7), missing.attributes.size}};
    auto short_chunk = entry("short", model::FileType::Regular);
    short_chunk.attributes.size = 1000;
    short_chunk.content.extents = {{id_of(8), 1000}};
    tree.pages.chunks[id_of(8)] = Bytes(10);
    tree.put(1, {hole, missing, short_chunk, text_file("z", "seen")});
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
    CHECK(result.problem_count == 3);
    CHECK(result.files == 1);
    CHECK(as_text(read_file(target / "new/z")) == "seen");
}

TEST_CASE("a tree that is deeper than any backup ends") {
    HostileTree tree;
    tree.put_chain(5000);
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.directories < 4200);
}

TEST_CASE("few of the entries that take much memory are kept at a time") {
    const auto links = std::make_shared<LargeLinks>();
    std::size_t walked = 0;
    view::walk(links, [&](const std::string&, const view::NodePointer&) {
        ++walked;
        return view::Walk::Into;
    });
    CHECK(walked == 3000);
    CHECK(links->most < 10);
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(links, target / "new", {}, {});
    CHECK(result.problem_count == 0);
    CHECK(result.files == 3000);
    CHECK(links->most < 20);
}
