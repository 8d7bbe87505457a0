// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_pod_state.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::volume;
using testing::contains;

namespace {

PodState of(const std::string& text) {
    return state_of_pod(parse_json(text));
}

std::string waiting(const std::string& reason) {
    return R"({"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":")" +
           reason + R"(","message":"because\u001b[2J"}}}]}})";
}

}  // namespace

TEST_CASE("a pod runs when its container does") {
    CHECK(of(R"({"status":{"phase":"Running","containerStatuses":[{"state":{"running":{}}}]}})")
              .progress == PodProgress::Running);
    CHECK(of(R"({"status":{"phase":"Pending"}})").progress == PodProgress::Starting);
    CHECK(of(R"({})").progress == PodProgress::Starting);
    CHECK(of(waiting("ContainerCreating")).progress == PodProgress::Starting);
}

TEST_CASE("an image or a container that fails lets another one be tried, and says why") {
    const auto reason = GENERATE("ErrImagePull",
                                 "ImagePullBackOff",
                                 "ErrImageNeverPull",
                                 "InvalidImageName",
                                 "CreateContainerConfigError",
                                 "RunContainerError");
    const auto state = of(waiting(reason));
    CHECK(state.progress == PodProgress::ContainerFailed);
    CHECK(state.text == std::string(reason) + ": because\\x1b[2J");
}

TEST_CASE("what the scheduler says") {
    const auto state =
        of(R"({"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",)"
           R"("reason":"Unschedulable","message":"0/1 nodes are available"}]}})");
    CHECK(state.progress == PodProgress::Unschedulable);
    CHECK(state.text == "Unschedulable: 0/1 nodes are available");
}

TEST_CASE("a pod that has ended or is being deleted will not run") {
    const auto ended =
        of(R"({"status":{"phase":"Failed","reason":"DeadlineExceeded","containerStatuses":)"
           R"([{"state":{"terminated":{"reason":"Error","exitCode":137}}}]}})");
    CHECK(ended.progress == PodProgress::Failed);
    CHECK_THAT(ended.text, contains("DeadlineExceeded; Error (exit code 137)"));
    CHECK(
        of(R"({"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Running",)"
           R"("containerStatuses":[{"state":{"running":{}}}]}})")
            .progress == PodProgress::Failed);
}

TEST_CASE("the newest warning explains") {
    const auto event = [](const char* type, const char* time, const char* message) {
        return Json::object({{"type", type},
                             {"lastTimestamp", time},
                             {"reason", "FailedMount"},
                             {"message", message}});
    };
    CHECK(last_warning({event("Warning", "2026-01-02T00:00:00Z", "new"),
                        event("Normal", "2026-01-03T00:00:00Z", "fine"),
                        event("Warning", "2026-01-01T00:00:00Z", "old")}) == "FailedMount: new");
    CHECK(last_warning({}).empty());
}

TEST_CASE("a mover that ran has ended when its pod says so, or nobody answers for it") {
    const auto end_of = [](const std::string& status) {
        return end_of_mover(parse_json(R"({"status":)" + status + "}"));
    };
    const std::string running =
        R"("phase":"Running","containerStatuses":[{"state":{"running":{}}}])";
    CHECK_FALSE(end_of("{" + running + "}").has_ended);
    CHECK_FALSE(
        end_of("{" + running + R"(,"conditions":[{"type":"Ready","status":"True"}]})").has_ended);
    const auto evicted =
        end_of(R"({"phase":"Failed","reason":"Evicted","message":"The node was low on resource"})");
    CHECK(evicted.has_ended);
    CHECK_FALSE(evicted.is_node_gone);
    CHECK_THAT(evicted.why, contains("Evicted: The node was low on resource"));
    CHECK(end_of(R"({"phase":"Failed","reason":"NodeLost"})").is_node_gone);
    const auto silent =
        end_of("{" + running + R"(,"conditions":[{"type":"Ready","status":"False"},)" +
               R"({"type":"ContainersReady","status":"True"}]})");
    CHECK(silent.has_ended);
    CHECK(silent.is_node_gone);
    CHECK(end_of(R"({"phase":"Running","containerStatuses":[{"state":{"terminated":)"
                 R"({"reason":"OOMKilled","exitCode":137}}}]})")
              .has_ended);
}
