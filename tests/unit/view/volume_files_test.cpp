// SPDX-License-Identifier: Apache-2.0
#include "core/view/volume_files.hpp"

#include "core/repository/point_store.hpp"
#include "core/view/inode_numbers.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/view/made_repository.hpp"

#include <set>

namespace backup::testing {
namespace {

view::NodePointer open_volume(MadeRepository& made, TestNode volume) {
    const auto record = made.commit("p", make_shop({std::move(volume)}));
    return view::get_path(view::open_point(made.chunks(), record), "namespaces/shop/volumes/data");
}

// Everything about the entry but what a view replaces.
model::FileEntry comparable(model::FileEntry entry) {
    entry.inode = 0;
    if (entry.type == model::FileType::Directory) {
        entry.link_count = 0;
    }
    entry.link_count = std::max(entry.link_count, 1U);
    return entry;
}

void compare(view::Node& node, const TestNode& expected) {
    std::size_t count = 0;
    node.list(0, [&](std::string_view name, const view::NodePointer& child) {
        const auto& wanted = expected.children.at(count++);
        INFO(wanted.entry.name);
        REQUIRE(name == wanted.entry.name);
        auto info = child->info();
        REQUIRE(comparable(info.attributes) == comparable(wanted.entry));
        compare(*child, wanted);
        return true;
    });
    REQUIRE(count == expected.children.size());
}

TEST_CASE("all metadata of a volume is shown") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    auto volume = make_random_tree(random, {.entries = 3000});
    volume.entry.name = "data";
    MadeRepository made;
    compare(*open_volume(made, volume), volume);
}

TEST_CASE("content in chunks is read, holes too, and both can be sought") {
    MadeRepository made;
    auto file = make_file("f");
    SeededRandom random(5);
    const auto bytes = random.bytes(300'000);
    file.content = made.store(as_text(bytes), 100'000);
    file.entry.size = 1'000'000;
    file.content.extents.push_back({{}, 1'000'000});
    const auto node = open_volume(made, make_directory("data", {file}))->find("f");
    REQUIRE(node != nullptr);
    const auto text = read_at(*node, 0, 2'000'000);
    REQUIRE(text.size() == 1'000'000);
    CHECK(text.substr(0, 300'000) == as_text(bytes));
    CHECK(text.find_first_not_of('\0', 300'000) == std::string::npos);
    CHECK(read_at(*node, 99'990, 20) == as_text(bytes).substr(99'990, 20));
    CHECK(node->info().allocated_bytes == 300'000);
    CHECK(node->seek_hole(0) == 300'000);
    CHECK_FALSE(node->seek_data(300'000));
}

TEST_CASE("names of one file share an inode number") {
    MadeRepository made;
    auto first = make_file("a");
    first.entry.inode = 99;
    first.entry.link_count = 2;
    first.entry.has_link_group = true;
    auto second = first;
    second.entry.name = "z";
    auto lonely = make_file("m");
    lonely.entry.inode = 100;
    const auto volume = open_volume(made, make_directory("data", {first, second, lonely}));
    CHECK(volume->find("a")->inode() == volume->find("z")->inode());
    CHECK(volume->find("a")->inode() != volume->find("m")->inode());
    CHECK(volume->find("a")->info().attributes.link_count == 2);
    CHECK_FALSE(volume->find("a")->is_found_by_inode());
    CHECK(volume->find("m")->is_found_by_inode());
}

TEST_CASE("files whose number at the source is long keep numbers of their own") {
    // Of CephFS, of an overlay, and two that meet when 40 bits of them are kept.
    const std::vector<std::uint64_t> numbers = {
        std::uint64_t{1} << 40U, (std::uint64_t{1} << 63U) + 7, 7, (std::uint64_t{3} << 40U) + 7};
    const auto make_linked = [](std::string name, std::uint64_t inode) {
        auto file = make_file(std::move(name));
        file.entry.inode = inode;
        file.entry.link_count = 2;
        file.entry.has_link_group = true;
        return file;
    };
    const auto make_volume = [&] {
        std::vector<TestNode> files;
        std::vector<TestNode> others;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            files.push_back(make_linked("a" + std::to_string(i), numbers[i]));
            others.push_back(make_linked("z" + std::to_string(i), numbers[i]));
        }
        files.push_back(make_directory("below", std::move(others)));
        return make_directory("data", std::move(files));
    };
    MadeRepository made;
    const auto volume = open_volume(made, make_volume());
    std::set<std::uint64_t> seen;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto name = std::to_string(i);
        INFO(name);
        const auto inode = volume->find("a" + name)->inode();
        CHECK(inode == volume->find("below")->find("z" + name)->inode());
        CHECK(seen.insert(inode).second);
        CHECK(volume->find("z" + name) == nullptr);
        // Long ones lead back to an entry by themselves.
        CHECK(volume->find("a" + name)->is_found_by_inode() == !view::fits_link_group(numbers[i]));
    }
    // The same in another order of asking.
    const auto again = view::get_path(
        view::open_point(made.chunks(), repository::list_points(made.repository()).front()),
        "namespaces/shop/volumes/data");
    CHECK(again->find("below")->find("z3")->inode() == volume->find("a3")->inode());
    CHECK(again->find("a0")->inode() == volume->find("a0")->inode());
}

TEST_CASE("pieces of a file are its bytes") {
    MadeRepository made;
    auto file = make_file("f");
    SeededRandom random(6);
    const auto bytes = random.bytes(2'000'000);
    file.content = made.store(as_text(bytes), 70'000);
    file.entry.size = 2'100'000;
    file.content.extents.push_back({{}, 2'100'000});
    auto tiny = make_file("tiny");
    tiny.content = made.store(as_text(bytes).substr(0, 3000), 3);
    tiny.entry.size = 3000;
    const auto volume = open_volume(made, make_directory("data", {file, tiny}));
    const auto collect = [](view::Node& node, std::uint64_t offset, std::uint64_t size) {
        std::string text;
        std::size_t pieces = 0;
        for (const auto& piece : node.collect(offset, size)) {
            text += as_text(piece.bytes);
            ++pieces;
        }
        // The kernel takes no more than 1024 in one answer.
        CHECK(pieces < 500);
        return text;
    };
    const auto node = volume->find("f");
    const auto whole = std::string(as_text(bytes)) + std::string(100'000, '\0');
    CHECK(collect(*node, 0, 3'000'000) == whole);
    for (int i = 0; i < 200; ++i) {
        const auto offset = random.below(2'200'000);
        const auto size = random.below(300'000);
        INFO(offset << " " << size);
        const auto wanted = offset < whole.size() ? whole.substr(offset, size) : std::string();
        REQUIRE(collect(*node, offset, size) == wanted);
    }
    CHECK(collect(*volume->find("tiny"), 1, 5000) == whole.substr(1, 2999));
}

TEST_CASE("whether a volume has access lists is known after a survey") {
    MadeRepository made;
    auto plain = make_file("a");
    auto guarded = make_file("b");
    guarded.entry.xattrs = {{"system.posix_acl_access", "x"}};
    auto labelled = make_file("c");
    labelled.entry.xattrs = {{"user.comment", "x"}};
    for (const auto& [file, has_lists] : {std::pair(guarded, true), std::pair(labelled, false)}) {
        const auto below = make_directory("below", {file});
        const auto volume = open_volume(made, make_directory("data", {plain, below}));
        const auto node = volume->find("a");
        CHECK(node->may_have_access_lists());
        node->survey();
        CHECK(node->may_have_access_lists() == has_lists);
        CHECK(volume->find("below")->may_have_access_lists() == has_lists);
    }
}

TEST_CASE("equal volumes are different files") {
    MadeRepository made;
    const auto data = make_directory("data", {make_directory("d", {make_file("f")})});
    auto copy = data;
    copy.entry.name = "copy";
    const auto root = view::open_point(made.chunks(), made.commit("p", make_shop({data, copy})));
    CHECK(view::get_path(root, "namespaces/shop/volumes/data/d")->inode() !=
          view::get_path(root, "namespaces/shop/volumes/copy/d")->inode());
}

TEST_CASE("content that could not be saved is an error when it is read, not when it is listed") {
    MadeRepository made;
    auto lost = make_file("lost");
    lost.content = {};
    lost.entry.content_unreadable = true;
    const auto node = open_volume(made, make_directory("data", {lost}))->find("lost");
    CHECK(node->info().attributes.size == 4);
    CHECK(error_code_of([&] { return read_at(*node, 0, 10); }) == ErrorCode::Io);
}

}  // namespace
}  // namespace backup::testing
