// SPDX-License-Identifier: Apache-2.0
#include "core/volume/leftovers.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"
#include "tests/unit/volume_pod/owners.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::FakeApi;

namespace {

const std::string kPods = "/api/v1/namespaces/shop/pods/";
const std::string kMaps = "/api/v1/namespaces/shop/configmaps/";

Json object_of(const MoverOwner& owner, const std::string& phase = "") {
    Json object = Json::object();
    auto& metadata = object["metadata"];
    metadata["labels"][kManagedByLabel] = kManagedBy;
    metadata["labels"][kComponentLabel] = kMoverComponent;
    metadata["labels"][kRunLabel] = owner.run_id;
    metadata["labels"][kProgramLabel] = "abc";
    metadata["annotations"][kOwnerAnnotation] = format_owner(owner);
    if (!phase.empty()) {
        object["status"]["phase"] = phase;
    }
    return object;
}

CleanUpOptions options_for(FakeApi& api) {
    CleanUpOptions options;
    options.namespaces = {"shop"};
    options.self = self();
    options.clock = &api.clock;
    return options;
}

const Leftover& one(const CleanUpResult& result, const std::string& name) {
    const auto found = std::ranges::find(result.leftovers, name, &Leftover::name);
    REQUIRE(found != result.leftovers.end());
    return *found;
}

}  // namespace

TEST_CASE("what a killed run of this machine has left goes at once") {
    FakeApi api;
    api.put(kPods + "dead", object_of(dead(), "Running"));
    api.put(kMaps + "parts", object_of(dead()));
    const auto result = clean_up(api.client, options_for(api));
    CHECK(result.problems.empty());
    CHECK_THAT(one(result, "dead").reason, contains("is gone"));
    CHECK(one(result, "parts").is_removed);
    CHECK(api.names("/api").empty());
}

TEST_CASE("a live run keeps its pod and the ConfigMaps that the dead one made") {
    FakeApi api;
    api.put(kPods + "dead", object_of(dead(), "Running"));
    api.put(kPods + "live", object_of(self(), "Running"));
    api.put(kMaps + "parts", object_of(dead()));
    const auto result = clean_up(api.client, options_for(api));
    CHECK(one(result, "dead").is_removed);
    CHECK_FALSE(one(result, "live").is_removed);
    CHECK_FALSE(one(result, "parts").is_removed);
    CHECK(api.names("/api") == std::vector<std::string>{"parts", "live"});
}

TEST_CASE("a live run that has only its ConfigMaps yet keeps them") {
    FakeApi api;
    api.put(kMaps + "parts", object_of(self()));
    CHECK_FALSE(one(clean_up(api.client, options_for(api)), "parts").is_removed);
}

TEST_CASE("pods of other machines") {
    FakeApi api;
    api.put(kPods + "runs", object_of(foreign(), "Running"));
    api.put(kPods + "ended", object_of(foreign(), "Succeeded"));
    api.put(kPods + "starts", object_of(foreign(), "Pending"));
    api.put(kPods + "unknown", object_of(parse_owner("", ""), "Running"));
    const auto options = options_for(api);
    auto result = clean_up(api.client, options);
    CHECK_FALSE(one(result, "runs").is_removed);
    CHECK_THAT(one(result, "runs").reason, contains("elsewhere"));
    CHECK(one(result, "ended").is_removed);
    CHECK_FALSE(one(result, "starts").is_removed);
    CHECK_FALSE(one(result, "unknown").is_removed);

    api.clock.advance(options.older_than + std::chrono::seconds(1));
    result = clean_up(api.client, options);
    CHECK_FALSE(one(result, "runs").is_removed);
    CHECK(one(result, "starts").is_removed);
}

TEST_CASE("a foreign run may be starting with ConfigMaps that nobody uses yet") {
    FakeApi api;
    api.put(kMaps + "parts", object_of(foreign()));
    const auto options = options_for(api);
    CHECK_FALSE(one(clean_up(api.client, options), "parts").is_removed);
    api.clock.advance(options.older_than + std::chrono::seconds(1));
    CHECK(one(clean_up(api.client, options), "parts").is_removed);
}

TEST_CASE("force removes everything but what runs that are spared own") {
    FakeApi api;
    const auto spared = foreign();
    api.put(kPods + "own", object_of(self(), "Running"));
    api.put(kPods + "foreign", object_of(foreign(), "Running"));
    api.put(kPods + "spared", object_of(spared, "Running"));
    auto options = options_for(api);
    options.force = true;
    options.spared_runs = {spared.run_id};
    const auto result = clean_up(api.client, options);
    CHECK(one(result, "own").is_removed);
    CHECK_THAT(one(result, "foreign").reason, contains("forced"));
    CHECK_FALSE(one(result, "spared").is_removed);
}

TEST_CASE("a dry run removes nothing") {
    FakeApi api;
    api.put(kPods + "dead", object_of(dead(), "Running"));
    auto options = options_for(api);
    options.dry_run = true;
    CHECK(one(clean_up(api.client, options), "dead").is_removed);
    CHECK(api.names(kPods).size() == 1);
}

TEST_CASE("objects of others are not touched") {
    FakeApi api;
    auto object = object_of(dead(), "Running");
    object["metadata"]["labels"][kComponentLabel] = "server";
    api.put(kPods + "similar", object);
    CHECK(clean_up(api.client, options_for(api)).leftovers.empty());
    CHECK(api.names(kPods).size() == 1);
}

TEST_CASE("all namespaces, in order") {
    FakeApi api;
    api.put("/api/v1/namespaces/b/pods/x", object_of(dead(), "Running"));
    api.put("/api/v1/namespaces/a/configmaps/y", object_of(dead()));
    auto options = options_for(api);
    options.namespaces.clear();
    const auto result = clean_up(api.client, options);
    REQUIRE(result.leftovers.size() == 2);
    CHECK(result.leftovers[0].ns == "a");
    CHECK(result.leftovers[0].kind == "configmap");
    CHECK(result.leftovers[1].kind == "pod");
    CHECK(api.names("/api").empty());
}

TEST_CASE("what may not be done is told, and ConfigMaps in use by unknown pods stay") {
    FakeApi api;
    api.put(kPods + "dead", object_of(dead(), "Running"));
    api.put(kMaps + "parts", object_of(dead()));
    const auto refused = GENERATE("GET", "DELETE");
    api.refuse = [&](const net::Request& request, const std::string& path) {
        return request.method == refused && path.find("/pods") != std::string::npos
                   ? std::optional(FakeApi::status(403, "Forbidden", "no"))
                   : std::nullopt;
    };
    const auto result = clean_up(api.client, options_for(api));
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].code == ErrorCode::Forbidden);
    const std::string verb = std::string("GET") == refused ? "list" : "delete";
    CHECK_THAT(
        result.problems[0].message,
        contains("(add to a ") && contains("resources: [\"pods\"], verbs: [\"" + verb + "\"]"));
    CHECK(api.names("/api").size() == 2);
}
