// SPDX-License-Identifier: Apache-2.0
#include "core/net/url.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::net;
using testing::error_code_of;

TEST_CASE("the parts of a URL") {
    CHECK(parse_url("https://kube.example:6443/k8s/c-1") ==
          Url{"https", "kube.example", "6443", "/k8s/c-1"});
    CHECK(parse_url("HTTP://a?x") == Url{"http", "a", "80", "?x"});
    CHECK(parse_url("https://[::1]:8/") == Url{"https", "::1", "8", "/"});
    CHECK(format_url(parse_url("https://[::1]:8/")) == "https://[::1]:8/");
    CHECK(format_url(parse_url("https://a:443")) == "https://a");
}

TEST_CASE("what is no URL") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "kube:6443",
                               "ftp://a",
                               "https://",
                               "https://:1",
                               "https://a:x",
                               "https://a:123456",
                               "https://[::1",
                               "https://u:p@a",
                               "https://a b",
                               "https://a\r\nX: y");
    CAPTURE(text);
    CHECK(error_code_of([&] { return parse_url(text); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("loopback") {
    CHECK(parse_url("https://127.0.0.3").is_loopback());
    CHECK(parse_url("https://[::1]").is_loopback());
    CHECK_FALSE(parse_url("https://128.0.0.1").is_loopback());
}

TEST_CASE("percent-encoding") {
    CHECK(percent_encode("a-b_c.d~9") == "a-b_c.d~9");
    CHECK(percent_encode("a/b c=\xc3\xa4") == "a%2Fb%20c%3D%C3%A4");
    CHECK(format_query({}).empty());
    CHECK(format_query({{"a", "1"}, {"b", "x&y"}}) == "?a=1&b=x%26y");
}
