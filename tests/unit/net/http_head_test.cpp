// SPDX-License-Identifier: Apache-2.0
#include "core/net/http_head.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::net;
using testing::error_code_of;

TEST_CASE("status and headers of an answer") {
    const auto head =
        parse_http_head("HTTP/1.1 403 Forbidden\r\nX-A:  b \r\nRetry-After: 3\r\n\r\n");
    CHECK(head.status == 403);
    CHECK(head.headers == Headers{{"x-a", "b"}, {"retry-after", "3"}});
    CHECK(*find_header(head.headers, "X-A") == "b");
    CHECK(find_header(head.headers, "x-b") == nullptr);
}

TEST_CASE("what is not HTTP") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "SSH-2.0-x\r\n\r\n",
                               "HTTP/1.1 xyz\r\n\r\n",
                               "HTTP/1.1 2\r\n\r\n",
                               "HTTP/1.1 -12 x\r\n\r\n");
    CHECK(error_code_of([&] { return parse_http_head(text); }) == ErrorCode::CorruptData);
}

TEST_CASE("chunks are joined, nonsense ends them") {
    CHECK(join_http_chunks("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n") == "abcde");
    CHECK(join_http_chunks("ffffffffffffffff\r\nab") == "ab");
    CHECK(join_http_chunks("zz\r\nab").empty());
}
