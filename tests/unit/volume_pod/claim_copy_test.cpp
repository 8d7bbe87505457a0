// SPDX-License-Identifier: Apache-2.0
#include "core/volume/claim_copy.hpp"

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

struct Scene {
    ClaimCopySpec spec(CopyMethod method) const {
        ClaimCopySpec spec;
        spec.method = method;
        spec.snapshot_class = "fast";
        spec.claim.storage_class = "disk";
        spec.claim.access_modes = {"ReadWriteOnce"};
        spec.claim.bytes = 1U << 30U;
        return spec;
    }

    ClaimCopy copy(CopyMethod method) { return copy(spec(method)); }

    ClaimCopy copy(const ClaimCopySpec& spec) {
        return ClaimCopy({api.client, owner, api.clock}, "shop", "data", spec);
    }

    Json only(const std::string& prefix) const {
        const auto names = api.names(prefix);
        REQUIRE(names.size() == 1);
        return *api.find(prefix + names.front());
    }

    /// A provisioner's event about every claim that is made.
    void complain(const std::string& message) {
        storage.provisions = false;
        api.put("/api/v1/namespaces/shop/events/e",
                Json::object({{"type", "Warning"},
                              {"reason", "ProvisioningFailed"},
                              {"lastTimestamp", "2026-11-20T10:00:00Z"},
                              {"message", message}}));
    }

    SystemRandom random;
    MoverOwner owner = make_mover_owner(random);
    FakeApi api;
    FakeStorage storage{api};
};

}  // namespace

TEST_CASE("a snapshot becomes a claim, and everything is gone afterwards") {
    Scene scene;
    scene.storage.snapshot_looks = 3;
    auto copy = scene.copy(CopyMethod::Snapshot);
    CHECK(scene.storage.rest().empty());

    copy.cut({});
    CHECK(copy.claim().empty());
    const auto snapshot = scene.only(FakeStorage::kSnapshots);
    CHECK(snapshot.text_at({"spec", "source", "persistentVolumeClaimName"}) == "data");
    CHECK(snapshot.text_at({"spec", "volumeSnapshotClassName"}) == "fast");
    CHECK(snapshot.text_at({"metadata", "labels", kRunLabel}) == scene.owner.run_id);
    CHECK(is_temporary_name(snapshot.text_at({"metadata", "name"})));

    const auto name = copy.open({});
    const auto claim = scene.only(FakeStorage::kClaims);
    CHECK(claim.text_at({"metadata", "name"}) == name);
    CHECK(claim.text_at({"metadata", "annotations", kOwnerAnnotation}) ==
          format_owner(scene.owner));
    CHECK(
        format_json(*claim.find("spec"))
            .starts_with(
                R"({"accessModes":["ReadWriteOnce"],"volumeMode":"Filesystem","storageClassName":"disk",)"
                R"("resources":{"requests":{"storage":"2147483648"}},)"
                R"("dataSource":{"kind":"VolumeSnapshot","name":")"));

    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("no class is another thing than an empty one") {
    Scene scene;
    auto spec = scene.spec(CopyMethod::Snapshot);
    spec.snapshot_class.clear();
    auto copy = scene.copy(spec);
    copy.cut({});
    CHECK(scene.only(FakeStorage::kSnapshots).find_path({"spec", "volumeSnapshotClassName"}) ==
          nullptr);
}

TEST_CASE("a clone is a claim of a claim") {
    Scene scene;
    auto copy = scene.copy(CopyMethod::Clone);
    copy.cut({});
    const auto claim = scene.only(FakeStorage::kClaims);
    CHECK(claim.text_at({"spec", "dataSource", "kind"}) == "PersistentVolumeClaim");
    CHECK(claim.text_at({"spec", "dataSource", "name"}) == "data");
    CHECK(copy.open({}) == claim.text_at({"metadata", "name"}));
    CHECK(scene.api.names(FakeStorage::kSnapshots).empty());
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("what is not closed goes with the object") {
    Scene scene;
    const auto method = GENERATE(CopyMethod::Snapshot, CopyMethod::Clone);
    {
        auto copy = scene.copy(method);
        copy.cut({});
        copy.open({});
        CHECK_FALSE(scene.storage.rest().empty());
    }
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("classes that keep what was deleted are told otherwise for the copies") {
    Scene scene;
    scene.storage.deletion_policy = "Retain";
    scene.storage.reclaim_policy = "Retain";
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    // At once: a run that is killed from now on leaves nothing that stays.
    const auto content = scene.only(FakeStorage::kContents);
    CHECK(content.text_at({"spec", "deletionPolicy"}) == "Delete");
    CHECK(content.text_at({"metadata", "labels", kRunLabel}) == scene.owner.run_id);
    copy.open({});
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("a stored snapshot that stays behind is told") {
    Scene scene;
    scene.storage.deletion_policy = "Retain";
    scene.storage.refused = "PATCH ";
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    CHECK_THAT(error_of([&] { copy.close(); }).what(), contains("keeps the stored snapshot"));
    CHECK(scene.api.names(FakeStorage::kSnapshots).empty());
}

TEST_CASE("who may not look at cluster-wide objects can make copies all the same") {
    Scene scene;
    scene.storage.refused = GENERATE("GET /apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
                                     "GET /api/v1/persistentvolumes");
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    copy.open({});
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("what the snapshot controller says is the reason") {
    Scene scene;
    scene.storage.error = "rpc error: the array is full";
    auto copy = scene.copy(CopyMethod::Snapshot);
    const auto error = error_of([&] { copy.cut({}); });
    CHECK(error.code() == ErrorCode::MoverFailed);
    CHECK_THAT(error.what(), contains("snapshot of claim data failed: rpc error"));
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("an error that passes does no harm") {
    Scene scene;
    scene.storage.error = "try again";
    int looks = 0;
    const auto serve = scene.api.refuse;
    scene.api.refuse = [&](const net::Request& request, const std::string& path) {
        if (FakeStorage::is_snapshot(path) && request.method == "GET" && ++looks == 5) {
            scene.storage.error.clear();
            scene.api.change(path, [](Json& json) { json.erase("status"); });
        }
        return serve(request, path);
    };
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    CHECK(looks >= 5);
}

TEST_CASE("a cluster without a snapshot controller is told soon") {
    Scene scene;
    scene.storage.snapshot_looks = 1'000'000;
    const auto begin = scene.api.clock.steady_now();
    auto copy = scene.copy(CopyMethod::Snapshot);
    CHECK_THAT(error_of([&] { copy.cut({}); }).what(), contains("no snapshot controller"));
    CHECK(scene.api.clock.steady_now() - begin < std::chrono::seconds(70));
}

TEST_CASE("a snapshot that is never ready ends in time") {
    Scene scene;
    scene.storage.snapshot_looks = 1'000'000;
    scene.api.on_create = [](const std::string&, Json& object) {
        object["status"]["readyToUse"] = Json();
        object["status"]["x"] = 1;
    };
    const auto begin = scene.api.clock.steady_now();
    auto copy = scene.copy(CopyMethod::Snapshot);
    CHECK_THAT(error_of([&] { copy.cut({}); }).what(), contains("not cut within 600 s"));
    CHECK(scene.api.clock.steady_now() - begin < std::chrono::seconds(610));
}

TEST_CASE("a content that belongs to another snapshot is not used") {
    Scene scene;
    scene.storage.reference_uid = "foreign";
    auto copy = scene.copy(CopyMethod::Snapshot);
    CHECK_THAT(error_of([&] { copy.cut({}); }).what(), contains("does not belong to it"));
}

TEST_CASE("a snapshot that somebody deletes meanwhile") {
    Scene scene;
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    const auto path = FakeStorage::kSnapshots + scene.api.names(FakeStorage::kSnapshots).front();
    scene.api.erase(path);
    scene.storage.after_delete(path);
    CHECK_THAT(error_of([&] { copy.open({}); }).what(), contains("somebody has deleted"));
    copy.close();
}

TEST_CASE("a driver that cannot clone is not waited for") {
    Scene scene;
    scene.complain("driver does not support clone VOLUME capability");
    const auto begin = scene.api.clock.steady_now();
    auto copy = scene.copy(CopyMethod::Clone);
    CHECK_THAT(error_of([&] { copy.cut({}); }).what(), contains("no volume is made: Prov"));
    CHECK(scene.api.clock.steady_now() - begin < std::chrono::seconds(10));
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("another complaint of the provisioner gets some time") {
    Scene scene;
    scene.complain("the array is busy");
    const auto begin = scene.api.clock.steady_now();
    auto copy = scene.copy(CopyMethod::Clone);
    CHECK_THAT(error_of([&] { copy.cut({}); }).what(), contains("the array is busy"));
    CHECK(scene.api.clock.steady_now() - begin >= std::chrono::seconds(90));
}

TEST_CASE("a class that waits for a pod") {
    Scene scene;
    scene.storage.provisions = false;
    auto spec = scene.spec(CopyMethod::Clone);
    spec.claim.waits_for_pod = true;
    SECTION("of which nothing is known is left to it") {
        auto copy = scene.copy(spec);
        copy.cut({});
        CHECK_FALSE(copy.open({}).empty());
    }
    SECTION("is bound for the cluster node of the application") {
        scene.storage.provisions = true;
        spec.claim.node = "node-1";
        auto copy = scene.copy(spec);
        copy.cut({});
        const auto claim = scene.only(FakeStorage::kClaims);
        CHECK(claim.text_at({"metadata", "annotations", "volume.kubernetes.io/selected-node"}) ==
              "node-1");
        CHECK(claim.text_at({"status", "phase"}) == "Bound");
    }
}

TEST_CASE("what was refused was not made") {
    Scene scene;
    scene.storage.refused = "POST ";
    auto copy = scene.copy(GENERATE(CopyMethod::Snapshot, CopyMethod::Clone));
    CHECK(error_of([&] { copy.cut({}); }).code() == ErrorCode::Forbidden);
    scene.api.lines.clear();
    copy.close();
    CHECK(scene.api.lines.empty());
}

TEST_CASE("stop ends the waiting, and close still cleans up") {
    Scene scene;
    scene.storage.snapshot_looks = 5;
    std::stop_source stop;
    const auto serve = scene.api.refuse;
    scene.api.refuse = [&](const net::Request& request, const std::string& path) {
        if (request.method == "GET" && FakeStorage::is_snapshot(path)) {
            stop.request_stop();
        }
        return serve(request, path);
    };
    auto copy = scene.copy(CopyMethod::Snapshot);
    CHECK(error_of([&] { copy.cut(stop.get_token()); }).code() == ErrorCode::Interrupted);
    CHECK(scene.api.names(FakeStorage::kSnapshots).size() == 1);
    copy.close();
    CHECK(scene.storage.rest() == Names{});
}

TEST_CASE("what is still there after its time is told") {
    Scene scene;
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    scene.storage.cleans_up = false;
    const auto error = error_of([&] { copy.close(); });
    CHECK(error.code() == ErrorCode::TimedOut);
    CHECK_THAT(error.what(), contains("volumesnapshotcontent snapcontent-"));
}

TEST_CASE("a content that its sidecar has forgotten does not stay") {
    Scene scene;
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    scene.storage.cleans_up = false;
    const auto serve = scene.api.refuse;
    scene.api.refuse = [&](const net::Request& request, const std::string& path) {
        if (request.method == "PATCH" && path.starts_with(FakeStorage::kContents)) {
            scene.api.erase(path);
        }
        return serve(request, path);
    };
    const auto begin = scene.api.clock.steady_now();
    copy.close();
    const auto took = scene.api.clock.steady_now() - begin;
    CHECK(scene.storage.rest() == Names{});
    // Its controllers come first.
    CHECK(took > std::chrono::seconds(10));
    CHECK(took < std::chrono::seconds(20));
}

TEST_CASE("a snapshot that outlives its content") {
    Scene scene;
    scene.storage.finalizers = {"snapshot.storage.kubernetes.io/volumesnapshot-bound-protection"};
    auto copy = scene.copy(CopyMethod::Snapshot);
    copy.cut({});
    const auto snapshot =
        FakeStorage::kSnapshots + scene.api.names(FakeStorage::kSnapshots).front();
    SECTION("is let go") {
        const auto begin = scene.api.clock.steady_now();
        copy.close();
        CHECK(scene.storage.rest() == Names{});
        CHECK(scene.api.clock.steady_now() - begin > std::chrono::seconds(20));
    }
    SECTION("keeps what others have put there") {
        scene.storage.finalizers.push_back("example.com/mine");
        CHECK(error_of([&] { copy.close(); }).code() == ErrorCode::TimedOut);
        CHECK(format_json(*scene.api.find(snapshot)->find_path({"metadata", "finalizers"})) ==
              R"(["example.com/mine"])");
    }
    SECTION("is left alone while the content is there") {
        scene.storage.cleans_up = false;
        CHECK(error_of([&] { copy.close(); }).code() == ErrorCode::TimedOut);
        CHECK(std::ranges::count(scene.api.lines, "PATCH " + snapshot) == 0);
    }
    SECTION("is left alone by who may not look") {
        scene.storage.refused = "GET " + FakeStorage::kContents;
        CHECK(error_of([&] { copy.close(); }).code() == ErrorCode::TimedOut);
        CHECK(std::ranges::count(scene.api.lines, "PATCH " + snapshot) == 0);
    }
}

TEST_CASE("only names of ours are ours") {
    CHECK(is_temporary_name("kubectl-backup-copy-0123456789abcdef"));
    CHECK_FALSE(is_temporary_name("kubectl-backup-copy-0123456789abcdeF"));
    CHECK_FALSE(is_temporary_name("kubectl-backup-copy-0123456789abcde"));
    CHECK_FALSE(is_temporary_name("kubectl-backup-mover-0123456789"));
}
