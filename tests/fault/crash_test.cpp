// SPDX-License-Identifier: Apache-2.0
// The power goes behind every step of init, backups, holds and what keeps a repository in order;
// states of the disk that it may leave (list_power_cuts) are looked at: the repository opens, every
// promised point is whole, every promised hold is there, verify finds nothing, and the next run
// works. And it is shown that the look would find a missing sync.
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "tests/fault/crash_scenario.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <cerrno>

using namespace backup;
using namespace backup::testing;

namespace {

using Kind = DiskStep::Kind;

void run_every_verb(CrashScenario& scenario) {
    scenario.init();
    scenario.create("first");
    scenario.create("second");
    scenario.create("third");
    scenario.forget("first");
    scenario.hold("second");
    scenario.prune();
    scenario.release("second");
    scenario.forget("second");
    scenario.prune();
    scenario.create("fourth");
    scenario.hold("fourth");
}

/// Behind how many steps something of this kind was said first.
std::size_t steps_until(const CrashScenario& scenario, Promise::Kind kind) {
    const auto found = std::find_if(scenario.promises.begin(),
                                    scenario.promises.end(),
                                    [kind](const auto& one) { return one.kind == kind; });
    REQUIRE(found != scenario.promises.end());
    return found->steps;
}

struct FullScenario : CrashScenario {
    FullScenario() : CrashScenario(test_seed()) { run_every_verb(*this); }
};

/// Prunes and forgets end the work of writers that died.
struct DeathScenario : CrashScenario {
    DeathScenario() : CrashScenario(test_seed()) {
        init();
        create("first");
        die_behind_ticket("completed", false);
        disk->advance(10 * 60);
        prune();
        promise(Promise::Kind::Committed, "completed");
        die_behind_ticket("forgotten", true);
        forget("forgotten");
        forget("completed");
        prune();
        create("second");
    }
};

/// Does the steps of a scenario again, but those `lies` picks; looks at the states a power cut may
/// leave.
class Simulation {
  public:
    using Picks = std::function<bool(const DiskStep&)>;
    using Prepare = std::function<void(const std::shared_ptr<SimulatedDisk>&)>;

    explicit Simulation(const CrashScenario& scenario, Picks lies = {})
        : scenario_(scenario),
          lies_(std::move(lies)),
          steps_(scenario.disk->steps()) {}

    /// Looked at are the states behind step `first` and later ones, each after `prepare`.
    void look_from(std::size_t first, Prepare prepare) {
        first_ = first;
        prepare_ = std::move(prepare);
    }

    /// The first loss, or nothing.
    std::string run(bool goes_on) {
        SimulatedDisk disk;
        for (std::size_t done = 0; done <= steps_.size(); ++done) {
            auto loss = done < first_ ? std::string() : look_at_states(disk, done, goes_on);
            if (!loss.empty()) {
                return concat("behind step ", done, " (", describe(done), "): ", loss);
            }
            if (done < steps_.size() && !(lies_ && lies_(steps_[done]))) {
                disk.replay(steps_[done]);
            }
        }
        return {};
    }

    std::size_t states() const { return seen_.size(); }

  private:
    std::string describe(std::size_t done) const {
        return done == 0 ? "nothing" : steps_[done - 1].describe();
    }

    std::string look_at_states(const SimulatedDisk& disk, std::size_t done, bool goes_on) {
        const auto promised = std::count_if(
            scenario_.promises.begin(), scenario_.promises.end(), [done](const Promise& promise) {
                return promise.steps <= done;
            });
        for (const auto& cut : list_power_cuts(disk, random_)) {
            const auto left = disk.after_power_cut(cut);
            if (!seen_.insert(concat(promised, " ", left->fingerprint())).second) {
                continue;
            }
            if (prepare_) {
                prepare_(left);
            }
            auto loss = find_loss(scenario_, done, left);
            if (loss.empty() && goes_on) {
                loss = find_loss_later(scenario_, done, left);
            }
            if (!loss.empty()) {
                return loss;
            }
        }
        return {};
    }

    const CrashScenario& scenario_;
    Picks lies_;
    std::vector<DiskStep> steps_;
    std::size_t first_ = 0;
    Prepare prepare_;
    SeededRandom random_;
    std::set<std::string> seen_;
};

/// On a disk that came back, two days later.
void repair_again(const CrashScenario& scenario, const std::shared_ptr<SimulatedDisk>& disk) {
    CrashScenario again(scenario.seed * 17 + 1);
    again.disk = disk;
    again.key = scenario.key;
    again.clock.advance(std::chrono::hours(48));
    disk->advance(48 * 60 * 60);
    again.repair();
}

/// Whether leaving out the syncs `lies` picks would be found out.
bool is_found(const CrashScenario& scenario, const Simulation::Picks& lies) {
    return !Simulation(scenario, lies).run(false).empty();
}

/// The syncs of directories with this in their paths, from the step with this number on.
Simulation::Picks names_of(std::string_view folder, std::size_t first_step = 0) {
    return [folder, first_step, number = std::size_t{0}](const DiskStep& step) mutable {
        return number++ >= first_step && step.kind == Kind::SyncDirectory &&
               step.path.find(folder) != std::string::npos;
    };
}

}  // namespace

TEST_CASE("a power cut behind any step loses nothing that was promised") {
    const FullScenario scenario;
    Simulation simulation(scenario);
    CHECK(simulation.run(true) == "");
    INFO(scenario.disk->count_steps() << " steps, " << simulation.states() << " states");
    CHECK(simulation.states() > 300);
}

TEST_CASE("a power cut beside writers that died brings back nothing that was forgotten") {
    const DeathScenario scenario;
    Simulation simulation(scenario);
    CHECK(simulation.run(true) == "");
    CHECK(simulation.states() > 100);
}

TEST_CASE("a power cut behind any step of a repair leaves what the next repair mends") {
    CrashScenario scenario(test_seed());
    scenario.init();
    scenario.create("first");
    scenario.create("second");
    scenario.damage();
    const auto damaged = scenario.disk->count_steps();
    CHECK(find_loss(scenario, damaged, scenario.disk) != "");
    scenario.repair();
    const auto repaired = scenario.disk->count_steps();
    CHECK(find_loss(scenario, repaired, scenario.disk) == "");
    Simulation simulation(scenario);
    simulation.look_from(
        damaged, [&](const std::shared_ptr<SimulatedDisk>& disk) { repair_again(scenario, disk); });
    CHECK(simulation.run(true) == "");
    CHECK(simulation.states() > 10);
}

TEST_CASE("leaving out a sync of forget or prune is found out") {
    const FullScenario scenario;
    const auto begins = steps_until(scenario, Promise::Kind::Leaving);
    for (const auto* folder : {"/points", "/packs/", "/index"}) {
        INFO("names of " << folder);
        CHECK(is_found(scenario, names_of(folder, begins)));
    }
}

TEST_CASE("leaving out the sync of a hold, or of its release, is found out") {
    const FullScenario scenario;
    CHECK(is_found(scenario, names_of("/holds")));
    CHECK(is_found(scenario, names_of("/holds", steps_until(scenario, Promise::Kind::Releasing))));
}

TEST_CASE("a ticket that comes back behind a forget is found out, by the point it brings back") {
    const DeathScenario scenario;
    const auto begins = steps_until(scenario, Promise::Kind::Leaving);
    CHECK(Simulation(scenario, names_of("/sessions", begins)).run(true) != "");
}

// What the names in these directories are for (docs/format.md section 9) is over when the power
// goes, for it ends every run with the storage:
// - gc/: who is awake must not come to rely on a pack that is about to go. Nobody is, the sweep
//   neither; and what points need lies elsewhere, durably, before any pack goes. One that comes
//   back names packs that are gone, or that still go.
// - forgets/, completes/: who wakes must not put, or remove, a point. Nobody wakes. A notice or
//   tombstone that comes back counts for the point only that it names.
// They are synced all the same: a storage may lose power while its clients sleep and wake again,
// and that is no state of this disk. Of sessions/ likewise only the ticket that comes back matters
// (above): nobody was promised the point of one that is lost. checks/ may be lost at any time
// (section 11).
TEST_CASE("no promise needs the names of what is for runs that go on") {
    const auto is_idle = [](const DiskStep& step) {
        const std::string_view path = step.path;
        return step.kind == Kind::SyncDirectory &&
               (path.ends_with("/gc") || path.ends_with("/forgets") ||
                path.ends_with("/completes"));
    };
    const auto check = [&](const CrashScenario& scenario) {
        const auto steps = scenario.disk->steps();
        CHECK(std::count_if(steps.begin(), steps.end(), is_idle) > 5);
        CHECK(Simulation(scenario, is_idle).run(true) == "");
    };
    check(FullScenario());
    check(DeathScenario());
}

TEST_CASE("leaving out a sync is found out") {
    const FullScenario scenario;
    const auto drops = [](Kind kind, std::string_view path) {
        return [kind, path](const DiskStep& step) {
            return step.kind == kind && step.path.find(path) != std::string::npos;
        };
    };
    CHECK(is_found(scenario, drops(Kind::SyncFile, "")));
    CHECK(is_found(scenario, drops(Kind::SyncDirectory, "")));
    // Blobs of forgets/ and completes/ are empty: nothing of them can be torn.
    for (const auto* folder :
         {"keys/", "packs/", "index/", "points/", "gc/", "holds/", "sessions/"}) {
        INFO("files of " << folder);
        CHECK(is_found(scenario, drops(Kind::SyncFile, folder)));
    }
    for (const auto* folder :
         {"/disk", "/repository", "/repository/keys", "/packs", "/packs/", "/index", "/points"}) {
        INFO("names of " << folder);
        CHECK(is_found(scenario, [folder](const DiskStep& step) {
            const bool is_below = std::string_view(folder).ends_with('/');
            return step.kind == Kind::SyncDirectory &&
                   (is_below ? step.path.find(folder) != std::string::npos
                             : step.path.ends_with(folder));
        }));
    }
}

namespace {

/// The disk of a run that was killed behind `done` steps; the machine went on.
std::shared_ptr<SimulatedDisk> killed_disk(const std::vector<DiskStep>& steps, std::size_t done) {
    auto disk = std::make_shared<SimulatedDisk>();
    for (std::size_t i = 0; i < done; ++i) {
        disk->replay(steps[i]);
    }
    return disk;
}

}  // namespace

TEST_CASE("what a killed run left unsynced is made durable by the next run that relies on it") {
    const FullScenario scenario;
    const auto steps = scenario.disk->steps();
    const auto lie =
        GENERATE("", "/disk/repository", "/disk/repository/packs", "/disk/repository/holds");
    std::size_t losses = 0;
    for (std::size_t done = 0; done <= steps.size(); ++done) {
        const auto disk = killed_disk(steps, done);
        INFO("killed behind step " << done);
        CHECK(find_loss(scenario, done, disk) == "");
        disk->ignore_when([lie](const DiskStep& step) {
            return step.kind == Kind::SyncDirectory && step.path == lie;
        });
        const auto loss = find_loss_later(scenario, done, disk);
        losses += loss.empty() ? 0U : 1U;
        CHECK((loss.empty() || lie[0] != '\0'));
    }
    // A next run that did not look after the directories above its own would be found out.
    CHECK((losses > 0) == (lie[0] != '\0'));
}

namespace {

/// What is asked of a disk whose syncs fail: a verb, and how many syncs it has at least.
struct SyncingVerb {
    std::string name;
    std::function<void(CrashScenario&)> prepare;
    std::function<void(CrashScenario&)> run;
    std::size_t least_syncs = 0;
};

std::vector<SyncingVerb> syncing_verbs() {
    return {{"create", run_every_verb, [](auto& scenario) { scenario.create("fifth"); }, 6},
            {"forget", run_every_verb, [](auto& scenario) { scenario.forget("third"); }, 1},
            {"hold", run_every_verb, [](auto& scenario) { scenario.hold("third"); }, 2},
            {"release", run_every_verb, [](auto& scenario) { scenario.release("fourth"); }, 1},
            {"prune",
             [](auto& scenario) {
                 run_every_verb(scenario);
                 scenario.forget("third");
             },
             [](auto& scenario) { scenario.prune(); },
             6},
            {"repair",
             [](auto& scenario) {
                 scenario.init();
                 scenario.create("first");
                 scenario.create("second");
                 scenario.damage();
             },
             [](auto& scenario) { scenario.repair(); },
             3}};
}

/// Sync `number` of the verb fails. False when there is none.
bool check_failed_sync(const SyncingVerb& verb, std::size_t number) {
    CrashScenario scenario(test_seed());
    verb.prepare(scenario);
    std::size_t syncs = 0;
    std::string failed;
    bool was_tried_again = false;
    scenario.disk->fail_when([&](const DiskStep& step) {
        if (step.kind != Kind::SyncFile && step.kind != Kind::SyncDirectory) {
            return 0;
        }
        was_tried_again = was_tried_again || step.path == failed;
        if (++syncs == number) {
            failed = step.path;
            return EIO;
        }
        return 0;
    });
    INFO("sync " << number << " of " << verb.name << " fails");
    const auto failure = failure_of([&] { verb.run(scenario); });
    // What a verb that was refused had begun to take away may be gone.
    const auto steps = scenario.disk->count_steps();
    scenario.disk->fail_when({});
    CHECK(failure.has_value() == (syncs >= number));
    if (!failure) {
        CHECK(number > verb.least_syncs);
        return false;
    }
    CHECK(failure->code() == ErrorCode::Io);
    CHECK_FALSE(was_tried_again);
    const auto left = scenario.disk->after_power_cut(harshest_cut());
    if (verb.name == "repair") {
        repair_again(scenario, left);
    }
    CHECK(find_loss(scenario, steps, left) == "");
    CHECK(find_loss_later(scenario, steps, left) == "");
    return true;
}

}  // namespace

TEST_CASE("bytes the disk failed to take are never trusted, and no sync is tried again") {
    for (const auto& verb : syncing_verbs()) {
        std::size_t number = 1;
        while (check_failed_sync(verb, number)) {
            ++number;
        }
        INFO(verb.name << " has " << number - 1 << " syncs");
        CHECK(number < 200);
    }
}

TEST_CASE("a full disk leaves a valid repository") {
    for (std::size_t number = 1;; ++number) {
        FullScenario scenario;
        std::size_t calls = 0;
        scenario.disk->fail_when([&](const DiskStep& step) {
            const bool needs_room = step.kind == Kind::Create || step.kind == Kind::Write ||
                                    step.kind == Kind::Link || step.kind == Kind::MakeDirectory;
            return needs_room && ++calls >= number ? ENOSPC : 0;
        });
        INFO("room is used up at call " << number);
        const auto steps = scenario.disk->count_steps();
        try {
            scenario.create("fifth");
            REQUIRE(number > 10);
            break;
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::NoSpace);
        }
        CHECK(find_loss(scenario, steps, scenario.disk) == "");
        scenario.disk->fail_when({});
        CHECK(find_loss_later(scenario, steps, scenario.disk) == "");
    }
}
