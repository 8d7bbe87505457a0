// SPDX-License-Identifier: Apache-2.0
// Random clients against one repository, in virtual time. BACKUP_MODEL_RUNS=<number> runs more
// seeds, BACKUP_SEED=<number> begins with another one and is what a failure prints.
#include "tests/model/clients.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>

using namespace backup;
using namespace backup::model_test;

namespace {

std::uint64_t number_of_runs() {
    const char* given = std::getenv("BACKUP_MODEL_RUNS");
    return given != nullptr ? std::stoull(given) : 80;
}

/// Runs are not all alike: few clients meet often, many make long queues of work.
Options options_of(std::uint64_t seed) {
    testing::SeededRandom random(seed ^ 0xc0ffeeU);
    Options options;
    options.clients = 2 + random.below(4);
    options.operations = static_cast<unsigned>(6 + random.below(10));
    const std::uint64_t sleeps[] = {15, 40, 120, 0};
    options.troubles.sleep_one_in = sleeps[random.below(4)];
    const std::uint64_t kills[] = {60, 250, 1000, 0};
    options.troubles.kill_one_in = kills[random.below(4)];
    options.troubles.wrong_clocks = !random.chance(4);
    // To look at one failure.
    options.stop_rule =
        number_of_runs() == 1 ? StopRule::AllThreadsSleep : StopRule::OneThreadCalls;
    return options;
}

/// Clients that mostly hold and forget.
Options holds_of(std::uint64_t seed) {
    auto options = options_of(seed);
    options.mostly_holds = true;
    return options;
}

bool is_put_of_a_writer(std::string_view call, std::string_view blob) {
    return call == "puts exclusively" && blob.starts_with("points/");
}

bool is_late(std::string_view call, std::string_view blob) {
    return call == kLatePut || call == kLateLook || is_put_of_a_writer(call, blob);
}

bool is_deadly(std::string_view call, std::string_view blob) {
    return call == kLateLook || is_put_of_a_writer(call, blob);
}

/// Writers and prunes that sleep, or die, between their look for a session and the point that they
/// put, and behind it.
Options late_points_of(std::uint64_t seed) {
    auto options = options_of(seed);
    options.clients = 3 + seed % 3;
    options.operations += 10;
    options.mostly_holds = seed % 2 == 0;
    options.troubles.is_sore = is_late;
    options.troubles.is_deadly = is_deadly;
    return options;
}

/// How many runs a broken protocol needs until it is caught; 0: never. `skipped` seeds are left
/// out: none of them caught it when this was written, and time is dear.
std::uint64_t runs_until_caught(Mutation mutation,
                                std::uint64_t most,
                                Options (*options_for)(std::uint64_t) = options_of,
                                std::uint64_t skipped = 0) {
    const auto first = testing::test_seed() + skipped;
    for (std::uint64_t run = 0; run < most; ++run) {
        auto options = options_for(first + run);
        options.mutation = mutation;
        if (skipped != 0) {
            // One seed that catches it must do so on a busy machine, too.
            options.stop_rule = StopRule::AllThreadsSleep;
        }
        if (!run_clients(first + run, options).failures.empty()) {
            return run + 1;
        }
    }
    return 0;
}

/// Runs one seed behind the other until one fails; what happened in those before.
Outcome run_all(Options (*options)(std::uint64_t seed), std::uint64_t runs = number_of_runs()) {
    const auto first = testing::test_seed();
    Outcome sum;
    for (std::uint64_t run = 0; run < runs; ++run) {
        const auto seed = first + run;
        const auto outcome = run_clients(seed, options(seed));
        if (!outcome.failures.empty()) {
            FAIL_CHECK("BACKUP_SEED=" << seed << " BACKUP_MODEL_RUNS=1\n"
                                      << outcome.trace << join(outcome.failures, "\n"));
            break;
        }
        sum.steps += outcome.steps;
        sum.races += outcome.races;
        sum.points_committed += outcome.points_committed;
        sum.points_forgotten += outcome.points_forgotten;
        sum.points_held += outcome.points_held;
        sum.packs_removed += outcome.packs_removed;
        sum.backups_fenced += outcome.backups_fenced;
    }
    return sum;
}

}  // namespace

TEST_CASE("what is committed and not forgotten stays, whatever the clients do") {
    const auto sum = run_all(options_of);
    WARN(sum.steps << " calls, " << sum.points_committed << " points made, " << sum.points_forgotten
                   << " forgotten, " << sum.packs_removed << " packs removed, "
                   << sum.backups_fenced << " backups fenced, " << sum.races << " races");
}

TEST_CASE("of a hold and a forget that meet at a point one gives way") {
    const auto sum = run_all(holds_of);
    WARN(sum.points_held << " points held, " << sum.points_forgotten << " forgotten");
}

TEST_CASE(
    "a point that was forgotten comes back by nobody who slept before its put, one that is held "
    "stays") {
    // These are long.
    const auto sum = run_all(late_points_of, (number_of_runs() + 1) / 2);
    WARN(sum.points_committed << " points made, " << sum.points_forgotten << " forgotten");
}

TEST_CASE("a run can be had again") {
    int compared = 0;
    for (std::uint64_t seed = 1; seed <= 20 && compared < 5; ++seed) {
        auto options = options_of(seed);
        options.stop_rule = StopRule::AllThreadsSleep;
        const auto once = run_clients(seed, options);
        const auto again = run_clients(seed, options);
        // Of two threads of one client that call at the same time either may be first.
        if (once.races + again.races != 0) {
            continue;
        }
        ++compared;
        CHECK(once.digest == again.digest);
        CHECK(once.steps == again.steps);
    }
    CHECK(compared == 5);
}

TEST_CASE("a prune that knows no protocol is caught") {
    CHECK(runs_until_caught(Mutation::PruneWithoutProtocol, 50) != 0);
}

TEST_CASE("writers that ignore what is condemned are caught") {
    CHECK(runs_until_caught(Mutation::WritersIgnoreCollections, 300) != 0);
}

TEST_CASE("a prune that does not wait for sessions is caught") {
    CHECK(runs_until_caught(Mutation::PrunesIgnoreSessions, 300) != 0);
}

TEST_CASE("fences that do not exclude are caught") {
    CHECK(runs_until_caught(Mutation::FencesDoNotExclude, 1000, options_of, 572) != 0);
}

TEST_CASE("a forget that sees no holds is caught") {
    CHECK(runs_until_caught(Mutation::ForgetsIgnoreHolds, 50) != 0);
}

TEST_CASE("a hold that sees no forgets is caught") {
    CHECK(runs_until_caught(Mutation::HoldsIgnoreForgets, 300, holds_of) != 0);
}

TEST_CASE("a forget that does not see that a writer may sleep is caught") {
    CHECK(runs_until_caught(Mutation::ForgetsIgnoreWriters, 1000, late_points_of, 540) != 0);
}

TEST_CASE("a forget that does not see who may put the point again is caught") {
    CHECK(runs_until_caught(Mutation::ForgetsIgnorePutters, 1000, late_points_of) != 0);
}
