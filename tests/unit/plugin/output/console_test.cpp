// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/console.hpp"

#include "tests/support/catch.hpp"

#include <sstream>

using backup::plugin::Console;

TEST_CASE("messages are whole lines") {
    std::ostringstream err;
    Console console(err);
    console.print("one");
    console.print("two\n");
    console.print("");
    CHECK(err.str() == "one\ntwo\n");
}

TEST_CASE("a message stands above the progress line") {
    std::ostringstream err;
    Console console(err);
    console.show_progress("50%");
    console.print("note");
    CHECK(err.str() == "\r\x1b[K50%\r\x1b[Knote\n50%");
    console.show_progress("");
    CHECK(err.str().ends_with("50%\r\x1b[K"));
}

TEST_CASE("taking away what is not there prints nothing") {
    std::ostringstream err;
    Console console(err);
    console.show_progress("");
    CHECK(err.str().empty());
}
