// SPDX-License-Identifier: Apache-2.0
#include "fuse/plugin_handover.hpp"

#include "tests/support/catch.hpp"

#include <vector>

namespace backup::testing {
namespace {

TEST_CASE("a call without repository or key is meant for the plugin") {
    using Words = std::vector<std::string>;
    CHECK(fuse::is_for_plugin(Words{"mnt"}));
    CHECK(fuse::is_for_plugin(Words{}));
    CHECK(fuse::is_for_plugin(Words{"--repo=/r", "mnt"}));
    CHECK(fuse::is_for_plugin(Words{"--key-file", "k", "mnt"}));
    for (const auto* key : {"--key-file=k", "--passphrase-file=p", "--secret-fd=3"}) {
        CHECK_FALSE(fuse::is_for_plugin(Words{"--repo=/r", key, "mnt"}));
    }
}

}  // namespace
}  // namespace backup::testing
