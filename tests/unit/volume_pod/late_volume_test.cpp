// SPDX-License-Identifier: Apache-2.0
#include "core/volume/late_volume.hpp"

#include "core/volume/claim_copy.hpp"
#include "core/volume/snapshot_api.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_storage.hpp"

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::error_of;
using testing::FakeApi;
using testing::FakeStorage;

namespace {

using Names = std::vector<std::string>;
using std::chrono::seconds;

constexpr int kNever = 1'000'000;

/// A run that is stopped while the storage makes the volume of its copy.
struct Scene {
    explicit Scene(const std::string& policy = "Retain") {
        storage.reclaim_policy = policy;
        storage.volume_looks = kNever;
        set_class(policy, "Immediate");
    }

    void set_class(const std::string& policy, const std::string& binding) {
        api.put(FakeStorage::kClasses + "disk",
                Json::object({{"reclaimPolicy", policy}, {"volumeBindingMode", binding}}));
    }

    void say(const std::string& name,
             const std::string& reason,
             const std::string& time,
             const std::string& message) {
        api.put("/api/v1/namespaces/shop/events/" + name,
                Json::object({{"type", reason == "Provisioning" ? "Normal" : "Warning"},
                              {"reason", reason},
                              {"lastTimestamp", "2026-11-20T10:00:" + time + "Z"},
                              {"message", message}}));
    }

    void begin() { say("begun", "Provisioning", "10", "External provisioner is provisioning"); }

    void fail(const std::string& code, const std::string& time) {
        say("failed", "ProvisioningFailed", time, "rpc error: code = " + code + " desc = no");
    }

    /// The first steps of a copy, until the claim has been looked at a few times.
    void start() {
        ClaimCopySpec spec;
        spec.method = method;
        spec.claim.storage_class = "disk";
        copy.emplace(TemporaryContext{api.client, owner, api.clock}, "shop", "data", spec);
        std::stop_source stop;
        int looks = 0;
        const auto serve = api.refuse;
        api.refuse = [&](const net::Request& request, const std::string& path) {
            if (request.method == "GET" && FakeStorage::is_claim(path) && ++looks == 3) {
                stop.request_stop();
            }
            return serve(request, path);
        };
        const auto error = error_of([&] {
            copy->cut(stop.get_token());
            copy->open(stop.get_token());
        });
        CHECK(error.code() == ErrorCode::Interrupted);
        api.refuse = serve;
        began = api.clock.steady_now();
    }

    auto took() { return api.clock.steady_now() - began; }

    SystemRandom random;
    MoverOwner owner = make_mover_owner(random);
    FakeApi api;
    FakeStorage storage{api};
    CopyMethod method = CopyMethod::Clone;
    std::optional<ClaimCopy> copy;
    std::chrono::steady_clock::time_point began;
};

}  // namespace

TEST_CASE("a volume that is still being made goes with the copy it was for") {
    Scene scene;
    scene.method = GENERATE(CopyMethod::Clone, CopyMethod::Snapshot);
    scene.begin();
    SECTION("of a class that keeps it") {}
    SECTION("of a class that may not be looked at") {
        scene.storage.refused = "GET " + FakeStorage::kClasses;
    }
    SECTION("of a class that is gone") {
        scene.api.erase(FakeStorage::kClasses + "disk");
    }
    scene.start();
    scene.storage.volume_looks = 5;
    scene.copy->close();
    CHECK(scene.storage.rest() == Names{});
    CHECK(scene.took() < seconds(30));
}

TEST_CASE("nobody waits for a volume that goes by itself") {
    Scene scene("Delete");
    scene.begin();
    scene.start();
    scene.copy->close();
    CHECK(scene.storage.rest() == Names{});
    CHECK(scene.took() < seconds(1));
}

TEST_CASE("nobody waits for a volume that no provisioner was asked for") {
    Scene scene;
    SECTION("since nobody uses the claim") {
        scene.set_class("Retain", "WaitForFirstConsumer");
    }
    SECTION("of a class that may not be looked at") {
        scene.storage.refused = "GET " + FakeStorage::kClasses;
        scene.storage.provisions = false;
    }
    scene.begin();
    scene.start();
    scene.copy->close();
    CHECK(scene.storage.rest() == Names{});
    CHECK(scene.took() < seconds(1));
}

TEST_CASE("a claim that waits for a pod is waited for when a node has been chosen for it") {
    Scene scene;
    scene.set_class("Retain", "WaitForFirstConsumer");
    scene.api.on_create = [](const std::string&, Json& object) {
        object["metadata"]["annotations"][kSelectedNode] = "node-1";
    };
    scene.begin();
    scene.start();
    SECTION("until it has its volume") {
        scene.storage.volume_looks = 5;
        scene.copy->close();
        CHECK(scene.storage.rest() == Names{});
    }
    SECTION("as long as it is") {
        // The provisioner asks for another node.
        scene.api.change(FakeStorage::kClaims + scene.copy->claim(),
                         [](Json& json) { json["metadata"]["annotations"].erase(kSelectedNode); });
        scene.copy->close();
        CHECK(scene.took() < seconds(1));
    }
    SECTION("at most for a minute") {
        CHECK(error_of([&] { scene.copy->close(); }).code() == ErrorCode::TimedOut);
    }
}

TEST_CASE("a claim whose volume does not come in time stays, and is named") {
    Scene scene;
    scene.method = GENERATE(CopyMethod::Clone, CopyMethod::Snapshot);
    SECTION("when the provisioner is at work") {
        scene.begin();
    }
    SECTION("when it has only stopped to wait for the storage") {
        scene.begin();
        scene.fail("DeadlineExceeded", "20");
    }
    SECTION("when it tries once more") {
        scene.begin();
        scene.fail("Internal", "09");
    }
    SECTION("when what it says may not be looked at") {
        scene.storage.refused = "GET /api/v1/namespaces/shop/events";
    }
    scene.start();
    const auto rest = scene.storage.rest();
    const auto name = scene.copy->claim();
    const auto error = error_of([&] { scene.copy->close(); });
    CHECK(error.code() == ErrorCode::TimedOut);
    CHECK_THAT(error.what(), contains("shop/" + name + " stays: the storage is still making"));
    CHECK(scene.took() >= seconds(60));
    // Neither again, nor what it is made from.
    scene.copy.reset();
    CHECK(scene.took() < seconds(70));
    CHECK(scene.storage.rest() == rest);
}

TEST_CASE("nobody waits for a provisioner that has failed") {
    Scene scene;
    scene.begin();
    scene.fail("InvalidArgument", GENERATE("10", "20"));
    scene.start();
    scene.copy->close();
    CHECK(scene.storage.rest() == Names{});
    CHECK(scene.took() < seconds(1));
}

TEST_CASE("a claim that no provisioner takes notice of goes after a while") {
    Scene scene;
    scene.start();
    scene.copy->close();
    CHECK(scene.storage.rest() == Names{});
    CHECK(scene.took() >= seconds(60));
}

TEST_CASE("a claim that somebody else deletes is no longer waited for") {
    Scene scene;
    scene.begin();
    scene.start();
    const auto serve = scene.api.refuse;
    int looks = 0;
    scene.api.refuse = [&](const net::Request& request, const std::string& path) {
        if (FakeStorage::is_claim(path) && ++looks == 3) {
            scene.api.erase(path);
        }
        return serve(request, path);
    };
    scene.copy->close();
    CHECK(scene.took() < seconds(5));
}

TEST_CASE("what is wrong with the claim is told before what is wrong with its snapshot") {
    Scene scene;
    scene.method = CopyMethod::Snapshot;
    scene.start();
    scene.storage.volume_looks = 0;
    scene.storage.cleans_up = false;
    CHECK_THAT(error_of([&] { scene.copy->close(); }).what(), contains("persistentvolume pvc-"));
}
