// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_reader.hpp"

#include "core/repository/page_encoder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

#include <set>

namespace backup::testing {
namespace {

using repository::TreeEntry;

std::vector<TreeEntry> list(repository::TreeReader& reader,
                            const repository::DirectoryRef& directory,
                            std::uint64_t first = 0) {
    std::vector<TreeEntry> out;
    reader.list(directory, first, [&](const TreeEntry& entry) {
        out.push_back(entry);
        return true;
    });
    return out;
}

void check_positions(repository::TreeReader& reader,
                     const repository::DirectoryRef& directory,
                     std::set<std::uint64_t>& seen) {
    for (const auto& entry : list(reader, directory)) {
        REQUIRE(seen.insert(entry.position).second);
        const auto again = reader.at(entry.position);
        REQUIRE(again.attributes == entry.attributes);
        REQUIRE(again.directory == entry.directory);
        const auto found = reader.find(directory, entry.attributes.name);
        REQUIRE(found);
        REQUIRE(found->position == entry.position);
        if (entry.attributes.type == model::FileType::Directory) {
            check_positions(reader, entry.directory, seen);
        }
    }
}

TEST_CASE("find, list and at agree on every entry, and positions are unique") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    RandomTreeOptions options;
    options.entries = 5000;
    options.largest_directory = 2000;
    MemoryPages pages;
    const auto built = build(pages, make_random_tree(random, options));
    auto reader = open_tree(pages, built);
    std::set<std::uint64_t> seen;
    check_positions(reader, built.root, seen);
    CHECK(seen.size() == built.files + built.directories);
}

TEST_CASE("names that are not there are not found") {
    MemoryPages pages;
    auto root = make_directory("");
    for (int i = 0; i < 5000; ++i) {
        root.children.push_back(make_file("n" + std::to_string(i)));
    }
    sort_children(root);
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    for (const auto* name : {"", "a", "n", "n1x", "n4999x", "zzz"}) {
        CHECK_FALSE(reader.find(built.root, name));
    }
}

TEST_CASE("a listing can begin anywhere and end early") {
    MemoryPages pages;
    auto root = make_directory("");
    for (int i = 0; i < 5000; ++i) {
        root.children.push_back(make_file("n" + std::to_string(i)));
    }
    sort_children(root);
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    for (const std::uint64_t first : {0U, 1U, 700U, 4999U, 5000U, 9000U}) {
        const auto rest = list(reader, built.root, first);
        REQUIRE(rest.size() == (first < 5000 ? 5000 - first : 0));
        if (!rest.empty()) {
            CHECK(rest.front().attributes.name == root.children[first].entry.name);
        }
    }
    std::size_t count = 0;
    reader.list(built.root, 10, [&](const TreeEntry&) { return ++count < 3; });
    CHECK(count == 3);
}

TEST_CASE("a listing touches only the pages it needs") {
    MemoryPages pages;
    auto root = make_directory("");
    for (int i = 0; i < 50'000; ++i) {
        root.children.push_back(make_file("n" + std::to_string(i)));
    }
    sort_children(root);
    const auto built = build(pages, root);
    auto reader = open_tree(pages, built);
    reader.find(built.root, "n31415");
    CHECK(pages.gets == 2);
    reader.list(built.root, 25'000, [](const TreeEntry&) { return false; });
    CHECK(pages.gets <= 3);
}

TEST_CASE("files are read in pieces, holes as zeros") {
    MemoryPages pages;
    const auto chunk = pages.put(as_bytes("0123456789"));
    TestNode sparse;
    sparse.entry.name = "sparse";
    sparse.entry.size = 30;
    sparse.content.extents = {{{}, 10}, {chunk, 20}, {{}, 30}};
    const auto tree = make_directory("", {make_file("inline"), sparse});
    const auto built = build(pages, tree);
    auto reader = open_tree(pages, built);
    const auto read = [&](const char* name, std::uint64_t offset, std::size_t length) {
        std::string out(length, '?');
        const auto count = reader.read(*reader.find(built.root, name),
                                       offset,
                                       std::as_writable_bytes(std::span(out.data(), out.size())));
        return out.substr(0, count);
    };
    CHECK(read("inline", 0, 100) == "inline");
    CHECK(read("inline", 2, 3) == "lin");
    CHECK(read("inline", 6, 3).empty());
    CHECK(read("sparse", 8, 5) == std::string("\0\0"
                                              "012",
                                              5));
    CHECK(read("sparse", 18, 100) == "89" + std::string(10, '\0'));
    CHECK(read("sparse", 1000, 4).empty());
    CHECK(reader.seek_data(*reader.find(built.root, "sparse"), 0) == 10);
    CHECK(reader.seek_hole(*reader.find(built.root, "sparse"), 10) == 20);
    CHECK(reader.seek_hole(*reader.find(built.root, "inline"), 0) == 6);
}

TEST_CASE("pieces end where chunks do") {
    constexpr std::uint64_t kMiB = 1U << 20U;
    MemoryPages pages;
    const auto chunk = pages.put(as_bytes("0123456789"));
    TestNode sparse;
    sparse.entry.name = "sparse";
    sparse.entry.size = 20 * kMiB;
    sparse.content.extents = {{{}, 10}, {chunk, 20}, {chunk, 30}, {{}, 20 * kMiB}};
    TestNode longest;
    longest.entry.name = "longest";
    longest.entry.size = 50 * kMiB;
    longest.content.extents = {{chunk, 50 * kMiB}};
    auto lost = make_file("lost");
    lost.content = {};
    lost.entry.content_unreadable = true;
    lost.entry.size = std::uint64_t{1} << 60U;
    const auto tree = make_directory("", {make_file("inline"), longest, lost, sparse});
    const auto built = build(pages, tree);
    auto reader = open_tree(pages, built);
    const auto end = [&](const char* name, std::uint64_t offset) {
        return reader.piece_end(*reader.find(built.root, name), offset);
    };
    CHECK(end("inline", 0) == 6);
    CHECK(end("inline", 6) == 6);
    CHECK(end("inline", 7) == 7);
    CHECK(end("sparse", 0) == 10);
    CHECK(end("sparse", 9) == 10);
    CHECK(end("sparse", 10) == 20);
    CHECK(end("sparse", 20) == 30);
    CHECK(end("sparse", 30) == 30 + kMiB);
    CHECK(end("sparse", 20 * kMiB - 1) == 20 * kMiB);
    CHECK(end("sparse", 20 * kMiB) == 20 * kMiB);
    CHECK(end("longest", 0) == 16 * kMiB);
    CHECK(end("lost", 0) == kMiB);
}

TEST_CASE("content that could not be saved says so when it is read") {
    MemoryPages pages;
    auto lost = make_file("lost");
    lost.content = {};
    lost.entry.content_unreadable = true;
    const auto built = build(pages, make_directory("", {lost}));
    auto reader = open_tree(pages, built);
    Bytes out(10);
    CHECK(error_code_of([&] { return reader.read(*reader.find(built.root, "lost"), 0, out); }) ==
          ErrorCode::Io);
}

TEST_CASE("places that are not there are damage, not a crash") {
    MemoryPages pages;
    const auto built = build(pages, make_directory("", {make_file("f")}));
    auto reader = open_tree(pages, built);
    const auto code = [](auto&& action) { return error_code_of(action); };
    CHECK(code([&] { return reader.at(1); }) == ErrorCode::CorruptData);
    CHECK(code([&] { return reader.at(std::uint64_t{5} << 20U); }) == ErrorCode::CorruptData);
    CHECK(code([&] { return reader.summarize({built.root.page, 1}); }) == ErrorCode::CorruptData);
    CHECK(code([&] { return reader.summarize({{}, 0}); }) == ErrorCode::CorruptData);
}

TEST_CASE("slices that lead from page to page without end are refused") {
    // A map stands for a hash here, so a page can name itself.
    MemoryPages pages;
    const content::ShortId id{{std::byte{1}}};
    repository::DirectoryDraft record;
    record.all_entries = 5;
    record.slices = {{"a", {id, 0}, 5, 0}};
    pages.chunks[id] = repository::encode_page({&record});
    repository::TreeReader reader(std::make_shared<MemorySource>(pages), {id, 0}, {id});
    CHECK(error_code_of([&] { return reader.find({id, 0}, "b"); }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return list(reader, {id, 0}); }) == ErrorCode::CorruptData);
}

}  // namespace
}  // namespace backup::testing
