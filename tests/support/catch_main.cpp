// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
    // What the product's main functions do: a peer that hangs up is an error, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    const int failures = Catch::Session().run(argc, argv);
    if (failures != 0) {
        std::cerr << "repeat this run with BACKUP_SEED=" << backup::testing::test_seed() << '\n';
    }
    return failures == 0 ? 0 : 1;
}
