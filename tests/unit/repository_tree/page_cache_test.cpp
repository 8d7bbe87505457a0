// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_cache.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/repository_tree/random_tree.hpp"

namespace backup::testing {
namespace {

std::vector<content::ShortId> make_pages(MemoryPages& pages, int count) {
    std::vector<content::ShortId> ids;
    for (int i = 0; i < count; ++i) {
        ids.push_back(
            build(pages, make_directory("", {make_file("f" + std::to_string(i))})).root.page);
    }
    return ids;
}

TEST_CASE("a page is fetched once while it is in use") {
    MemoryPages pages;
    const auto ids = make_pages(pages, 3);
    const auto length = pages.chunks.at(ids[0]).size();
    repository::PageCache cache(std::make_shared<MemorySource>(pages), 2 * length + 600);
    cache.get_directory_page(ids[0]);
    cache.get_directory_page(ids[1]);
    cache.get_directory_page(ids[0]);
    CHECK(pages.gets == 2);
    cache.get_directory_page(ids[2]);
    cache.get_directory_page(ids[0]);
    CHECK(pages.gets == 3);
    const auto kept = cache.get_directory_page(ids[1]);
    CHECK(pages.gets == 4);
    cache.get_directory_page(ids[2]);
    cache.get_directory_page(ids[0]);
    CHECK(kept->view->entry_name(0) == "f1");
}

TEST_CASE("an error names the page") {
    MemoryPages pages;
    const auto id = pages.put(as_bytes("no page"));
    repository::PageCache cache(std::make_shared<MemorySource>(pages), 1000);
    const auto error = error_of([&] { return cache.get_directory_page(id); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains(id.hex()));
}

TEST_CASE("readers in several threads share a small cache") {
    MemoryPages pages;
    const auto ids = make_pages(pages, 20);
    repository::PageCache cache(std::make_shared<MemorySource>(pages), 500);
    TaskGroup tasks;
    for (std::size_t thread = 0; thread < 4; ++thread) {
        tasks.start([&, thread](const std::stop_token&) {
            for (std::size_t i = 0; i < 2000; ++i) {
                const auto number = (i * (thread + 3)) % ids.size();
                const auto page = cache.get_directory_page(ids[number]);
                if (page->view->entry_name(0) != "f" + std::to_string(number)) {
                    throw Error(ErrorCode::Internal, "wrong page");
                }
            }
        });
    }
    CHECK_NOTHROW(tasks.wait());
}

}  // namespace
}  // namespace backup::testing
