// SPDX-License-Identifier: Apache-2.0
// Pages that lie, as whoever holds the key can write them: readers end, with an error, and take no
// more than what is really there.
#include "core/repository/page_codec.hpp"
#include "core/repository/page_encoder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

#include <functional>

namespace backup::testing {
namespace {

using repository::DirectoryDraft;
using repository::DirectoryRef;
using repository::EntryDraft;
using repository::PageView;
using repository::SliceDraft;
using repository::TreeEntry;

content::ShortId id_of(std::uint32_t number) {
    content::ShortId id;
    store_le(id.bytes.data(), number);
    return id;
}

EntryDraft file(const std::string& name) {
    EntryDraft draft;
    draft.attributes = make_file(name).entry;
    draft.content.inline_bytes = name;
    return draft;
}

DirectoryDraft leaf(const std::vector<std::string>& names) {
    DirectoryDraft draft;
    for (const auto& name : names) {
        draft.entries.push_back(file(name));
    }
    draft.all_entries = names.size();
    return draft;
}

DirectoryDraft sliced(std::vector<SliceDraft> slices) {
    DirectoryDraft draft;
    for (const auto& slice : slices) {
        draft.all_entries += slice.entries;
    }
    draft.slices = std::move(slices);
    return draft;
}

std::string name_of(std::uint32_t number) {
    return "n" + std::to_string(100'000 + number);
}

struct Tree {
    MemoryPages pages;

    void put(std::uint32_t page, const DirectoryDraft& draft) {
        pages.chunks[id_of(page)] = repository::encode_page({&draft});
    }

    repository::TreeReader open() {
        return {std::make_shared<MemorySource>(pages), {id_of(1), 0}, {}};
    }

    /// Names until the end, or until it is refused.
    std::vector<std::string> list() {
        std::vector<std::string> names;
        open().list({id_of(1), 0}, 0, [&names](const TreeEntry& entry) {
            names.push_back(entry.attributes.name);
            return true;
        });
        return names;
    }

    ErrorCode refusal_of_list() {
        return error_code_of([this] { return list(); });
    }

    ErrorCode refusal_of_find(const std::string& name) {
        return error_code_of([&] { return open().find({id_of(1), 0}, name); });
    }
};

ErrorCode refusal_of(const DirectoryDraft& draft) {
    const auto page = repository::encode_page({&draft});
    return error_code_of([&page] {
        const PageView view(page);
        for (std::uint32_t i = 0; i < view.entries(); ++i) {
            view.decode_entry(i);
        }
        return 0;
    });
}

/// The page of one entry, after `change`, is taken.
bool is_taken(EntryDraft entry, const std::function<void(EntryDraft&)>& change) {
    change(entry);
    DirectoryDraft draft;
    draft.entries.push_back(std::move(entry));
    draft.all_entries = 1;
    const auto page = repository::encode_page({&draft});
    try {
        return PageView(page).decode_entry(0) == draft.entries[0].attributes;
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::CorruptData);
        return false;
    }
}

TEST_CASE("slices that all lead to the same place are refused at the second one") {
    Tree tree;
    // Nine levels of 2000 slices each that lead one level down: 2000^8 steps without an entry.
    for (std::uint32_t level = 1; level <= 8; ++level) {
        std::vector<SliceDraft> slices;
        for (std::uint32_t i = 0; i < 2000; ++i) {
            slices.push_back({name_of(i), {id_of(level + 1), 0}, 1, 0});
        }
        tree.put(level, sliced(std::move(slices)));
    }
    tree.put(9, leaf({name_of(0)}));
    CHECK(tree.refusal_of_list() == ErrorCode::CorruptData);
    CHECK(tree.refusal_of_find(name_of(1)) == ErrorCode::CorruptData);
    CHECK(tree.pages.gets < 20);
}

TEST_CASE("a slice that leads to another number of entries is refused") {
    const std::uint32_t counted = GENERATE(1U, 3U);
    Tree tree;
    tree.put(1, sliced({{"a", {id_of(2), 0}, counted, 0}, {"m", {id_of(3), 0}, 1, 0}}));
    tree.put(2, leaf({"a", "b"}));
    tree.put(3, leaf({"m"}));
    CHECK(tree.refusal_of_list() == ErrorCode::CorruptData);
    CHECK(tree.refusal_of_find("b") == ErrorCode::CorruptData);
    CHECK(tree.open().find({id_of(1), 0}, "m"));
}

TEST_CASE("a slice that begins with another name, or goes on into the next one, is refused") {
    const std::vector<std::string> names = GENERATE(as<std::vector<std::string>>{},
                                                    std::vector<std::string>{"b", "c"},
                                                    std::vector<std::string>{"a", "m"},
                                                    std::vector<std::string>{"a", "z"});
    Tree tree;
    tree.put(1, sliced({{"a", {id_of(2), 0}, 2, 0}, {"m", {id_of(3), 0}, 1, 0}}));
    tree.put(2, leaf(names));
    tree.put(3, leaf({"m"}));
    CHECK(tree.refusal_of_list() == ErrorCode::CorruptData);
    CHECK(tree.refusal_of_find("c") == ErrorCode::CorruptData);
}

TEST_CASE("slices of slices keep to the names of those above") {
    Tree tree;
    tree.put(1, sliced({{"a", {id_of(2), 0}, 3, 0}, {"m", {id_of(5), 0}, 1, 0}}));
    tree.put(2, sliced({{"a", {id_of(3), 0}, 1, 0}, {"c", {id_of(4), 0}, 2, 0}}));
    tree.put(3, leaf({"a"}));
    tree.put(4, leaf({"c", "d"}));
    tree.put(5, leaf({"m"}));
    CHECK(tree.list() == std::vector<std::string>{"a", "c", "d", "m"});
    tree.put(4, leaf({"c", "n"}));
    CHECK(tree.refusal_of_list() == ErrorCode::CorruptData);
    CHECK(tree.refusal_of_find("c") == ErrorCode::CorruptData);
}

TEST_CASE("a slice without entries is refused") {
    CHECK(refusal_of(sliced({{"a", {id_of(2), 0}, 1, 0}, {"m", {id_of(3), 0}, 0, 0}})) ==
          ErrorCode::CorruptData);
}

TEST_CASE("a list of pages that names one twice is refused") {
    Tree tree;
    tree.put(1, leaf({"a"}));
    CHECK(error_code_of([&] {
              const repository::TreeReader reader(std::make_shared<MemorySource>(tree.pages),
                                                  {id_of(1), 0},
                                                  {id_of(1), id_of(2), id_of(1)});
              return 0;
          }) == ErrorCode::CorruptData);
}

TEST_CASE("what entries keep in the heap is bounded for each of them") {
    EntryDraft link;
    link.attributes.name = "l";
    link.attributes.type = model::FileType::Symlink;
    const auto target = [](std::size_t length) {
        return [length](EntryDraft& draft) {
            draft.attributes.link_target = std::string(length, 't');
        };
    };
    CHECK(is_taken(link, target(4095)));
    CHECK_FALSE(is_taken(link, target(4096)));
    CHECK_FALSE(
        is_taken(link, [](auto& draft) { draft.attributes.link_target = std::string("a\0b", 3); }));

    const auto text = [](std::size_t length) {
        return [length](EntryDraft& draft) {
            draft.attributes.size = length;
            draft.content.inline_bytes = std::string(length, 'x');
        };
    };
    CHECK(is_taken(file("f"), text(64U << 10U)));
    CHECK_FALSE(is_taken(file("f"), text((64U << 10U) + 1)));

    const auto values = [](std::size_t count, std::size_t length) {
        return [count, length](EntryDraft& draft) {
            for (std::size_t i = 0; i < count; ++i) {
                draft.attributes.xattrs.push_back(
                    {"user." + std::to_string(10'000 + i), std::string(length, 'v')});
            }
        };
    };
    CHECK(is_taken(file("f"), values(1, (1U << 20U) - 10)));
    CHECK_FALSE(is_taken(file("f"), values(1, (1U << 20U) - 9)));
    CHECK_FALSE(is_taken(file("f"), values(32, 32U << 10U)));
    CHECK(is_taken(file("f"), values(4096, 1)));
    CHECK_FALSE(is_taken(file("f"), values(4097, 1)));
    CHECK_FALSE(is_taken(file("f"), [](auto& draft) {
        draft.attributes.xattrs = {{std::string(256, 'n'), ""}};
    }));

    const auto extents = [](std::uint64_t count) {
        return [count](EntryDraft& draft) {
            draft.content.inline_bytes.clear();
            for (std::uint64_t end = 1; end <= count; ++end) {
                draft.content.extents.push_back({id_of(7), end});
            }
            draft.attributes.size = count;
        };
    };
    CHECK(is_taken(file("f"), extents(64)));
    CHECK_FALSE(is_taken(file("f"), extents(65)));
}

TEST_CASE("a builder takes no more than a reader does") {
    MemoryPages pages;
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    builder.begin_directory(make_directory("").entry);
    model::FileEntry link;
    link.name = "l";
    link.type = model::FileType::Symlink;
    link.link_target = std::string(4096, 't');
    CHECK(error_code_of([&] {
              builder.add(link, {});
              return 0;
          }) == ErrorCode::InvalidArgument);
    link.link_target.pop_back();
    builder.add(link, {});
    auto many = make_file("m");
    for (int i = 0; i < 4097; ++i) {
        many.entry.xattrs.push_back({"user." + std::to_string(10'000 + i), ""});
    }
    CHECK(error_code_of([&] {
              builder.add(many.entry, many.content);
              return 0;
          }) == ErrorCode::InvalidArgument);
}

TEST_CASE("a directory of 300,000 entries is listed and searched") {
    constexpr std::uint32_t kEntries = 300'000;
    MemoryPages pages;
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    builder.begin_directory(make_directory("").entry);
    model::FileEntry entry;
    for (std::uint32_t i = 0; i < kEntries; ++i) {
        entry.name = "a rather long name of an entry " + name_of(i);
        builder.add(entry, {});
    }
    builder.end_directory();
    const auto built = builder.finish();
    auto reader = open_tree(pages, built);
    std::string last;
    std::size_t count = 0;
    reader.list(built.root, 0, [&](const TreeEntry& found) {
        count += found.attributes.name > last ? 1U : 0U;
        last = found.attributes.name;
        return true;
    });
    CHECK(count == kEntries);
    CHECK(reader.summarize(built.root).entries == kEntries);
    for (std::uint32_t i = 0; i < kEntries; i += 9973) {
        CHECK(reader.find(built.root, "a rather long name of an entry " + name_of(i)));
    }
    CHECK_FALSE(reader.find(built.root, "a rather long name of an entry n1"));
}

}  // namespace
}  // namespace backup::testing
