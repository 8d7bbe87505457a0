// SPDX-License-Identifier: Apache-2.0
#include "plugin/app.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <array>

using namespace backup;
using namespace backup::plugin;

TEST_CASE("the environment is read as it is") {
    const std::array<const char*, 5> variables = {"A=1", "EMPTY=", "B=x=y", "broken", nullptr};
    const auto environment = own_environment(variables.data());
    CHECK(environment.size() == 3);
    CHECK(environment.at("B") == "x=y");
    CHECK(find_variable(environment, "A") == "1");
    CHECK_FALSE(find_variable(environment, "EMPTY").has_value());
    CHECK_FALSE(find_variable(environment, "C").has_value());
    CHECK(own_environment(nullptr).empty());
}

TEST_CASE("this program knows where it lies") {
    CHECK(own_executable().filename() == "unit_plugin");
}
