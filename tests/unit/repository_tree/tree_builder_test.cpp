// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_builder.hpp"

#include "core/repository/page_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

#include <set>

namespace backup::testing {
namespace {

using model::FileType;

std::vector<content::ShortId> first_reached(repository::TreeReader& reader,
                                            const repository::DirectoryRef& root) {
    std::vector<content::ShortId> order;
    std::set<content::ShortId> seen;
    const auto reach = [&](const content::ShortId& page) {
        if (seen.insert(page).second) {
            order.push_back(page);
        }
    };
    const std::function<void(const repository::DirectoryRef&)> walk =
        [&](const repository::DirectoryRef& directory) {
            reach(directory.page);
            std::vector<repository::TreeEntry> entries;
            reader.list(directory, 0, [&](const repository::TreeEntry& entry) {
                entries.push_back(entry);
                return true;
            });
            for (const auto& entry : entries) {
                reach(entry.page);
                if (entry.attributes.type == FileType::Directory) {
                    walk(entry.directory);
                }
            }
        };
    walk(root);
    return order;
}

repository::BuiltTree build_chain(MemoryPages& pages, std::size_t depth) {
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    const auto directory = make_directory("d");
    builder.begin_directory(make_directory("").entry);
    for (std::size_t i = 0; i < depth; ++i) {
        builder.begin_directory(directory.entry);
    }
    const auto file = make_file("end");
    builder.add(file.entry, file.content);
    for (std::size_t i = 0; i <= depth; ++i) {
        builder.end_directory();
    }
    return builder.finish();
}

TEST_CASE("what was built is read back") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    for (int round = 0; round < 6; ++round) {
        RandomTreeOptions options;
        options.entries = 1 + random.below(4000);
        options.largest_directory = 1 + random.below(round % 2 == 0 ? 50 : 3000);
        const auto tree = make_random_tree(random, options);
        MemoryPages pages;
        const auto built = build(pages, tree);
        auto reader = open_tree(pages, built);
        REQUIRE(read_all(reader, built.root) == tree.children);
        auto with_tiny_cache = open_tree(pages, built, 1);
        CHECK(read_all(with_tiny_cache, built.root) == tree.children);
    }
}

TEST_CASE("the same tree has the same pages, whatever was built before") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    const auto tree = make_random_tree(random, {});
    MemoryPages fresh;
    MemoryPages used;
    build(used, make_random_tree(random, {}));
    const auto first = build(fresh, tree);
    const auto second = build(used, tree);
    CHECK(first.root == second.root);
    CHECK(first.pages == second.pages);
}

TEST_CASE("the page table names every page once, in the order a walk reaches them") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    for (const std::size_t largest : {40U, 4000U}) {
        RandomTreeOptions options;
        options.entries = 6000;
        options.largest_directory = largest;
        MemoryPages pages;
        const auto built = build(pages, make_random_tree(random, options));
        auto reader = open_tree(pages, built);
        REQUIRE(built.pages.size() > 3);
        CHECK(first_reached(reader, built.root) == built.pages);
    }
}

TEST_CASE("an empty tree and an empty directory") {
    MemoryPages pages;
    const auto empty = build(pages, make_directory(""));
    auto reader = open_tree(pages, empty);
    CHECK(read_all(reader, empty.root).empty());
    CHECK(reader.summarize(empty.root).entries == 0);

    const auto tree = make_directory("", {make_directory("a"), make_directory("b")});
    const auto built = build(pages, tree);
    CHECK(built.directories == 2);
    CHECK(built.files == 0);
    auto other = open_tree(pages, built);
    CHECK(read_all(other, built.root) == tree.children);
}

TEST_CASE("a directory of 100,000 entries is cut into slices") {
    auto root = make_directory("");
    for (int i = 0; i < 100'000; ++i) {
        root.children.push_back(make_file("entry-" + std::to_string(i)));
    }
    sort_children(root);
    MemoryPages pages;
    const auto built = build(pages, root);
    CHECK(built.files == 100'000);
    CHECK(built.pages.size() > 50);
    CHECK(built.pages.size() < 400);
    auto reader = open_tree(pages, built);
    CHECK(reader.summarize(built.root).entries == 100'000);
    CHECK(read_all(reader, built.root) == root.children);
    const auto found = reader.find(built.root, "entry-54321");
    REQUIRE(found);
    CHECK(reader.load_content(*found).inline_bytes == "entry-54321");
    CHECK(reader.at(found->position).attributes.name == "entry-54321");
}

TEST_CASE("subdirectories of a sliced directory stand with their slice or in pages of their own") {
    auto root = make_directory("");
    for (int i = 0; i < 20'000; ++i) {
        auto child = make_directory("d" + std::to_string(i));
        for (int k = 0; k < i % 4; ++k) {
            child.children.push_back(make_file("f" + std::to_string(k)));
        }
        root.children.push_back(std::move(child));
    }
    sort_children(root);
    MemoryPages pages;
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    CHECK(reader.summarize(built.root).subdirectories == 20'000);
    CHECK(read_all(reader, built.root) == root.children);
    CHECK(first_reached(reader, built.root) == built.pages);
}

TEST_CASE("long names make slices of slices") {
    auto root = make_directory("");
    for (int i = 0; i < 150'000; ++i) {
        auto name = std::to_string(1'000'000 + i) + std::string(248, 'n');
        TestNode file;
        file.entry.name = std::move(name);
        root.children.push_back(std::move(file));
    }
    MemoryPages pages;
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    const repository::PageView top(pages.chunks.at(built.root.page));
    const auto record = top.directory(built.root.slot);
    REQUIRE(record.slices > 0);
    CHECK(top.slice(record.first_slice).entries > 10'000);
    CHECK(reader.summarize(built.root).entries == 150'000);
    std::uint64_t count = 0;
    reader.list(built.root, 140'000, [&](const repository::TreeEntry& entry) {
        REQUIRE(entry.attributes.name == root.children[140'000 + count].entry.name);
        ++count;
        return true;
    });
    CHECK(count == 10'000);
    CHECK(reader.find(built.root, root.children[77'777].entry.name));
    CHECK(first_reached(reader, built.root).size() <= built.pages.size());
    CHECK(built.pages.front() == built.root.page);
    CHECK(pages.chunks.size() == built.pages.size());
}

TEST_CASE("nesting of 1000 directories") {
    MemoryPages pages;
    const auto built = build_chain(pages, 1000);
    CHECK(built.directories == 1000);
    CHECK(built.pages.size() < 10);
    auto reader = open_tree(pages, built);
    auto here = built.root;
    for (int i = 0; i < 1000; ++i) {
        const auto next = reader.find(here, "d");
        REQUIRE(next);
        here = next->directory;
    }
    CHECK(reader.find(here, "end"));
}

TEST_CASE("pages stay below the limit with the largest attributes") {
    auto root = make_directory("");
    for (int i = 0; i < 12; ++i) {
        auto child = make_directory("d" + std::to_string(10 + i));
        for (int k = 0; k < 3; ++k) {
            auto file = make_file("f" + std::to_string(k));
            file.entry.xattrs.push_back(
                {"user.big", std::string(1'000'000 + static_cast<std::size_t>(i), 'x')});
            child.children.push_back(std::move(file));
        }
        root.children.push_back(std::move(child));
    }
    MemoryPages pages;
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    CHECK(read_all(reader, built.root) == root.children);
    for (const auto& page : built.pages) {
        CHECK(pages.chunks.at(page).size() <= repository::kPageLimitBytes);
    }
}

TEST_CASE("trees of other builders stand in it as if they were built there") {
    SeededRandom random;
    MemoryPages pages;
    TestNode root = make_directory("");
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    builder.begin_directory(root.entry);
    for (const auto* name : {"a", "b", "c", "d"}) {
        TestNode child = make_random_tree(random, {.entries = 1 + random.below(3000)});
        child.entry.name = name;
        root.children.push_back(child);
        if (random.chance(2)) {
            add_tree(builder, child);
        } else {
            builder.add_tree(child.entry, build(pages, child));
        }
    }
    builder.end_directory();
    const auto tree = builder.finish();
    auto reader = open_tree(pages, tree);
    CHECK(read_all(reader, tree.root) == root.children);
    CHECK(first_reached(reader, tree.root) == tree.pages);
    const auto whole = build(pages, root);
    CHECK(tree.files == whole.files);
    CHECK(tree.directories == whole.directories);
    CHECK(tree.bytes == whole.bytes);
}

TEST_CASE("misuse is refused before anything changes") {
    MemoryPages pages;
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    const auto file = make_file("m");
    CHECK(error_code_of([&] { builder.add(file.entry, file.content); }) == ErrorCode::Internal);
    CHECK(error_code_of([&] { builder.end_directory(); }) == ErrorCode::Internal);
    CHECK(error_code_of([&] { return builder.finish(); }) == ErrorCode::Internal);
    builder.begin_directory(make_directory("").entry);
    builder.add(file.entry, file.content);
    CHECK(error_code_of([&] { builder.add(file.entry, file.content); }) == ErrorCode::Internal);
    CHECK(error_code_of([&] { builder.add(make_file("a").entry, file.content); }) ==
          ErrorCode::Internal);
    for (const std::string bad : {"", ".", "..", "n/x", "z\x01/"}) {
        auto wrong = make_file(bad);
        CHECK(error_code_of([&] { builder.add(wrong.entry, wrong.content); }) ==
              ErrorCode::InvalidArgument);
    }
    auto wrong = make_file("n");
    ++wrong.entry.size;
    CHECK(error_code_of([&] { builder.add(wrong.entry, wrong.content); }) == ErrorCode::Internal);
    auto heavy = make_file("n");
    heavy.entry.xattrs.push_back({"user.x", std::string(2U << 20U, 'x')});
    CHECK(error_code_of([&] { builder.add(heavy.entry, heavy.content); }) ==
          ErrorCode::InvalidArgument);
    builder.end_directory();
    const auto built = builder.finish();
    CHECK(built.files == 1);
    auto reader = open_tree(pages, built);
    CHECK(read_all(reader, built.root) == std::vector{file});
}

}  // namespace
}  // namespace backup::testing
