// SPDX-License-Identifier: Apache-2.0
#include "core/view/volume_files.hpp"

#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/view/made_repository.hpp"

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
