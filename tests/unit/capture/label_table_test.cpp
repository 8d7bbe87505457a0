// SPDX-License-Identifier: Apache-2.0
#include "core/capture/label_table.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

TEST_CASE("equal sets of labels have one number", "[label_table]") {
    LabelTable table;
    const auto web = table.add({{"app", "web"}, {"tier", "front"}});
    CHECK(table.add({{"app", "web"}}) != web);
    CHECK(table.add({{"app", "front"}, {"tier", "web"}}) != web);
    CHECK(table.add({}) != web);
    CHECK(table.add({{"tier", "front"}, {"app", "web"}}) == web);
}

TEST_CASE("selectors match numbers as they match labels", "[label_table]") {
    const std::vector<model::Labels> sets = {{},
                                             {{"app", "web"}},
                                             {{"app", "db"}, {"tier", "back"}},
                                             {{"tier", "app"}},
                                             {{"web", "app"}}};
    LabelTable table;
    for (const auto* const text : {"",
                                   "app=web",
                                   "app!=web",
                                   "app in (db,web)",
                                   "app notin (db,web)",
                                   "tier",
                                   "!tier",
                                   "app in (db),tier=back",
                                   "app=db,!tier",
                                   "never=seen",
                                   "never!=seen"}) {
        const auto selector = model::parse_label_selector(text);
        const auto compiled = table.compile(selector);
        for (const auto& labels : sets) {
            INFO(text);
            CHECK(table.matches(compiled, table.add(labels)) == model::matches(selector, labels));
        }
    }
}
