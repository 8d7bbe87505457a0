// SPDX-License-Identifier: Apache-2.0
#include "core/kube/api_error.hpp"

#include "core/kube/exec_status.hpp"
#include "core/kube/refusal.hpp"
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

TEST_CASE("Forbidden names the rule that is missing, ready for a Role") {
    const auto error = api_error(response(403, "{}"), kAsked);
    CHECK(std::string(error.hint()) ==
          R"(add to a Role in namespace shop: - {apiGroups: ["apps"], )"
          R"(resources: ["deployments"], verbs: ["list"]})");
    CHECK(std::string(
              api_error(response(403, "{}"), {"create, get", "", "pods/exec", "a", "b"}).hint()) ==
          R"(add to a Role in namespace a: - {apiGroups: [""], resources: ["pods/exec"], )"
          R"(verbs: ["create", "get"]})");
    auto cluster_wide = kAsked;
    cluster_wide.ns.clear();
    CHECK_THAT(std::string(api_error(response(403, "{}"), cluster_wide).hint()),
               testing::starts_with("add to a ClusterRole: "));
}

TEST_CASE("a refusal that RBAC cannot mend does not send people to RBAC") {
    const Asked asked{"create", "", "pods", "shop", ""};
    const auto [message,
                reason,
                hint] = GENERATE(table<std::string, model::SkipReason, std::string>({
        {"pods \\\"m\\\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0",
         model::SkipReason::QuotaExceeded,
         "describe quota"},
        {"pods \\\"m\\\" is forbidden: failed quota: q: must specify limits.cpu",
         model::SkipReason::QuotaExceeded,
         "describe quota"},
        {"pods \\\"m\\\" is forbidden: violates PodSecurity \\\"restricted:latest\\\": x",
         model::SkipReason::NotAdmitted,
         "admission policy"},
        {"admission webhook \\\"a.b\\\" denied the request: no",
         model::SkipReason::NotAdmitted,
         "admission policy"},
        {"pods \\\"m\\\" is forbidden: unable to create new content in namespace shop because it "
         "is being terminated",
         model::SkipReason::NamespaceTerminating,
         "being deleted"},
        {"pods is forbidden: User \\\"u\\\" cannot create resource \\\"pods\\\" in API group "
         "\\\"\\\" in the namespace \\\"exceeded quota\\\"",
         model::SkipReason::Forbidden,
         "add to a Role"},
        {"no", model::SkipReason::Forbidden, "add to a Role"},
    }));
    const auto error = api_error(
        response(403, R"({"kind":"Status","reason":"Forbidden","message":")" + message + "\"}"),
        asked);
    CHECK(error.code() == ErrorCode::Forbidden);
    CHECK(reason_of(error) == reason);
    CHECK_THAT(std::string(error.hint()), testing::contains(hint));
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
