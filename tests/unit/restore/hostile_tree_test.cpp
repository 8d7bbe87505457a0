// SPDX-License-Identifier: Apache-2.0
// Repositories whose pages lie: whoever holds the key can write such ones.
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/repository/page_encoder.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/view_state.hpp"
#include "core/view/volume_files.hpp"
#include "core/view/walk.hpp"
#include "core/view/walk_versions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/repository_tree/memory_pages.hpp"

#include <filesystem>
#include <unistd.h>

using namespace backup;
using namespace backup::repository;
using backup::testing::error_code_of;
using backup::testing::MemoryPages;
using backup::testing::MemorySource;
using backup::testing::TempDir;

namespace {

content::ShortId id_of(std::uint8_t number) {
    content::ShortId id;
    id.bytes.fill(std::byte{number});
    return id;
}

EntryDraft entry(const std::string& name, model::FileType type) {
    EntryDraft draft;
    draft.attributes.name = name;
    draft.attributes.type = type;
    draft.attributes.mode = 0700;
    draft.attributes.uid = ::getuid();
    draft.attributes.gid = ::getgid();
    return draft;
}

EntryDraft text_file(const std::string& name, const std::string& text) {
    auto draft = entry(name, model::FileType::Regular);
    draft.attributes.size = text.size();
    draft.content.inline_bytes = text;
    return draft;
}

EntryDraft directory_at(const std::string& name, std::uint8_t page) {
    auto draft = entry(name, model::FileType::Directory);
    draft.target.page = id_of(page);
    return draft;
}

EntryDraft link_to(const std::string& name, const std::string& target) {
    auto draft = entry(name, model::FileType::Symlink);
    draft.attributes.link_target = target;
    return draft;
}

/// A tree of one directory a page.
struct HostileTree {
    MemoryPages pages;
    std::uint8_t root_page = 1;

    Bytes& put(std::uint8_t page, std::vector<EntryDraft> entries) {
        DirectoryDraft draft;
        draft.all_entries = entries.size();
        for (const auto& each : entries) {
            draft.subdirectories += each.attributes.type == model::FileType::Directory ? 1U : 0U;
        }
        draft.entries = std::move(entries);
        return pages.chunks[id_of(page)] = encode_page({&draft});
    }

    view::NodePointer root() {
        auto part = std::make_shared<view::TreePart>();
        part->number = 1;
        part->reader = std::make_shared<TreeReader>(std::make_shared<MemorySource>(pages),
                                                    DirectoryRef{id_of(root_page), 0},
                                                    std::vector<content::ShortId>{});
        TreeEntry top;
        top.attributes = entry("v", model::FileType::Directory).attributes;
        top.directory = {id_of(root_page), 0};
        return std::make_shared<view::VolumeFile>(part, top);
    }
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

TEST_CASE("a walk through a directory that contains itself ends") {
    HostileTree tree;
    tree.put(1, {text_file("a", "text"), directory_at("loop", 1)});
    CHECK(error_code_of([&] {
              return view::walk(tree.root(), [](const std::string&, const view::NodePointer&) {
                  return view::Walk::Into;
              });
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a search through points whose directories contain themselves ends") {
    struct Visitor : view::VersionVisitor {
        bool wants(std::string_view, const view::Node& node, std::size_t) override {
            return !node.is_directory();
        }

        void visit(const std::string& path, const std::vector<view::NodeVersion>& found) override {
            seen += path + "=" + std::to_string(found.size()) + " ";
        }

        void on_problem(const std::string& path, const Error&) override { damaged += path + " "; }

        std::string seen;
        std::string damaged;
    };

    HostileTree older;
    older.put(1, {text_file("a", "text"), directory_at("d", 2)});
    older.put(2, {text_file("x", "one")});
    HostileTree newer;
    newer.root_page = 9;
    newer.put(9, {text_file("a", "text"), directory_at("d", 3)});
    newer.put(3, {directory_at("loop", 9), text_file("x", "three")});
    Visitor visitor;
    const std::vector<view::NodePointer> roots = {older.root(), nullptr, newer.root()};
    view::walk_versions(roots, 100, visitor);
    CHECK(visitor.seen == "a=1 d/x=2 ");
    CHECK(visitor.damaged == "d/loop ");
}

TEST_CASE("a directory that was moved below its old place is no loop") {
    struct Visitor : view::VersionVisitor {
        bool wants(std::string_view name, const view::Node&, std::size_t) override {
            return name == "file";
        }

        void visit(const std::string& path, const std::vector<view::NodeVersion>&) override {
            seen += path + " ";
        }

        void on_problem(const std::string& path, const Error&) override { seen += "!" + path; }

        std::string seen;
    };

    HostileTree older;
    older.put(1, {directory_at("x", 2)});
    older.put(2, {text_file("file", "text")});
    HostileTree newer;
    newer.root_page = 9;
    newer.put(9, {directory_at("x", 3)});
    newer.put(3, {directory_at("x", 2)});
    newer.put(2, {text_file("file", "text")});
    Visitor visitor;
    const std::vector<view::NodePointer> roots = {older.root(), newer.root()};
    view::walk_versions(roots, 100, visitor);
    CHECK(visitor.seen == "x/file x/x/file ");
}

TEST_CASE("a link and a directory of one name lead nowhere") {
    const TempDir outside;
    const TempDir target;
    const bool overwrites = GENERATE(false, true);
    HostileTree tree;
    // Two slices: neither page can show that the other one has the same name.
    tree.put(2, {link_to("a", outside.path().string())});
    tree.put(3, {directory_at("a", 4), text_file("z", "seen")});
    tree.put(4, {text_file("victim", "attack")});
    DirectoryDraft sliced;
    sliced.slices.push_back({"a", {id_of(2), 0}, 1, 0});
    sliced.slices.push_back({"b", {id_of(3), 0}, 2, 1});
    sliced.all_entries = 3;
    sliced.subdirectories = 1;
    tree.pages.chunks[id_of(1)] = encode_page({&sliced});
    const auto result = restore::restore_volume_to_directory(
        tree.root(), target / "new", overwriting(overwrites), {});
    CHECK(result.problem_count == (overwrites ? 0 : 1));
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
    // Pages that refer down a ring of 250 would end at the ring; names of pages are longer.
    const auto id_at = [](std::uint32_t number) {
        auto id = id_of(1);
        for (unsigned i = 0; i < 4 && number != 0; ++i) {
            id.bytes[i] = static_cast<std::byte>((number >> (8 * i)) & 0xffU);
        }
        return id;
    };
    for (std::uint32_t i = 0; i < 5000; ++i) {
        DirectoryDraft draft;
        draft.entries = {entry("d", model::FileType::Directory)};
        draft.entries[0].target.page = id_at(i + 1);
        draft.all_entries = draft.subdirectories = 1;
        tree.pages.chunks[id_at(i)] = encode_page({&draft});
    }
    const TempDir target;
    const auto result = restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.directories < 4200);
}
