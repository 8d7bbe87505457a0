// SPDX-License-Identifier: Apache-2.0
// Backup, forget, prune, hold, repair (what changes a repository): each of their calls to the
// storage fails once, in every manner; each is delayed once, and meanwhile another verb runs from
// its beginning to its end.
#include "core/base/text.hpp"
#include "tests/fault/verbs_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <optional>

using namespace backup;
using namespace backup::testing;

namespace {

constexpr std::uint64_t kMostCalls = 1000;

template <typename Action>
std::optional<Error> failure_when(Action&& action) {
    try {
        action();
        return std::nullopt;
    } catch (const Error& error) {
        return std::optional<Error>(error);
    }
}

/// Of a forget and a hold that meet one gives way.
bool may_give_way(const std::optional<Error>& failure) {
    return failure && (failure->code() == ErrorCode::InvalidArgument ||
                       failure->code() == ErrorCode::PointNotFound ||
                       failure->code() == ErrorCode::Incomplete);
}

/// Whatever was broken: another backup, another forget, another prune, and all is well.
void check_goes_on(VerbsScene& scene) {
    CHECK(scene.find_loss() == "");
    scene.clock.advance(std::chrono::hours(3));
    scene.prune(scene.backend);
    CHECK(scene.find_loss() == "");
    scene.back_up(scene.backend, "next");
    CHECK(scene.find_loss() == "");
    scene.forget(scene.backend, "third");
    scene.prune(scene.backend);
    CHECK(scene.find_loss() == "");
}

/// False when there is no such call any more.
bool check_failing_call(const Verb& verb, std::uint64_t number, Fault fault) {
    VerbsScene scene(test_seed());
    const auto code = number % 2 == 0 ? ErrorCode::Io : ErrorCode::NoSpace;
    scene.backend.fail_from(number, fault, code);
    INFO(verb.name << ", call " << number << ", fault " << static_cast<int>(fault));
    const auto failure = failure_when([&] { verb.run(scene, scene.backend); });
    scene.backend.heal();
    scene.backend.lose_power(scene.random);
    check_goes_on(scene);
    return failure.has_value();
}

/// False when there is no such call any more.
bool check_delayed_call(const Verb& verb,
                        std::uint64_t number,
                        bool may_meet_hold,
                        const std::function<void(VerbsScene&)>& meanwhile) {
    VerbsScene scene(test_seed());
    bool was_delayed = false;
    std::string loss;
    // On a thread of the verb: what it finds is looked at here.
    scene.backend.delay(number, [&] {
        was_delayed = true;
        const auto failure = failure_when([&] { meanwhile(scene); });
        const bool is_bad = failure && !(may_meet_hold && may_give_way(failure));
        loss = is_bad ? concat("it throws: ", failure->what()) : scene.find_loss();
    });
    const auto failure = failure_when([&] { verb.run(scene, scene.backend); });
    scene.backend.delay(0, {});
    CHECK(loss == "");
    INFO(verb.name << ", call " << number << ": " << (failure ? failure->what() : "succeeds"));
    // Only who slept for hours may be told to run again, and prune may leave the work to the next.
    CHECK((!failure || failure->code() == ErrorCode::Incomplete ||
           (may_meet_hold && may_give_way(failure))));
    check_goes_on(scene);
    return was_delayed;
}

}  // namespace

TEST_CASE("any call of any verb may fail") {
    for (const auto& verb : all_verbs()) {
        for (const auto fault : {Fault::Before, Fault::After, Fault::Torn}) {
            std::uint64_t number = 1;
            while (number < kMostCalls && check_failing_call(verb, number, fault)) {
                ++number;
            }
            INFO(verb.name << " has " << number - 1 << " calls");
            CHECK(number > 5);
            CHECK(number < kMostCalls);
        }
    }
}

TEST_CASE("any call of a repair may fail, and the next one ends the work") {
    for (const auto fault : {Fault::Before, Fault::After, Fault::Torn}) {
        std::uint64_t number = 1;
        for (bool is_there = true; is_there && number < kMostCalls; ++number) {
            VerbsScene scene(test_seed());
            scene.damage();
            CHECK(scene.find_loss() != "");
            scene.backend.fail_from(number, fault);
            INFO("repair, call " << number << ", fault " << static_cast<int>(fault));
            is_there = failure_when([&] { scene.repair(scene.backend); }).has_value();
            scene.backend.heal();
            scene.backend.lose_power(scene.random);
            scene.repair(scene.backend);
            check_goes_on(scene);
        }
        CHECK(number > 20);
        CHECK(number < kMostCalls);
    }
}

TEST_CASE("between any two calls of a verb another one may run") {
    for (const auto& verb : all_verbs()) {
        for (const auto& other : all_verbs()) {
            const bool is_same_backup = verb.name == other.name && verb.name == "backup";
            const auto meanwhile = [&](VerbsScene& scene) {
                if (is_same_backup) {
                    scene.back_up(scene.backend.blobs(), "newer");
                } else {
                    other.run(scene, scene.backend.blobs());
                }
            };
            const bool may_meet_hold = (verb.name == "hold" && other.name == "forget") ||
                                       (verb.name == "forget" && other.name == "hold");
            INFO("meanwhile " << other.name);
            std::uint64_t number = 1;
            while (number < kMostCalls &&
                   check_delayed_call(verb, number, may_meet_hold, meanwhile)) {
                ++number;
            }
            CHECK(number > 5);
        }
    }
}

TEST_CASE("a run may sleep for hours between any two of its calls, while others collect") {
    for (const auto& verb : all_verbs()) {
        const auto meanwhile = [](VerbsScene& scene) {
            for (int i = 0; i < 2; ++i) {
                scene.clock.advance(std::chrono::hours(5));
                scene.prune(scene.backend.blobs());
            }
        };
        std::uint64_t number = 1;
        while (number < kMostCalls && check_delayed_call(verb, number, false, meanwhile)) {
            ++number;
        }
        CHECK(number > 5);
    }
}
