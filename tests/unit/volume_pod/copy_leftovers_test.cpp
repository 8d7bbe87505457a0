// SPDX-License-Identifier: Apache-2.0
#include "core/volume/copy_leftovers.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_storage.hpp"
#include "tests/unit/volume_pod/owners.hpp"

#include <algorithm>
#include <optional>

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::FakeApi;
using testing::FakeStorage;

namespace {

using Names = std::vector<std::string>;

const std::string kSnapshot = "kubectl-backup-copy-00000000000000aa";
const std::string kClaim = "kubectl-backup-copy-00000000000000bb";

/// What a run that was killed in the middle of a snapshot has left.
struct Scene {
    explicit Scene(const MoverOwner& run, const std::string& policy = "Delete") : owner(run) {
        storage.deletion_policy = policy;
        storage.reclaim_policy = policy;
        api.put(FakeStorage::kSnapshots + kSnapshot, marked(Json::object()));
        api.put(
            FakeStorage::kClaims + kClaim,
            marked(Json::object(
                {{"spec", Json::object({{"dataSource", Json::object({{"name", kSnapshot}})}})}})));
        // The controllers serve what they see.
        storage.serve_snapshot(FakeStorage::kSnapshots + kSnapshot);
        storage.serve_claim(FakeStorage::kClaims + kClaim);
    }

    Json marked(Json object) const {
        auto& metadata = object["metadata"];
        metadata["labels"][kManagedByLabel] = kManagedBy;
        metadata["labels"][kComponentLabel] = kMoverComponent;
        metadata["labels"][kRunLabel] = owner.run_id;
        metadata["annotations"][kOwnerAnnotation] = format_owner(owner);
        return object;
    }

    CleanUpResult clean() {
        options.self = self();
        options.clock = &api.clock;
        return clean_up(api.client, options);
    }

    MoverOwner owner;
    FakeApi api;
    FakeStorage storage{api};
    CleanUpOptions options;
};

Names kinds(const CleanUpResult& result) {
    Names names;
    for (const auto& leftover : result.leftovers) {
        names.push_back(leftover.kind + (leftover.is_removed ? "" : " stays"));
    }
    return names;
}

}  // namespace

TEST_CASE("copies of a run that was killed go, also what their classes would keep") {
    Scene scene(dead(), GENERATE("Delete", "Retain"));
    REQUIRE(scene.storage.rest().size() == 4);
    scene.options.namespaces = GENERATE(Names{}, Names{"shop"});
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(kinds(result) == Names{"persistentvolumeclaim", "volumesnapshot"});
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("copies of a run that lives stay") {
    Scene scene(self());
    const auto result = scene.clean();
    CHECK(kinds(result) == Names{"persistentvolumeclaim stays", "volumesnapshot stays"});
    CHECK(scene.storage.rest().size() == 4);
}

TEST_CASE("a dry run removes nothing, and changes no policy") {
    Scene scene(dead(), "Retain");
    scene.options.dry_run = true;
    CHECK(kinds(scene.clean()) == Names{"persistentvolumeclaim", "volumesnapshot"});
    CHECK(scene.storage.rest().size() == 4);
    const auto content = scene.api.names(FakeStorage::kContents).front();
    CHECK(scene.api.find(FakeStorage::kContents + content)->text_at({"spec", "deletionPolicy"}) ==
          "Retain");
}

TEST_CASE("copies of another machine") {
    Scene scene(foreign());
    SECTION("are left alone for a day") {
        const auto result = scene.clean();
        REQUIRE(result.leftovers.size() == 2);
        CHECK_THAT(result.leftovers.front().reason, contains("elsewhere (--force removes it)"));
        scene.api.clock.advance(std::chrono::hours(25));
        CHECK(kinds(scene.clean()) == Names{"persistentvolumeclaim", "volumesnapshot"});
        CHECK(scene.storage.rest() == Names{});
    }
    SECTION("but not when asked") {
        scene.options.force = true;
        scene.clean();
        CHECK(scene.storage.rest() == Names{});
    }
    SECTION("and longer when a pod of their run is there") {
        auto pod = scene.marked(Json::object());
        pod["status"]["phase"] = "Running";
        scene.api.put("/api/v1/namespaces/shop/pods/mover", pod);
        scene.api.clock.advance(std::chrono::hours(25));
        scene.clean();
        CHECK(scene.storage.rest().size() == 4);
    }
}

TEST_CASE("what is left of copies whose objects are gone") {
    Scene scene(dead(), "Retain");
    scene.api.erase(FakeStorage::kSnapshots + kSnapshot);
    scene.api.erase(FakeStorage::kClaims + kClaim);
    REQUIRE(scene.storage.rest().size() == 2);
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(kinds(result) == Names{"volumesnapshotcontent", "persistentvolume"});
    // The volume is only told to go: its provisioner takes the storage along.
    REQUIRE(scene.storage.rest().size() == 1);
    const auto volume = *scene.api.find(FakeStorage::kVolumes + scene.storage.rest().front());
    CHECK(volume.text_at({"spec", "persistentVolumeReclaimPolicy"}) == "Delete");
    CHECK(kinds(scene.clean()) == Names{});
}

TEST_CASE("other namespaces are not looked at when some are named") {
    Scene scene(dead(), "Retain");
    scene.api.erase(FakeStorage::kSnapshots + kSnapshot);
    scene.api.erase(FakeStorage::kClaims + kClaim);
    scene.options.namespaces = {"lab"};
    CHECK(scene.clean().leftovers.empty());
    CHECK(scene.storage.rest().size() == 2);
}

TEST_CASE("snapshots and claims of others are not touched, however they are called") {
    Scene scene(dead());
    scene.api.put(FakeStorage::kSnapshots + "nightly", Json::object());
    scene.api.put(FakeStorage::kClaims + "kubectl-backup-copy-of-mine",
                  scene.marked(Json::object()));
    scene.api.put(FakeStorage::kContents + "foreign",
                  parse_json(R"({"spec":{"deletionPolicy":"Retain","volumeSnapshotRef":
                      {"name":"kubectl-backup-copy-mine","namespace":"shop","uid":"x"}}})"));
    scene.clean();
    CHECK(scene.storage.rest() == Names{"nightly", "foreign", "kubectl-backup-copy-of-mine"});
}

TEST_CASE("who may not look at cluster-wide objects has made none that stay") {
    Scene scene(dead());
    scene.storage.refused = GENERATE("/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
                                     "/api/v1/persistentvolumes");
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(scene.api.names(FakeStorage::kClaims).empty());
}

TEST_CASE("what cannot be removed is a problem") {
    Scene scene(dead());
    scene.storage.refused = "DELETE /apis/snapshot.storage.k8s.io";
    const auto result = scene.clean();
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems.front().subject == "volumesnapshot shop/" + kSnapshot);
    CHECK(kinds(result) == Names{"persistentvolumeclaim", "volumesnapshot stays"});
}

TEST_CASE("claims and snapshots that may not be looked at are problems") {
    Scene scene(dead());
    bool has_snapshots = true;
    scene.api.refuse = [&](const net::Request& request,
                           const std::string& path) -> std::optional<net::Response> {
        const auto ends = [&path](std::string_view end) { return path.ends_with(end); };
        if (path == "/apis/snapshot.storage.k8s.io") {
            return has_snapshots ? net::Response{200, {}, "{}"}
                                 : FakeApi::status(404, "NotFound", "no");
        }
        if (request.method == "GET" &&
            (ends("/volumesnapshots") || ends("/persistentvolumeclaims") ||
             ends("/volumesnapshotcontents") || ends("/persistentvolumes"))) {
            return FakeApi::status(403, "Forbidden", "may not");
        }
        return std::nullopt;
    };
    scene.options.namespaces = {"shop"};
    const auto subjects = [&] {
        Names names;
        for (const auto& problem : scene.clean().problems) {
            names.push_back(problem.subject);
        }
        return names;
    };
    CHECK(subjects() ==
          Names{"persistentvolumeclaims in namespace shop", "volumesnapshots in namespace shop"});
    // Who has few rights is refused a kind that is not there, too.
    has_snapshots = false;
    CHECK(subjects() == Names{"persistentvolumeclaims in namespace shop"});
}

namespace {

const std::string kSnapshotPath = FakeStorage::kSnapshots + kSnapshot;

/// A content goes only when somebody changes it, as with a sidecar that waits for its next look.
void drop_when_nudged(Scene& scene) {
    scene.storage.cleans_up = false;
    scene.api.refuse = [&scene](const net::Request& request, const std::string& path) {
        if (request.method == "PATCH" && path.starts_with(FakeStorage::kContents) &&
            request.body.find("kubectl-backup/cleaned-up-at") != std::string::npos) {
            scene.api.erase(path);
        }
        return scene.storage.before(request, path);
    };
}

void set_going(Scene& scene, const std::string& content) {
    scene.api.change(FakeStorage::kContents + content, [](Json& json) {
        json["metadata"]["deletionTimestamp"] = "2026-11-20T10:00:00Z";
    });
}

}  // namespace

TEST_CASE("a snapshot that is being cut gets a moment before it is removed") {
    Scene scene(dead());
    scene.api.erase(FakeStorage::kClaims + kClaim);
    scene.api.erase(FakeStorage::kVolumes + scene.api.names(FakeStorage::kVolumes).front());
    scene.api.erase(FakeStorage::kContents + scene.api.names(FakeStorage::kContents).front());
    scene.api.change(kSnapshotPath, [](Json& json) { json["status"] = Json::object(); });
    scene.storage.snapshot_looks = GENERATE(3, 1'000);
    const bool is_cut_in_time = scene.storage.snapshot_looks == 3;
    const auto begin = scene.api.clock.steady_now();
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(scene.storage.rest() == Names{});
    const auto removal = std::ranges::find(scene.api.lines, "DELETE " + kSnapshotPath);
    REQUIRE(removal != scene.api.lines.end());
    CHECK(std::count(scene.api.lines.begin(), removal, "GET " + kSnapshotPath) > 3);
    const auto took = scene.api.clock.steady_now() - begin;
    CHECK((took < std::chrono::seconds(5)) == is_cut_in_time);
    CHECK(took < std::chrono::seconds(30));
}

TEST_CASE("a content that its sidecar has forgotten is brought to its mind") {
    Scene scene(dead());
    drop_when_nudged(scene);
    scene.api.erase(FakeStorage::kClaims + kClaim);
    scene.api.erase(FakeStorage::kVolumes + scene.api.names(FakeStorage::kVolumes).front());
    SECTION("with its snapshot") {
        const auto result = scene.clean();
        CHECK(result.problems.empty());
        CHECK(kinds(result) == Names{"volumesnapshot"});
    }
    SECTION("when its snapshot has gone before") {
        set_going(scene, scene.api.names(FakeStorage::kContents).front());
        scene.api.erase(kSnapshotPath);
        const auto result = scene.clean();
        CHECK(result.problems.empty());
        CHECK(kinds(result) == Names{"volumesnapshotcontent"});
    }
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("a snapshot that outlives its content is let go") {
    Scene scene(dead());
    scene.storage.finalizers = {"snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"};
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("a content that does not go is a problem, after a while") {
    Scene scene(dead());
    scene.storage.cleans_up = false;
    const auto content = scene.api.names(FakeStorage::kContents).front();
    set_going(scene, content);
    scene.api.erase(kSnapshotPath);
    scene.options.dry_run = GENERATE(true, false);
    const auto result = scene.clean();
    CHECK(result.problems.size() == (scene.options.dry_run ? 0U : 1U));
    if (!scene.options.dry_run) {
        CHECK_THAT(result.problems[0].subject, contains(content));
        const auto nudges =
            std::ranges::count(scene.api.lines, "PATCH " + FakeStorage::kContents + content);
        CHECK(nudges > 5);
        CHECK(nudges < 20);
    }
}

namespace {

/// The storage is still making the claim's volume.
void unmake_volume(Scene& scene) {
    scene.api.erase(FakeStorage::kVolumes + scene.api.names(FakeStorage::kVolumes).front());
    scene.api.change(FakeStorage::kClaims + kClaim, [](Json& json) {
        json["spec"].erase("volumeName");
        json["spec"]["storageClassName"] = "disk";
        json["status"]["phase"] = "Pending";
        json["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] = "csi";
    });
    scene.api.put(FakeStorage::kClasses + "disk",
                  Json::object({{"reclaimPolicy", "Retain"}, {"volumeBindingMode", "Immediate"}}));
    scene.api.put("/api/v1/namespaces/shop/events/e",
                  Json::object({{"type", "Normal"},
                                {"reason", "Provisioning"},
                                {"lastTimestamp", "2026-11-20T10:00:00Z"}}));
}

}  // namespace

TEST_CASE("a volume that is still being made goes with its claim") {
    Scene scene(dead(), "Retain");
    unmake_volume(scene);
    scene.storage.volume_looks = 5;
    const auto result = scene.clean();
    CHECK(result.problems.empty());
    CHECK(kinds(result) == Names{"persistentvolumeclaim", "volumesnapshot"});
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("a claim whose volume does not come in time") {
    Scene scene(dead(), "Retain");
    unmake_volume(scene);
    scene.storage.volume_looks = 1'000'000;
    const auto begin = scene.api.clock.steady_now();
    const auto took = [&] { return scene.api.clock.steady_now() - begin; };
    SECTION("stays, with what it is made from, until cleanup runs again") {
        const auto rest = scene.storage.rest();
        const auto result = scene.clean();
        CHECK(kinds(result) == Names{"persistentvolumeclaim stays", "volumesnapshot stays"});
        REQUIRE(result.problems.size() == 1);
        CHECK(result.problems.front().subject == "persistentvolumeclaim shop/" + kClaim);
        CHECK_THAT(result.problems.front().message,
                   contains("still making its volume") && contains("run cleanup again"));
        CHECK(scene.storage.rest() == rest);
        CHECK(took() >= scene.options.gone_limit);
        CHECK(took() < scene.options.gone_limit + std::chrono::seconds(10));
        scene.storage.volume_looks = 0;
        CHECK(scene.clean().problems.empty());
        CHECK(scene.storage.rest() == Names{});
    }
    SECTION("is not waited for longer than the caller has time") {
        scene.options.gone_limit = std::chrono::seconds(5);
        CHECK(scene.clean().problems.size() == 1);
        CHECK(took() < std::chrono::seconds(10));
    }
    SECTION("goes when that is asked for") {
        scene.options.force = true;
        CHECK(scene.clean().problems.empty());
        CHECK(scene.storage.rest() == Names{});
    }
    SECTION("is not waited for by who only looks") {
        scene.options.dry_run = true;
        CHECK(kinds(scene.clean()) == Names{"persistentvolumeclaim", "volumesnapshot"});
        CHECK(took() < std::chrono::seconds(1));
    }
}
