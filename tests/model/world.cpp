// SPDX-License-Identifier: Apache-2.0
#include "tests/model/world.hpp"

#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/hold.hpp"
#include "tests/model/operations.hpp"
#include "tests/model/write_point.hpp"

#include <array>
#include <set>

namespace backup::model_test {

namespace {

constexpr std::size_t kContents = 20;
constexpr std::uint64_t kSalt = 0x5bd1e995U;

std::size_t count_blobs(backend::Backend& storage, std::string_view folder) {
    std::size_t count = 0;
    storage.list(folder, [&count](const backend::BlobInfo&) { ++count; });
    return count;
}

/// Nobody can know that who announced to put a point again does not sleep only, but the test.
void remove_marks_of_the_dead(backend::Backend& storage) {
    std::set<std::string> completed;
    storage.list(repository::kCompletesFolder,
                 [&completed](const backend::BlobInfo& info) { completed.insert(info.name); });
    for (const auto& name : completed) {
        const auto point = repository::find_completed_point(name);
        storage.remove(repository::tombstone_name(point.value()));
        storage.remove(name);
    }
}

}  // namespace

ClientRandom::ClientRandom(std::uint64_t seed)
    : owner_(std::this_thread::get_id()),
      own_(seed),
      of_others_(seed ^ kSalt) {}

void ClientRandom::fill(std::span<std::byte> out) {
    const std::scoped_lock lock(mutex_);
    (std::this_thread::get_id() == owner_ ? own_ : of_others_).fill(out);
}

World::World(std::uint64_t seed, const Options& used)
    : options(used),
      schedule(seed, used.clients, used.troubles, used.stop_rule),
      storage(schedule.storage_clock(),
              [this](std::string_view) {
                  if (oracle && options.checks_one_in != 0 &&
                      check_random.chance(options.checks_one_in)) {
                      for (auto& broken : oracle->find_broken_promises()) {
                          fail(std::move(broken));
                      }
                  }
              }),
      volumes(used.clients),
      check_random(seed ^ kSalt) {
    testing::SeededRandom random(seed + 1);
    for (std::size_t i = 0; i < kContents; ++i) {
        contents.push_back(random.bytes(50 + random.below(random.chance(4) ? 40'000 : 3000)));
    }
    key = testing::init_tiny_repository(storage, random, schedule.storage_clock());
    oracle = std::make_unique<Oracle>(storage, key);
}

void World::fail(std::string what) {
    const std::scoped_lock lock(mutex);
    if (outcome.failures.size() < 10) {
        schedule.note(0, "FAILURE: " + what);
        outcome.failures.push_back(std::move(what));
    }
}

bool World::has_failed() {
    const std::scoped_lock lock(mutex);
    return !outcome.failures.empty();
}

void World::act(std::size_t client, std::uint64_t seed) {
    using Operation = void (*)(Process&);
    static constexpr std::array<std::pair<const char*, Operation>, 12> kOperations = {{
        {"begins a backup", back_up},
        {"begins a backup", back_up},
        {"begins a backup", back_up},
        {"begins a backup", back_up},
        {"begins to forget", forget_some},
        {"begins to forget", forget_some},
        {"begins a prune", prune},
        {"begins a prune", prune},
        {"begins a prune", prune},
        {"begins a restore", restore},
        {"begins to verify", verify},
        {"begins to hold", hold_one},
    }};
    static constexpr std::pair<const char*, Operation> kForget = {"begins to forget", forget_some};
    static constexpr std::pair<const char*, Operation> kHold = {"begins to hold", hold_one};
    Process process(*this, client, seed);
    const auto is_of_holds = options.mostly_holds && process.random.chance(2);
    const auto& [name, operation] = is_of_holds
                                        ? process.random.chance(3) ? kForget : kHold
                                        : kOperations[process.random.below(kOperations.size())];
    schedule.note(client, name);
    try {
        operation(process);
        schedule.note(client, "is done");
    } catch (const Error& error) {
        schedule.note(client, concat("gives up: ", error.what()));
        if (schedule.is_killed(client)) {
            return;
        }
        if (error.code() == ErrorCode::Incomplete && operation == back_up) {
            ++outcome.backups_fenced;
            return;
        }
        const auto may_be_refused = operation == forget_some || operation == hold_one;
        if (!may_be_refused) {
            fail(concat("client ", client, " ", name, ", which fails: ", error.what()));
        }
    }
}

/// A client that was told of an error, or died, may have left the hold of a point that somebody
/// else removed.
void World::release_lone_holds(const repository::Repository& repository) {
    std::set<std::string> there;
    for (const auto& record : repository::list_points(repository)) {
        there.insert(record.point.id);
    }
    for (const auto& id : repository::list_held_points(repository)) {
        if (!there.contains(id)) {
            repository::remove_hold(repository, id);
        }
    }
}

void World::settle() {
    NullProgress progress;
    schedule.calm_down();
    schedule.pass_time(std::chrono::hours(240));
    testing::SeededRandom random(kSalt);
    auto& clock = schedule.storage_clock();
    const auto repository = testing::open_tiny_repository(storage, key);
    const maintenance::Surroundings surroundings{clock, random, progress, {}};
    const auto prune_all = [&] {
        for (int i = 0; i < 3; ++i) {
            maintenance::prune_repository(repository, {.allow_no_points = true}, surroundings);
            schedule.pass_time(std::chrono::hours(5));
        }
    };
    prune_all();
    for (auto& broken : oracle->find_broken_points()) {
        fail("at the end: " + broken);
    }
    release_lone_holds(repository);
    const auto check_clean = [&](std::string_view when) {
        const auto found = maintenance::verify_repository(
            repository, {.level = maintenance::VerifyLevel::ReadData, .threads = 1}, progress);
        for (const auto& problem : found.problems) {
            fail(concat("verify ", when, ": ", problem.subject, ": ", problem.message));
        }
    };
    check_clean("at the end");
    oracle->expect("last", volumes.front());
    write_in_order(repository, "last", volumes.front(), random, clock);
    std::vector<std::string> ids;
    for (const auto& record : repository::list_points(repository)) {
        repository::remove_hold(repository, record.point.id);
        if (record.point.name != "last") {
            oracle->about_to_forget(record.point.id);
            ids.push_back(record.point.id);
        }
    }
    maintenance::forget_points(repository, ids, random);
    prune_all();
    for (auto& broken : oracle->find_broken_points()) {
        fail("after all but one were forgotten: " + broken);
    }
    check_clean("after all but one were forgotten");
    ids = {repository::list_points(repository).at(0).point.id};
    maintenance::forget_points(repository, ids, random);
    prune_all();
    remove_marks_of_the_dead(storage);
    for (const auto* folder :
         {"packs", "sessions", "gc", "points", "holds", "forgets", "completes"}) {
        if (const auto count = count_blobs(storage, folder); count != 0) {
            fail(concat(count, " blobs stay in ", folder, " when nothing needs them"));
        }
    }
}

Outcome run_clients(std::uint64_t seed, const Options& options) {
    World world(seed, options);
    std::vector<unsigned> left(options.clients, options.operations);
    testing::SeededRandom random(seed + 2);
    world.schedule.run([&](std::size_t client) -> Schedule::Work {
        if (world.outcome.failures.empty() && world.oracle != nullptr) {
            for (auto& broken : world.oracle->find_broken_promises()) {
                world.fail(std::move(broken));
            }
        }
        if (left[client] == 0 || world.has_failed()) {
            return nullptr;
        }
        --left[client];
        return [&world, client, drawn = random.number()] { world.act(client, drawn); };
    });
    if (!world.has_failed() && options.mutation != Mutation::PruneWithoutProtocol) {
        try {
            world.settle();
        } catch (const Error& error) {
            world.fail(concat("at the end: ", error.what()));
        }
    }
    auto outcome = std::move(world.outcome);
    outcome.trace = world.schedule.trace();
    outcome.digest = world.schedule.digest();
    outcome.steps = world.schedule.steps();
    outcome.races = world.schedule.races();
    return outcome;
}

}  // namespace backup::model_test
