// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_codec.hpp"

#include "core/repository/page_encoder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

namespace backup::testing {
namespace {

using repository::ContentKind;
using repository::DirectoryDraft;
using repository::EntryDraft;
using repository::PageView;

EntryDraft draft_of(const TestNode& node) {
    EntryDraft draft;
    draft.attributes = node.entry;
    draft.content = node.content;
    return draft;
}

// A root with one subdirectory in the same page, one elsewhere, a link, and a file of two extents.
Bytes example_page() {
    DirectoryDraft root;
    root.all_entries = 4;
    root.subdirectories = 2;
    auto here = draft_of(make_directory("here"));
    here.target.slot = 1;
    auto link = draft_of(make_file("link"));
    link.attributes.type = model::FileType::Symlink;
    link.attributes.link_target = "here";
    link.content = {};
    auto there = draft_of(make_directory("there"));
    there.target = {content::ShortId{{std::byte{7}}}, 3};
    auto two = draft_of(make_file("two"));
    two.attributes.xattrs = {{"user.a", "1"}};
    two.attributes.size = 30;
    two.content = {"", {{content::ShortId{{std::byte{9}}}, 10}, {content::ShortId{}, 30}}};
    root.entries = {here, link, there, two};
    DirectoryDraft below;
    below.all_entries = 1;
    below.entries = {draft_of(make_file("f"))};
    return repository::encode_page({&root, &below});
}

TEST_CASE("a page has the bytes that docs/format.md says") {
    const auto page = example_page();
    CHECK(as_text(ByteView(page).first(4)) == "KBT1");
    CHECK(load_le<std::uint32_t>(page.data() + 4) == 2);
    CHECK(load_le<std::uint32_t>(page.data() + 8) == 5);
    CHECK(load_le<std::uint32_t>(page.data() + 16) == 1);
    CHECK(load_le<std::uint32_t>(page.data() + 20) == 2);
    const auto* first = page.data() + 32 + 2 * 32;
    CHECK(load_le<std::uint16_t>(first + 4) == 4);
    CHECK(first[6] == std::byte{2});
    CHECK(first[56] == std::byte{3});
    CHECK(load_le<std::uint32_t>(first + 60) == 0xffffffff);
    CHECK(load_le<std::uint32_t>(first + 64) == 1);
}

TEST_CASE("the view of a page tells what was put in") {
    const auto page = example_page();
    const PageView view(page);
    CHECK(view.directories() == 2);
    CHECK(view.directory(0).entries == 4);
    CHECK(view.directory(0).subdirectories == 2);
    CHECK(view.entry(0).content == ContentKind::Directory);
    CHECK(view.decode_entry(1).link_target == "here");
    CHECK(view.page_reference(view.entry(2).a) == content::ShortId{{std::byte{7}}});
    CHECK(view.entry(2).b == 3);
    CHECK(view.extent(view.entry(3).a + 1).end == 30);
    CHECK(view.decode_entry(3).xattrs == std::vector<model::Xattr>{{"user.a", "1"}});
    CHECK(view.entry_name(4) == "f");
}

TEST_CASE("every shortened page is refused") {
    const auto page = example_page();
    for (std::size_t length = 0; length < page.size(); ++length) {
        CHECK(error_code_of([&] { PageView(ByteView(page).first(length)); }) ==
              ErrorCode::CorruptData);
    }
    auto longer = page;
    longer.push_back(std::byte{0});
    CHECK(error_code_of([&] { PageView{longer}; }) == ErrorCode::CorruptData);
}

TEST_CASE("fields that lead outside of the page are refused") {
    const auto entry = [](std::size_t number, std::size_t field) {
        return 32 + 2 * 32 + number * repository::kEntryBytes + field;
    };
    // Place and new 32-bit value of one field each.
    const std::vector<std::pair<std::size_t, std::uint32_t>> changes = {
        {4, 0xffffffff},             // directories
        {8, 0xffffffff},             // entries
        {12, 1},                     // slices
        {16, 0xfffffff0},            // references
        {24, 0},                     // heap
        {32, 1},                     // first entry of the root
        {36, 5},                     // entries of the root
        {48, 9},                     // subdirectories of the root
        {56, 77},                    // entries in all
        {entry(0, 0), 0x7fffffff},   // a name
        {entry(0, 60), 1},           // a page reference that is not there
        {entry(0, 64), 0},           // this page, the slot it stands in
        {entry(0, 64), 2},           // this page, a slot that is not there
        {entry(1, 60), 0xfffffff0},  // a link target
        {entry(3, 60), 1},           // extents
        {entry(3, 64), 0},           // no extents
        {entry(3, 24), 31},          // size
        {entry(3, 68), 0x7fffffff},  // extended attributes
    };
    for (const auto& [at, value] : changes) {
        INFO("field at " << at);
        auto page = example_page();
        store_le(page.data() + at, value);
        CHECK(error_code_of([&] { PageView{page}; }) == ErrorCode::CorruptData);
    }
}

TEST_CASE("damaged bits never lead outside of a page") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    MemoryPages pages;
    RandomTreeOptions options;
    options.entries = 300;
    const auto built = build(pages, make_random_tree(random, options));
    const auto& page = pages.chunks.at(built.root.page);
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto damaged = page;
        const auto at = random.below(damaged.size());
        damaged[at] ^= static_cast<std::byte>(1U << random.below(8));
        try {
            const PageView view(damaged);
            for (std::uint32_t i = 0; i < view.entries(); i += 1 + view.entries() / 8) {
                view.decode_entry(i);
            }
        } catch (const Error& error) {
            REQUIRE(error.code() == ErrorCode::CorruptData);
            ++refused;
        }
    }
    CHECK(refused > 0);
}

}  // namespace
}  // namespace backup::testing
