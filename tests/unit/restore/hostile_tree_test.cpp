// SPDX-License-Identifier: Apache-2.0
// Repositories whose pages lie: whoever holds the key can write such ones.
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/repository/page_codec.hpp"
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

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <unistd.h>

using namespace backup;
using namespace backup::repository;
using backup::testing::contains;
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

content::ShortId id_at(std::uint32_t number) {
    auto id = id_of(1);
    if (number != 0) {
        store_le(id.bytes.data(), number);
    }
    return id;
}

/// All entries get the extended attributes of the first: one copy in the heap serves them all.
void share_xattrs(Bytes& page) {
    const auto directories = load_le<std::uint32_t>(page.data() + 4);
    const auto entries = load_le<std::uint32_t>(page.data() + 8);
    auto* first = page.data() + kPageHeaderBytes + directories * kDirectoryBytes + 68;
    for (std::uint32_t i = 1; i < entries; ++i) {
        std::copy_n(first, 4, first + i * kEntryBytes);
    }
}

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

/// A tree of one directory a page.
struct HostileTree {
    MemoryPages pages;
    std::uint8_t root_page = 1;
    std::uint64_t most_entries = std::numeric_limits<std::uint64_t>::max();
    std::shared_ptr<view::LruCache<view::TreeFacts>> known_facts;

    /// All in the root's page, each in front of those it contains.
    Bytes& put_all(const std::vector<DirectoryDraft>& drafts) {
        std::vector<const DirectoryDraft*> all;
        for (const auto& draft : drafts) {
            all.push_back(&draft);
        }
        return pages.chunks[id_of(1)] = encode_page(all);
    }

    /// Directories that contain one more each, none of them twice.
    void put_chain(std::uint32_t length) {
        for (std::uint32_t i = 0; i < length; ++i) {
            DirectoryDraft draft;
            draft.entries = {entry("d", model::FileType::Directory)};
            draft.entries[0].target.page = id_at(i + 1);
            draft.all_entries = draft.subdirectories = 1;
            pages.chunks[id_at(i)] = encode_page({&draft});
        }
    }

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
        part->most_entries = most_entries;
        part->known_facts = known_facts;
        part->reader = std::make_shared<TreeReader>(std::make_shared<MemorySource>(pages),
                                                    DirectoryRef{id_of(root_page), 0},
                                                    std::vector<content::ShortId>{});
        TreeEntry top;
        top.attributes = entry("v", model::FileType::Directory).attributes;
        top.directory = {id_of(root_page), 0};
        part->root = top;
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

TEST_CASE("a chain of directories that each have two names for the next one ends at once") {
    struct Visitor : view::VersionVisitor {
        bool wants(std::string_view, const view::Node&, std::size_t) override {
            ++looked_at;
            return false;
        }

        void visit(const std::string&, const std::vector<view::NodeVersion>&) override {}

        void on_problem(const std::string&, const Error& error) override {
            CHECK(error.code() == ErrorCode::CorruptData);
            damaged += 1;
        }

        std::size_t looked_at = 0;
        std::size_t damaged = 0;
    };

    HostileTree tree;
    for (std::uint8_t i = 1; i <= 40; ++i) {
        const auto below = static_cast<std::uint8_t>(i + 1);
        tree.put(i, {directory_at("a", below), directory_at("b", below)});
    }
    tree.put(41, {text_file("x", "y")});
    tree.most_entries = 2000;

    std::size_t walked = 0;
    const auto error = backup::testing::error_of([&] {
        return view::walk(tree.root(), [&](const std::string&, const view::NodePointer&) {
            ++walked;
            return view::Walk::Into;
        });
    });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("than the point's record says"));
    CHECK(walked == 2000);

    const TempDir target;
    CHECK(error_code_of([&] {
              return restore::restore_volume_to_directory(tree.root(), target / "new", {}, {});
          }) == ErrorCode::CorruptData);
    const std::filesystem::recursive_directory_iterator made(target.path());
    CHECK(std::distance(begin(made), end(made)) <= 2001);

    // The other point has as many entries as it says.
    HostileTree honest;
    honest.root_page = 101;
    honest.put(101, {directory_at("a", 102), directory_at("b", 102)});
    honest.put(102, {text_file("x", "y")});
    honest.most_entries = 4;
    Visitor visitor;
    const std::vector<view::NodePointer> roots = {tree.root(), honest.root()};
    view::walk_versions(roots, 100, visitor);
    CHECK(visitor.damaged == 1);
    CHECK(visitor.looked_at <= 2010);
    Visitor content_one;
    view::walk_versions(std::span(roots).subspan(1), 100, content_one);
    CHECK(content_one.damaged == 0);
    CHECK(content_one.looked_at == 4);
}

TEST_CASE("two points that share directories are counted each by its own record") {
    struct Visitor : view::VersionVisitor {
        bool wants(std::string_view name, const view::Node&, std::size_t) override {
            return name == "x";
        }

        void visit(const std::string& path, const std::vector<view::NodeVersion>& found) override {
            for (const auto& version : found) {
                seen += path + "=" + std::to_string(version.points.size()) + " ";
            }
        }

        void on_problem(const std::string& path, const Error&) override { damaged += path + " "; }

        std::string seen;
        std::string damaged;
    };

    HostileTree liar;
    liar.put(1, {directory_at("a", 2), directory_at("b", 2)});
    liar.put(2, {text_file("w", "y"), text_file("x", "y")});
    liar.most_entries = 3;
    HostileTree honest;
    honest.pages.chunks = liar.pages.chunks;
    honest.most_entries = 6;
    Visitor visitor;
    const std::vector<view::NodePointer> roots = {liar.root(), honest.root()};
    view::walk_versions(roots, 100, visitor);
    CHECK(visitor.seen == "a/x=2 b/x=1 ");
    CHECK(visitor.damaged == "a ");
}

TEST_CASE("a survey reads a directory once, whatever leads to it") {
    HostileTree tree;
    for (std::uint8_t i = 1; i <= 40; ++i) {
        const auto below = static_cast<std::uint8_t>(i + 1);
        tree.put(i, {directory_at("a", below), directory_at("b", below)});
    }
    auto last = text_file("x", "y");
    last.attributes.xattrs = {{"system.posix_acl_access", "?"}};
    tree.put(41, {last});
    tree.known_facts = std::make_shared<view::LruCache<view::TreeFacts>>(1U << 20U);
    const auto root = tree.root();
    root->survey();
    CHECK(root->may_have_access_lists());
}

TEST_CASE("a search ends in a tree that is deeper than any backup") {
    struct Visitor : view::VersionVisitor {
        bool wants(std::string_view, const view::Node&, std::size_t) override { return false; }

        void visit(const std::string&, const std::vector<view::NodeVersion>&) override {}

        void on_problem(const std::string& path, const Error&) override {
            ++damaged;
            longest = std::max(longest, path.size());
        }

        int damaged = 0;
        std::size_t longest = 0;
    };

    HostileTree tree;
    tree.put_chain(100'000);
    Visitor visitor;
    const std::vector<view::NodePointer> roots = {tree.root()};
    view::walk_versions(roots, std::numeric_limits<std::size_t>::max(), visitor);
    CHECK(visitor.damaged == 1);
    CHECK(visitor.longest < 9000);
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

TEST_CASE("directories whose long attributes are all kept for the way back are refused") {
    HostileTree tree;
    std::vector<DirectoryDraft> chain(1000);
    for (auto& draft : chain) {
        draft.entries = {entry("d", model::FileType::Directory)};
        draft.entries[0].target.slot = 1;
        draft.entries[0].attributes.xattrs = {{"user.long", {}}};
        draft.all_entries = draft.subdirectories = 1;
    }
    chain.back() = {};
    chain.front().entries[0].attributes.xattrs[0].value.assign(1'000'000, 'x');
    share_xattrs(tree.put_all(chain));
    std::size_t walked = 0;
    CHECK(error_code_of([&] {
              return view::walk(tree.root(), [&](const std::string&, const view::NodePointer&) {
                  ++walked;
                  return view::Walk::Into;
              });
          }) == ErrorCode::CorruptData);
    CHECK(walked < 300);
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
