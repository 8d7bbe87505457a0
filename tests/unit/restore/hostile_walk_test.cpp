// SPDX-License-Identifier: Apache-2.0
// Walks and searches through trees that lie about their shape.
#include "core/base/error.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/walk.hpp"
#include "core/view/walk_versions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/restore/hostile_tree.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {
/// All entries get the extended attributes of the first: one copy in the heap serves them all.
void share_xattrs(Bytes& page) {
    const auto directories = load_le<std::uint32_t>(page.data() + 4);
    const auto entries = load_le<std::uint32_t>(page.data() + 8);
    auto* first = page.data() + kPageHeaderBytes + directories * kDirectoryBytes + 68;
    for (std::uint32_t i = 1; i < entries; ++i) {
        std::copy_n(first, 4, first + i * kEntryBytes);
    }
}

}  // namespace

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
