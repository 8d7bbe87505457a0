// SPDX-License-Identifier: Apache-2.0
#include "core/volume/container_leftovers.hpp"

#include "core/base/text.hpp"
#include "core/volume/container_spec.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"
#include "tests/unit/volume_pod/owners.hpp"

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::FakeApi;

namespace {

using Names = std::vector<std::string>;

/// A pod of an application with an ephemeral container that a run has added to it.
struct Scene {
    explicit Scene(const MoverOwner& owner) {
        EphemeralPlan plan;
        plan.name = kContainer;
        plan.image = "shell:1";
        plan.volume = "data";
        plan.owner = owner;
        pod = make_ephemeral_patch(plan);
        set_state(R"({"running":{}})");
    }

    void set_state(const std::string& state) {
        pod["status"]["ephemeralContainerStatuses"] =
            Json::array({Json::object({{"name", kContainer}, {"state", parse_json(state)}})});
        api.put("/api/v1/namespaces/shop/pods/web-0", pod);
    }

    CleanUpResult clean() {
        options.self = self();
        options.clock = &api.clock;
        CleanUpResult result;
        const CopyJudge judge{[this](const MoverOwner& owner) -> std::optional<CopyVerdict> {
                                  if (state_of(owner, options.self) == OwnerState::Unknown) {
                                      return std::nullopt;
                                  }
                                  const bool is_dead =
                                      state_of(owner, options.self) == OwnerState::Dead;
                                  return CopyVerdict{is_dead, is_dead ? "dead" : "alive"};
                              },
                              api.clock};
        clean_containers(
            api.client,
            options,
            judge,
            [this](const std::string& ns, const std::string& name, const std::string& container) {
                if (failure) {
                    throw Error(*failure);
                }
                ended.push_back(concat(ns, "/", name, "/", container));
            },
            result);
        return result;
    }

    inline static const std::string kContainer = "kubectl-backup-mover-0011aabb";

    FakeApi api;
    Json pod;
    CleanUpOptions options;
    std::optional<Error> failure;
    Names ended;
};

}  // namespace

TEST_CASE("the container of a run that was killed is ended") {
    Scene scene(dead());
    scene.options.namespaces = GENERATE(Names{}, Names{"shop"});
    const auto result = scene.clean();
    CHECK(scene.ended == Names{"shop/web-0/" + Scene::kContainer});
    REQUIRE(result.leftovers.size() == 1);
    CHECK(result.leftovers[0].kind == "ephemeralcontainer");
    CHECK(result.leftovers[0].name == "web-0/" + Scene::kContainer);
    CHECK(result.leftovers[0].is_removed);
    CHECK(result.problems.empty());
}

TEST_CASE("the container of a run that lives stays") {
    Scene scene(self());
    const auto result = scene.clean();
    CHECK(scene.ended.empty());
    REQUIRE(result.leftovers.size() == 1);
    CHECK_FALSE(result.leftovers[0].is_removed);
}

TEST_CASE("of one on another machine it is only said that it ends by itself, unless forced") {
    Scene scene(GENERATE(foreign(), MoverOwner{}));
    CHECK_THAT(scene.clean().leftovers.at(0).reason, contains("ends by itself"));
    CHECK(scene.ended.empty());
    scene.options.force = true;
    CHECK(scene.clean().leftovers.at(0).is_removed);
    CHECK(scene.ended.size() == 1);
}

TEST_CASE("an entry whose container has ended, or never can run, is nothing") {
    Scene scene(dead());
    scene.set_state(GENERATE(R"({"terminated":{"exitCode":0}})",
                             R"({"waiting":{"reason":"ImagePullBackOff"}})"));
    CHECK(scene.clean().leftovers.empty());
    CHECK(scene.ended.empty());
}

TEST_CASE("one that is about to run counts") {
    Scene scene(dead());
    scene.set_state(R"({"waiting":{"reason":"ContainerCreating"}})");
    CHECK(scene.clean().leftovers.size() == 1);
}

TEST_CASE("a dry run ends nothing") {
    Scene scene(dead());
    scene.options.dry_run = true;
    CHECK(scene.clean().leftovers.at(0).is_removed);
    CHECK(scene.ended.empty());
}

TEST_CASE("a container that cannot be ended is a problem") {
    Scene scene(dead());
    scene.failure = Error(ErrorCode::Forbidden, "no exec");
    const auto result = scene.clean();
    CHECK_FALSE(result.leftovers.at(0).is_removed);
    REQUIRE(result.problems.size() == 1);
    CHECK_THAT(result.problems[0].subject, contains("web-0/kubectl-backup-mover-0011aabb"));
}

TEST_CASE("containers of others are not looked at") {
    Scene scene(dead());
    scene.pod["spec"]["ephemeralContainers"] =
        parse_json(R"([{"name":"debugger","image":"kubectl-backup-mover-"}])");
    scene.set_state(R"({"running":{}})");
    CHECK(scene.clean().leftovers.empty());
}

TEST_CASE("whose a container is can be read again from what was written on it") {
    EphemeralPlan plan;
    plan.name = "kubectl-backup-mover-1";
    plan.owner = self();
    const auto found = find_mover_containers(make_ephemeral_patch(plan));
    REQUIRE(found.size() == 1);
    CHECK(found[0].owner == plan.owner);
}
