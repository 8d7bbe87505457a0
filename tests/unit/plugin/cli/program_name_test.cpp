// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/program_name.hpp"

#include "tests/support/catch.hpp"

using namespace backup::plugin;

TEST_CASE("the name a person typed is made from argv[0]") {
    CHECK(program_name("/usr/bin/kubectl-backup") == "kubectl backup");
    CHECK(program_name("kubectl-backup") == "kubectl backup");
    CHECK(program_name("/opt/krew/bin/kubectl-time_travel") == "kubectl time-travel");
    CHECK(program_name("./backup") == "backup");
    CHECK(program_name("kubectl-") == "kubectl-");
    CHECK(program_name("") == "kubectl backup");
}

TEST_CASE("texts name the program as it was started") {
    CHECK(for_program("run 'kubectl backup init', then 'kubectl backup list'", "kubectl x") ==
          "run 'kubectl x init', then 'kubectl x list'");
    CHECK(for_program("nothing", "x") == "nothing");
}
