// SPDX-License-Identifier: Apache-2.0
#include "core/volume/container_spec.hpp"

#include "core/base/process.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::volume;

namespace {

Json pod() {
    return parse_json(
        R"({"spec":{"volumes":[{"name":"cache","emptyDir":{}},{"name":"disk"}],)"
        R"("initContainers":[{"name":"setup","image":"i:0",)"
        R"("volumeMounts":[{"name":"cache","mountPath":"/setup"}]}],)"
        R"("containers":[{"name":"stopped","image":"s:1",)"
        R"("volumeMounts":[{"name":"cache","mountPath":"/stopped"}]},)"
        R"({"name":"part","image":"p:1","volumeMounts":)"
        R"([{"name":"cache","mountPath":"/part","subPath":"a"}]},)"
        R"({"name":"web","image":"w:1","volumeMounts":[{"name":"other","mountPath":"/o"},)"
        R"({"name":"cache","mountPath":"/cache"}],)"
        R"("volumeDevices":[{"name":"disk","devicePath":"/dev/disk"}]}]},)"
        R"("status":{"containerStatuses":[{"name":"web","state":{"running":{}}},)"
        R"({"name":"part","state":{"running":{}}},)"
        R"({"name":"stopped","state":{"waiting":{"reason":"CrashLoopBackOff","message":"again"}}}],)"
        R"("ephemeralContainerStatuses":[{"name":"e","state":{"terminated":{"reason":"Error"}}}]}})");
}

}  // namespace

TEST_CASE("a volume is found where all of it is, running containers first") {
    const auto places = find_places(pod(), "cache");
    REQUIRE(places.size() == 3);
    CHECK(places[0] == VolumePlace{"web", "w:1", "/cache", false, true});
    CHECK(places[1].container == "stopped");
    CHECK(places[2].container == "setup");
    CHECK(find_places(pod(), "disk") ==
          std::vector<VolumePlace>{{"web", "w:1", "/dev/disk", true, true}});
    CHECK(find_places(pod(), "none").empty());
    CHECK(find_places(Json::object(), "cache").empty());
    CHECK(has_volume(pod(), "cache"));
    CHECK_FALSE(has_volume(pod(), "none"));
}

TEST_CASE("other volumes below a volume are known by their paths in it") {
    const auto mounted = parse_json(
        R"({"spec":{"volumes":[{"name":"data"}],"containers":[{"name":"web","image":"w:1",)"
        R"("volumeMounts":[{"name":"data","mountPath":"/srv/"},{"name":"x","mountPath":"/srv/cache"},)"
        R"({"name":"y","mountPath":"/srv/a/b/"},{"name":"z","mountPath":"/srv2"}]}]}})");
    const auto places = find_places(mounted, "data");
    REQUIRE(places.size() == 1);
    CHECK(places[0].other_volumes == std::vector<std::string>{"cache", "a/b"});
    const auto settings = parse_json(
        R"({"spec":{"volumes":[{"name":"etc"}],"containers":[{"name":"web","image":"w:1",)"
        R"("volumeMounts":[{"name":"etc","mountPath":"/etc"}]}]}})");
    CHECK(find_places(settings, "etc").at(0).other_volumes ==
          std::vector<std::string>{"hosts", "hostname", "resolv.conf"});
}

TEST_CASE("the state of a container of any kind") {
    CHECK(state_of_container(pod(), "web").state == "running");
    CHECK(state_of_container(pod(), "stopped").why == "CrashLoopBackOff: again");
    CHECK(state_of_container(pod(), "e").state == "terminated");
    CHECK(state_of_container(pod(), "setup").state.empty());
}

TEST_CASE("an ephemeral container gets the volume and no more rights than it needs") {
    EphemeralPlan plan{"mover", "w:1", "cache", false, true};
    const auto text = format_json(make_ephemeral_patch(plan));
    CHECK(text.find(R"("volumeMounts":[{"name":"cache","mountPath":"/volumes/cache",)"
                    R"("readOnly":true}])") != std::string::npos);
    CHECK(text.find(R"("runAsUser":0)") != std::string::npos);
    CHECK(text.find(R"("add":["DAC_OVERRIDE"])") != std::string::npos);
    // The API server refuses these in an ephemeral container.
    for (const auto* field : {"resources", "ports", "Probe", "lifecycle"}) {
        CHECK(text.find(field) == std::string::npos);
    }
    plan.is_root = false;
    plan.is_block = true;
    const auto modest = format_json(make_ephemeral_patch(plan));
    CHECK(modest.find("runAsUser") == std::string::npos);
    CHECK(modest.find("DAC_OVERRIDE") == std::string::npos);
    CHECK(modest.find(R"("volumeDevices":[{"name":"cache","devicePath":"/devices/cache"}])") !=
          std::string::npos);
}

TEST_CASE("a program that comes over the standard input is started") {
    const std::string program = "#!/bin/sh\necho started\n";
    ProcessOptions options;
    options.command = start_command(program.size());
    options.input = to_bytes(as_bytes(program));
    const auto result = run_process(options);
    CHECK(result.exit_code == 0);
    CHECK(result.output == concat(kSendLine, kReadyLine, "started\n"));
}

TEST_CASE("a container without a shell's tools says so instead") {
    ProcessOptions options;
    options.command = start_command(4);
    options.command.front() = "/bin/sh";
    options.input = to_bytes(as_bytes(std::string_view("none")));
    options.environment["PATH"] = "/nonexistent";
    const auto result = run_process(options);
    CHECK(result.exit_code != 0);
    CHECK(result.output.empty());
}
