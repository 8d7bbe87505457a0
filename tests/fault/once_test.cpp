// SPDX-License-Identifier: Apache-2.0
// One call of a verb fails and all others succeed, as when a network stumbles: the verb throws, or
// it has done its whole work all the same. A list or a read that failed must never pass for
// "nothing there".
#include "core/base/task_group.hpp"
#include "core/repository/point_store.hpp"
#include "tests/fault/verbs_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <algorithm>
#include <optional>

using namespace backup;
using namespace backup::testing;

namespace {

constexpr std::uint64_t kMostCalls = 1000;

struct Case {
    std::string name;
    std::function<void(VerbsScene&)> prepare;
    std::function<void(VerbsScene&)> run;
    /// Whether the work is done: asked when the verb said so.
    std::function<bool(VerbsScene&)> is_done;
};

bool is_listed(VerbsScene& scene, const std::string& name) {
    const auto points =
        repository::list_points(open_tiny_repository(scene.backend.blobs(), scene.key));
    return std::any_of(points.begin(), points.end(), [&name](const auto& record) {
        return record.point.name == name;
    });
}

std::size_t count_packs(VerbsScene& scene) {
    std::size_t count = 0;
    scene.backend.blobs().list("packs", [&count](const auto&) { ++count; });
    return count;
}

std::vector<Case> all_cases() {
    const auto nothing = [](VerbsScene&) {};
    const auto packs = std::make_shared<std::size_t>(0);
    return {
        {"backup",
         nothing,
         [](VerbsScene& scene) { scene.back_up(scene.backend, "new"); },
         [](VerbsScene& scene) { return is_listed(scene, "new"); }},
        {"forget",
         nothing,
         [](VerbsScene& scene) { scene.forget(scene.backend, "second"); },
         [](VerbsScene& scene) { return !is_listed(scene, "second"); }},
        {"prune",
         [packs](VerbsScene& scene) { *packs = count_packs(scene); },
         [](VerbsScene& scene) { scene.prune(scene.backend); },
         [packs](VerbsScene& scene) { return count_packs(scene) < *packs; }},
        {"repair",
         [](VerbsScene& scene) { scene.damage(); },
         [](VerbsScene& scene) { scene.repair(scene.backend); },
         [](VerbsScene& scene) { return scene.find_loss().empty(); }},
    };
}

/// False when there is no such call any more.
bool check_call(const Case& one, std::uint64_t number) {
    VerbsScene scene(test_seed());
    one.prepare(scene);
    const auto code = number % 2 == 0 ? ErrorCode::Io : ErrorCode::TimedOut;
    scene.backend.fail_from(number, Fault::Once, code);
    const auto failure = failure_of([&] { one.run(scene); });
    const bool is_there = scene.backend.calls() >= number;
    scene.backend.heal();
    INFO(one.name << ", call " << number << ": " << (failure ? failure->what() : "succeeds"));
    CHECK((failure || one.is_done(scene)));
    scene.backend.lose_power(scene.random);
    CHECK((failure || one.is_done(scene)));
    // A repair that failed is run again; the others left nothing that hurts.
    if (failure && one.name == "repair") {
        scene.repair(scene.backend);
    }
    CHECK(scene.find_loss() == "");
    scene.clock.advance(std::chrono::hours(3));
    scene.prune(scene.backend);
    scene.back_up(scene.backend, "next");
    CHECK(scene.find_loss() == "");
    return is_there;
}

}  // namespace

TEST_CASE("a verb of which one call failed says so, or has done its work") {
    for (const auto& one : all_cases()) {
        std::uint64_t number = 1;
        while (number < kMostCalls && check_call(one, number)) {
            ++number;
        }
        INFO(one.name << " has " << number - 1 << " calls");
        CHECK(number > 5);
        CHECK(number < kMostCalls);
    }
}
