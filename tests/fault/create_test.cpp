// SPDX-License-Identifier: Apache-2.0
// A backup whose repository fails at its n-th call, for every n: no point, and what was there is
// whole and can be added to.
#include "core/maintenance/verify.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::testing;

namespace {

void fill(CaptureScene& scene, const std::string& prefix) {
    for (int i = 0; i < 30; ++i) {
        scene.server.add("configmaps",
                         "shop",
                         concat(prefix, i),
                         "",
                         concat(R"("data":")", to_hex(scene.random.bytes(1'500)), '"'));
    }
}

std::uint64_t count_problems(CaptureScene& scene) {
    NullProgress progress;
    const auto repository = open_tiny_repository(scene.backend, scene.key);
    const maintenance::VerifyOptions options{.level = maintenance::VerifyLevel::ReadData,
                                             .threads = 1};
    return maintenance::verify_repository(repository, options, progress).problems.size();
}

/// False when the call with that number never came: the backup was made.
bool fails_at(std::uint64_t number, Fault fault) {
    CaptureScene scene;
    fill(scene, "first-");
    static_cast<void>(scene.create(scene.flags_for_shop()));
    fill(scene, "second-");
    scene.backend.count_from_zero();
    scene.backend.fail_from(number, fault);
    const auto failure =
        failure_of([&] { static_cast<void>(scene.create(scene.flags_for_shop())); });
    scene.backend.heal();
    if (!failure) {
        return false;
    }
    CAPTURE(number, failure->what());
    // When no more than the last word of the storage failed, the point is there already, and whole.
    const auto points = scene.count_points();
    CHECK((points == 1 || points == 2));
    CHECK(count_problems(scene) == 0);
    const auto again = scene.create(scene.flags_for_shop());
    CHECK(again.record.point.statistics.objects == 62);
    CHECK(scene.count_points() == points + 1);
    CHECK(count_problems(scene) == 0);
    return true;
}

}  // namespace

TEST_CASE("create fails cleanly at every call of the repository", "[fault]") {
    const auto fault = GENERATE(Fault::Before, Fault::After, Fault::Torn);
    std::uint64_t number = 1;
    while (number < 500 && fails_at(number, fault)) {
        ++number;
    }
    INFO("a backup has " << number - 1 << " calls");
    CHECK(number > 10);
    CHECK(number < 500);
}
