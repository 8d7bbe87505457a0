// SPDX-License-Identifier: Apache-2.0
#include "core/model/quantity.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <limits>
#include <string>

using namespace backup;
using namespace backup::model;

TEST_CASE("quantities of Kubernetes are bytes, rounded up", "[quantity]") {
    CHECK(find_quantity("0") == 0);
    CHECK(find_quantity("512") == 512);
    CHECK(find_quantity("+8Gi") == 8ULL << 30U);
    CHECK(find_quantity("1Ki") == 1024);
    CHECK(find_quantity("1.5Ti") == 3ULL << 39U);
    CHECK(find_quantity("10G") == 10'000'000'000ULL);
    CHECK(find_quantity("1k") == 1000);
    CHECK(find_quantity("1e9") == 1'000'000'000ULL);
    CHECK(find_quantity("12E2") == 1200);
    CHECK(find_quantity("2E") == 2'000'000'000'000'000'000ULL);
    CHECK(find_quantity("1E+3") == 1000);
    CHECK(find_quantity("25e-1") == 3);
    CHECK(find_quantity("100m") == 1);
    CHECK(find_quantity("1500m") == 2);
    CHECK(find_quantity(".5Ki") == 512);
    CHECK(find_quantity("5.Ki") == 5120);
    CHECK(find_quantity("15Ei") == 15ULL << 60U);
}

TEST_CASE("what is no quantity, or too large, has no value", "[quantity]") {
    for (const std::string text : {"",
                                   "Gi",
                                   "-1Gi",
                                   "1 Gi",
                                   "1GiB",
                                   "1gi",
                                   "1.2.3",
                                   "0x10",
                                   "1e",
                                   "1e99",
                                   "16Ei",
                                   "20E",
                                   "ten",
                                   ".",
                                   "1e3Ki",
                                   "inf",
                                   "nan"}) {
        CAPTURE(text);
        CHECK_FALSE(find_quantity(text));
    }
    CHECK_FALSE(find_quantity(std::string(1000, '9')));
    const auto error = testing::error_of([] { parse_quantity("1\x1b[m"); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK(error.message() == "'1\\x1b[m' is no size");
}
