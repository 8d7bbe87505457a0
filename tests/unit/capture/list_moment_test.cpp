// SPDX-License-Identifier: Apache-2.0
#include "core/capture/list_moment.hpp"

#include "tests/support/catch.hpp"

using namespace backup::capture;

TEST_CASE("the first list that begins makes the moment") {
    ListMoment moment;
    CHECK(moment.version().empty());
    moment.offer("7");
    moment.offer("8");
    CHECK(moment.version() == "7");
}

TEST_CASE("a moment that is gone is begun anew by the next list") {
    ListMoment moment;
    moment.offer("7");
    moment.expire("7");
    CHECK(moment.version().empty());
    moment.offer("9");
    moment.expire("7");
    CHECK(moment.version() == "9");
}

TEST_CASE("a list that was begun while the moment lasted, and is late, does not bring it back") {
    ListMoment moment;
    moment.offer("7");
    moment.expire("7");
    moment.offer("7");
    CHECK(moment.version().empty());
    moment.offer("9");
    CHECK(moment.version() == "9");
}
