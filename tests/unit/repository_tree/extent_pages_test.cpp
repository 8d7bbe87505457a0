// SPDX-License-Identifier: Apache-2.0
#include "core/repository/extent_pages.hpp"

#include "core/repository/page_codec.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

namespace backup::testing {
namespace {

using repository::Extent;

std::vector<Extent> make_extents(SeededRandom& random, std::size_t count) {
    std::vector<Extent> extents(count);
    std::uint64_t end = 0;
    for (auto& extent : extents) {
        random.fill(extent.chunk.bytes);
        end += 1000;
        extent.end = end;
    }
    return extents;
}

TestNode make_large_file(std::vector<Extent> extents) {
    TestNode file;
    file.entry.name = "large";
    file.entry.size = extents.back().end;
    file.content.extents = std::move(extents);
    return file;
}

TEST_CASE("extents of every number are read back") {
    SeededRandom random;
    for (const std::size_t count : {1U, 64U, 65U, 2730U, 2731U, 200'000U}) {
        INFO(count);
        MemoryPages pages;
        const auto tree = make_directory("", {make_large_file(make_extents(random, count))});
        const auto built = build(pages, tree);
        auto reader = open_tree(pages, built);
        CHECK(read_all(reader, built.root) == tree.children);
    }
}

TEST_CASE("an inserted chunk moves few extent pages") {
    SeededRandom random(7);
    MemoryPages pages;
    auto extents = make_extents(random, 100'000);
    build(pages, make_directory("", {make_large_file(extents)}));
    const auto before = pages.chunks.size();
    // Ends behind an insertion move, so pages before it stay and the rest is new.
    Extent fresh;
    random.fill(fresh.chunk.bytes);
    extents.push_back(fresh);
    extents.back().end = extents[extents.size() - 2].end + 5;
    build(pages, make_directory("", {make_large_file(extents)}));
    CHECK(pages.chunks.size() - before <= 4);
}

TEST_CASE("a file of 200,000 extents is read at any offset") {
    SeededRandom random;
    MemoryPages pages;
    std::vector<content::ShortId> chunks;
    for (int i = 0; i < 50; ++i) {
        chunks.push_back(pages.put(random.bytes(1000)));
    }
    auto extents = make_extents(random, 200'000);
    for (std::size_t i = 0; i < extents.size(); ++i) {
        extents[i].chunk = i % 51 == 50 ? content::ShortId{} : chunks[i % 51];
    }
    const auto built = build(pages, make_directory("", {make_large_file(extents)}));
    auto reader = open_tree(pages, built);
    const auto entry = reader.find(built.root, "large");
    REQUIRE(entry);
    for (int round = 0; round < 200; ++round) {
        const auto offset = random.below(extents.back().end);
        Bytes out(random.below(5000));
        const auto count = reader.read(*entry, offset, out);
        REQUIRE(count == std::min<std::uint64_t>(out.size(), extents.back().end - offset));
        for (std::size_t i = 0; i < count; ++i) {
            const auto number = (offset + i) / 1000;
            const auto expected = number % 51 == 50
                                      ? std::byte{0}
                                      : pages.chunks.at(chunks[number % 51])[(offset + i) % 1000];
            REQUIRE(out[i] == expected);
        }
    }
    CHECK(reader.seek_hole(*entry, 0) == 50'000);
    CHECK(reader.seek_data(*entry, 50'500) == 51'000);
    CHECK(reader.seek_data(*entry, 7) == 7);
    CHECK_FALSE(reader.seek_data(*entry, extents.back().end));
}

TEST_CASE("damaged extent pages are refused") {
    const auto code = [](ByteView bytes, std::uint64_t begin, std::uint64_t end) {
        return error_code_of([&] { return repository::decode_extent_page(bytes, begin, end); });
    };
    Bytes page(2 * repository::kExtentBytes);
    store_le(page.data() + 16, std::uint64_t{100});
    store_le(page.data() + 40, std::uint64_t{200});
    CHECK(repository::decode_extent_page(page, 0, 200).size() == 2);
    CHECK(code(page, 100, 200) == ErrorCode::CorruptData);
    CHECK(code(page, 0, 201) == ErrorCode::CorruptData);
    CHECK(code({}, 0, 0) == ErrorCode::CorruptData);
    CHECK(code(ByteView(page).first(30), 0, 200) == ErrorCode::CorruptData);
    CHECK(code(Bytes(2731 * repository::kExtentBytes), 0, 200) == ErrorCode::CorruptData);
    store_le(page.data() + 40, std::uint64_t{100});
    CHECK(code(page, 0, 100) == ErrorCode::CorruptData);
}

}  // namespace
}  // namespace backup::testing
