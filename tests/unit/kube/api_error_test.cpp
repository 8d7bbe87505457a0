// SPDX-License-Identifier: Apache-2.0
#include "core/kube/api_error.hpp"

#include "core/kube/exec_status.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::kube;

namespace {

net::Response response(int status, std::string body, net::Headers headers = {}) {
    return {status, std::move(headers), std::move(body)};
}

const Asked kAsked{"list", "apps", "deployments", "shop", ""};

}  // namespace

TEST_CASE("statuses become codes") {
    const auto [status, body, code] = GENERATE(table<int, std::string, ErrorCode>({
        {401, "{}", ErrorCode::Unauthorized},
        {403, "{}", ErrorCode::Forbidden},
        {404, "", ErrorCode::KubeNotFound},
        {409, R"({"kind":"Status","reason":"AlreadyExists"})", ErrorCode::AlreadyExists},
        {409, R"({"kind":"Status","reason":"Conflict"})", ErrorCode::KubeConflict},
        {410, "{}", ErrorCode::KubeExpired},
        {422, "{}", ErrorCode::KubeInvalid},
        {400, "{}", ErrorCode::KubeInvalid},
        {302, "{}", ErrorCode::KubeInvalid},
        {429, "{}", ErrorCode::KubeThrottled},
        {500, "{}", ErrorCode::KubeServerError},
        {503, "{}", ErrorCode::KubeServerError},
    }));
    const auto error = api_error(response(status, body), kAsked);
    CHECK(error.code() == code);
    CHECK(error.is_retryable() == (status == 429 || status >= 500));
}

TEST_CASE("the message of the server comes through, made safe") {
    const auto error = api_error(
        response(404, R"({"kind":"Status","message":"pods \"x\u001b[31m\" not found"})"), kAsked);
    CHECK_THAT(std::string(error.what()),
               testing::contains("list deployments.apps in namespace shop"));
    CHECK_THAT(std::string(error.what()), testing::contains("not found"));
    CHECK(std::string(error.what()).find('\x1b') == std::string::npos);
}

TEST_CASE("Forbidden names the rule that is missing") {
    const auto error = api_error(response(403, "{}"), kAsked);
    for (const auto* part : {"[list]", "[\"apps\"]", "[deployments]", "namespace shop"}) {
        CHECK_THAT(std::string(error.hint()), testing::contains(part));
    }
    auto cluster_wide = kAsked;
    cluster_wide.ns.clear();
    CHECK_THAT(std::string(api_error(response(403, "{}"), cluster_wide).hint()),
               testing::contains("ClusterRole"));
}

TEST_CASE("what a 410 and a 429 carry") {
    const auto status = read_status(
        response(410, R"({"kind":"Status","reason":"Expired","metadata":{"continue":"abc"}})"));
    CHECK(status.continue_token == "abc");
    CHECK(status.reason == "Expired");
    CHECK(read_status(response(429, "", {{"retry-after", "7"}})).retry_after_seconds == 7);
    CHECK(read_status(response(429, R"({"kind":"Status","details":{"retryAfterSeconds":3}})"))
              .retry_after_seconds == 3);
    CHECK_FALSE(read_status(response(429, "", {{"retry-after", "soon"}})).retry_after_seconds);
    CHECK_FALSE(read_status(response(429, "", {{"retry-after", "-7"}})).retry_after_seconds);
}

TEST_CASE("bodies that are no Status") {
    CHECK(read_status(response(502, "<html>proxy</html>")).message == "HTTP status 502");
    CHECK(read_status(response(502, "no backend")).message == "HTTP status 502: no backend");
    CHECK_THAT(read_status(response(500, "{\"kind\":")).message,
               testing::contains("HTTP status 500"));
    CHECK(read_status(response(500, std::string(100'000, 'x'))).message.size() < 3000);
}

TEST_CASE("how a command ended") {
    CHECK(read_exec_status(R"({"status":"Success"})").has_exit_code);
    CHECK(read_exec_status(R"({"status":"Success"})").exit_code == 0);
    const auto seven =
        read_exec_status(R"({"status":"Failure","reason":"NonZeroExitCode","message":"m",)"
                         R"("details":{"causes":[{"reason":"ExitCode","message":"7"}]}})");
    CHECK(seven.has_exit_code);
    CHECK(seven.exit_code == 7);
    for (const auto* text :
         {R"({"status":"Failure","reason":"InternalError","message":"no such file"})",
          "oops",
          "",
          R"({"status":"Failure","reason":"NonZeroExitCode"})",
          R"({"status":"Failure","reason":"NonZeroExitCode",)"
          R"("details":{"causes":[{"reason":"ExitCode","message":"x"}]}})"}) {
        CAPTURE(text);
        CHECK_FALSE(read_exec_status(text).has_exit_code);
    }
}
