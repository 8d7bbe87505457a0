// SPDX-License-Identifier: Apache-2.0
#include "core/kube/page_size.hpp"

#include "tests/support/catch.hpp"

using backup::kube::PageSize;

TEST_CASE("small items come in full pages", "[page_size]") {
    PageSize size(500);
    CHECK(size.items() == 500);
    size.fit(500, 500 * 2'000);
    CHECK(size.items() == 500);
    size.fit(0, 100);
    CHECK(size.items() == 500);
}

TEST_CASE("large items make small pages, and small ones full pages again", "[page_size]") {
    PageSize size(500);
    size.fit(10, 10 * (1U << 20U));
    CHECK(size.items() == 4);
    size.fit(4, 4 * (100U << 20U));
    CHECK(size.items() == 1);
    size.fit(1, 1'000);
    CHECK(size.items() == 500);
}

TEST_CASE("a slow server gets smaller pages, and larger ones after a while", "[page_size]") {
    PageSize size(500);
    for (const auto expected : {100U, 25U, 5U, 1U}) {
        CHECK(size.shrink());
        CHECK(size.items() == expected);
    }
    CHECK_FALSE(size.shrink());
    for (int page = 0; page < 7; ++page) {
        size.fit(1, 1'000);
        CHECK(size.items() == 1);
    }
    size.fit(1, 1'000);
    CHECK(size.items() == 2);
    for (int page = 0; page < 8 * 10; ++page) {
        size.fit(1, 1'000);
    }
    CHECK(size.items() == 500);
}

TEST_CASE("a page size of nothing is one", "[page_size]") {
    CHECK(PageSize(0).items() == 1);
    PageSize small(10);
    CHECK(small.shrink());
    CHECK(small.items() == 5);
}
