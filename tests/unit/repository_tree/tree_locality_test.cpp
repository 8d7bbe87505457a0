// SPDX-License-Identifier: Apache-2.0
// One change rewrites its page and those above it, nothing else.
#include "core/repository/tree_builder.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

#include <algorithm>

namespace backup::testing {
namespace {

// About 20,000 files, as a source tree or a web site has them.
TestNode make_wide_tree() {
    auto root = make_directory("");
    for (int i = 0; i < 20; ++i) {
        auto top = make_directory("top-" + std::to_string(i));
        for (int k = 0; k < 100; ++k) {
            auto middle = make_directory("package-" + std::to_string(k * 7919 % 1000));
            for (int n = 0; n < 10; ++n) {
                middle.children.push_back(make_file(std::to_string(i) + "-" + std::to_string(k) +
                                                    "-" + std::to_string(n) + ".txt"));
            }
            top.children.push_back(std::move(middle));
        }
        root.children.push_back(std::move(top));
    }
    sort_children(root);
    return root;
}

std::size_t new_pages(MemoryPages& pages, const TestNode& tree, std::size_t& all) {
    const auto before = pages.chunks.size();
    all = build(pages, tree).pages.size();
    return pages.chunks.size() - before;
}

TEST_CASE("a changed file rewrites a path of pages") {
    MemoryPages pages;
    auto tree = make_wide_tree();
    std::size_t all = 0;
    new_pages(pages, tree, all);
    REQUIRE(all > 30);

    auto& file = tree.children[7].children[50].children[3];
    file.content.inline_bytes = std::string(500, 'c');
    file.entry.size = 500;
    CHECK(new_pages(pages, tree, all) <= 3);

    auto& package = tree.children[7].children[51];
    package.children.push_back(make_file("zz-new.txt"));
    CHECK(new_pages(pages, tree, all) <= 6);

    package.children.clear();
    CHECK(new_pages(pages, tree, all) <= 6);

    tree.children[3].children.erase(tree.children[3].children.begin() + 40);
    CHECK(new_pages(pages, tree, all) <= 6);

    CHECK(new_pages(pages, tree, all) == 0);
}

TEST_CASE("an added name in a large directory rewrites few slices") {
    MemoryPages pages;
    auto root = make_directory("");
    for (int i = 0; i < 50'000; ++i) {
        root.children.push_back(make_file("entry-" + std::to_string(i)));
    }
    sort_children(root);
    std::size_t all = 0;
    new_pages(pages, root, all);
    REQUIRE(all > 40);
    root.children.push_back(make_file("entry-2345x"));
    sort_children(root);
    CHECK(new_pages(pages, root, all) <= 6);
    root.children.erase(root.children.begin() + 10'000);
    CHECK(new_pages(pages, root, all) <= 6);
}

}  // namespace
}  // namespace backup::testing
