// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/crash_scenario.hpp"

#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/repair.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "tests/fault/repairable_damage.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace backup::testing {

namespace {

using namespace repository;

constexpr std::size_t kMostSingleNames = 10;
constexpr int kRandomCuts = 10;
const std::string kLater = "later";

std::string describe_problems(const Repository& repository) {
    NullProgress progress;
    const maintenance::VerifyOptions options{.level = maintenance::VerifyLevel::ReadData,
                                             .threads = 1};
    std::string text;
    const auto result = maintenance::verify_repository(repository, options, progress);
    for (const auto* found : {&result.problems, &result.warnings}) {
        for (const auto& problem : *found) {
            text += concat(problem.subject, ": ", problem.message, "\n");
        }
    }
    return text;
}

/// The promises a scenario had made by a step, as far as they are about points.
struct Expected {
    bool has_repository = false;
    std::set<std::string> needed;
    std::set<std::string> gone;
    std::set<std::string> held;
    std::set<std::string> released;
};

Expected expect_at(const CrashScenario& scenario, std::size_t steps) {
    Expected expected;
    for (const auto& promise : scenario.promises) {
        if (promise.steps > steps) {
            // A verb that has begun may have done part of its work.
            continue;
        }
        switch (promise.kind) {
            case Promise::Kind::Initialized:
                expected.has_repository = true;
                break;
            case Promise::Kind::Committed:
                expected.needed.insert(promise.point);
                break;
            case Promise::Kind::Leaving:
                expected.needed.erase(promise.point);
                break;
            case Promise::Kind::Left:
                expected.gone.insert(promise.point);
                break;
            case Promise::Kind::Held:
                expected.held.insert(promise.point);
                break;
            case Promise::Kind::Releasing:
                expected.held.erase(promise.point);
                break;
            case Promise::Kind::Released:
                expected.released.insert(promise.point);
                break;
        }
    }
    return expected;
}

/// By their names.
std::set<std::string> list_held(const Repository& repository) {
    const auto ids = list_held_points(repository);
    std::set<std::string> names;
    for (const auto& record : list_points(repository)) {
        if (std::binary_search(ids.begin(), ids.end(), record.point.id)) {
            names.insert(record.point.name);
        }
    }
    return names;
}

std::string find_broken_hold(const Repository& repository, const Expected& expected) {
    const auto held = list_held(repository);
    for (const auto& name : expected.held) {
        if (!held.contains(name)) {
            return concat("the hold of ", name, " is lost");
        }
    }
    for (const auto& name : expected.released) {
        if (held.contains(name)) {
            return concat("the hold of ", name, " was released and is back");
        }
    }
    return {};
}

std::string find_broken_promise(const CrashScenario& scenario,
                                const Repository& repository,
                                Expected expected) {
    for (const auto& record : list_points(repository)) {
        const auto& name = record.point.name;
        if (expected.gone.contains(name)) {
            return concat("point ", name, " was forgotten and is back");
        }
        if (read_files(repository, record) != scenario.files_of.at(name)) {
            return concat("point ", name, " holds other bytes");
        }
        expected.needed.erase(name);
    }
    return expected.needed.empty() ? find_broken_hold(repository, expected)
                                   : concat("point ", *expected.needed.begin(), " is lost");
}

std::string look(const CrashScenario& scenario, backend::Backend& backend, Expected expected) {
    try {
        if (!repository_exists(backend)) {
            return expected.has_repository ? "the repository is lost" : "";
        }
        const auto repository = open_tiny_repository(backend, scenario.key);
        auto broken = find_broken_promise(scenario, repository, std::move(expected));
        return broken.empty() ? describe_problems(repository) : broken;
    } catch (const Error& error) {
        return concat("it throws: ", error.what());
    }
}

std::optional<PointRecord> find_point(const Repository& repository, const std::string& name) {
    for (auto& record : list_points(repository)) {
        if (record.point.name == name) {
            return std::move(record);
        }
    }
    return std::nullopt;
}

PowerCut uniform_cut(bool keeps_names, Survival survival) {
    return {[keeps_names](const std::string&, std::size_t count) {
                return keeps_names ? count : std::size_t{0};
            },
            [survival](const std::string&) { return survival; }};
}

/// One name fares otherwise than all others.
PowerCut single_cut(const std::string& name, bool keeps_others) {
    return {[name, keeps_others](const std::string& path, std::size_t count) {
                return (path == name) == keeps_others ? std::size_t{0} : count;
            },
            [](const std::string&) { return Survival::Nothing; }};
}

PowerCut random_cut(std::uint64_t seed) {
    const auto random = std::make_shared<SeededRandom>(seed);
    return {[random](const std::string&, std::size_t count) {
                return static_cast<std::size_t>(random->below(count + 1));
            },
            [random](const std::string&) { return static_cast<Survival>(random->below(4)); }};
}

}  // namespace

backend::DirectoryBackend CrashScenario::open_disk(const std::shared_ptr<SimulatedDisk>& disk) {
    return backend::DirectoryBackend("/disk/repository", disk);
}

void CrashScenario::promise(Promise::Kind kind, const std::string& point) {
    promises.push_back({disk->count_steps(), kind, point});
}

void CrashScenario::init() {
    auto opened = backend();
    const auto fresh = make_new_repository(random);
    key = fresh.key_file;
    init_repository(opened, fresh, tiny_parameters(), std::nullopt, random, clock);
    promise(Promise::Kind::Initialized);
}

void CrashScenario::create(const std::string& name) {
    store(name);
    promise(Promise::Kind::Committed, name);
}

void CrashScenario::store(const std::string& name) {
    // "shared" lies beside what only the first point needs: a prune has to copy it.
    auto shared = files_of.empty() ? random.bytes(9'000) : files_of.begin()->second.at("shared");
    const Files files{{"shared", std::move(shared)},
                      {concat("new in ", name), random.bytes(20'000)}};
    files_of[name] = files;
    clock.advance(std::chrono::hours(1));
    auto opened = backend();
    write_point(open_tiny_repository(opened, key), name, files, random, clock);
}

void CrashScenario::die_behind_ticket(const std::string& name, bool has_put) {
    store(name);
    auto opened = backend();
    const auto repository = open_tiny_repository(opened, key);
    const auto point = find_point(repository, name).value();
    const auto blob = point_name(point.point.created, content::parse_digest(point.point.id));
    const auto bytes = opened.get(blob);
    const SessionRecord session{to_hex(random.bytes(16)), "host", 1, "program", clock.now(), {}};
    if (!has_put) {
        opened.remove(blob);
    }
    opened.put(session_name(session.id), encode_session(repository, session, random));
    put_session_end(repository, session.id, {blob, bytes}, random);
    opened.sync();
}

void CrashScenario::forget(const std::string& name) {
    promise(Promise::Kind::Leaving, name);
    auto opened = backend();
    const auto repository = open_tiny_repository(opened, key);
    std::vector<std::string> ids;
    if (const auto record = find_point(repository, name)) {
        ids.push_back(record->point.id);
    }
    maintenance::forget_points(repository, ids, random);
    promise(Promise::Kind::Left, name);
}

void CrashScenario::hold(const std::string& name) {
    auto opened = backend();
    const auto repository = open_tiny_repository(opened, key);
    const auto id = find_point(repository, name).value().point.id;
    put_hold(repository, {id, "kept", "host", clock.now()}, random);
    promise(Promise::Kind::Held, name);
}

void CrashScenario::release(const std::string& name) {
    promise(Promise::Kind::Releasing, name);
    auto opened = backend();
    const auto repository = open_tiny_repository(opened, key);
    remove_hold(repository, find_point(repository, name).value().point.id);
    promise(Promise::Kind::Released, name);
}

void CrashScenario::prune() {
    auto opened = backend();
    NullProgress progress;
    maintenance::prune_repository(
        open_tiny_repository(opened, key), {}, {clock, random, progress, {}});
}

void CrashScenario::damage() {
    auto storage = backend();
    lose_segment_and_flip_pack(storage, random);
    storage.sync();
}

void CrashScenario::repair() {
    auto opened = backend();
    NullProgress progress;
    maintenance::repair_repository(
        open_tiny_repository(opened, key), {.read_data = true}, {clock, random, progress, {}});
}

std::string find_loss(const CrashScenario& scenario,
                      std::size_t steps,
                      const std::shared_ptr<SimulatedDisk>& disk) {
    auto backend = CrashScenario::open_disk(disk);
    return look(scenario, backend, expect_at(scenario, steps));
}

std::string find_loss_later(const CrashScenario& scenario,
                            std::size_t steps,
                            const std::shared_ptr<SimulatedDisk>& disk) {
    CrashScenario later(scenario.seed * 31 + steps + 1);
    later.clock.advance(std::chrono::hours(48));
    disk->advance(48 * 60 * 60);
    later.disk = disk;
    later.key = scenario.key;
    later.files_of = scenario.files_of;
    auto expected = expect_at(scenario, steps);
    try {
        auto backend = later.backend();
        if (!repository_exists(backend)) {
            later.init();
        }
        for (const auto& name : list_held(open_tiny_repository(backend, later.key))) {
            later.hold(name);
            expected.held.insert(name);
        }
        later.create(kLater);
        later.prune();
    } catch (const Error& error) {
        return concat("the next run throws: ", error.what());
    }
    expected.has_repository = true;
    expected.needed.insert(kLater);
    const auto left = disk->after_power_cut(harshest_cut());
    auto backend = CrashScenario::open_disk(left);
    auto loss = look(later, backend, std::move(expected));
    return loss.empty() ? loss : concat("after the next run and another power cut: ", loss);
}

std::vector<PowerCut> list_power_cuts(const SimulatedDisk& disk, SeededRandom& random) {
    std::vector<PowerCut> cuts{harshest_cut()};
    for (const auto survival :
         {Survival::Nothing, Survival::Half, Survival::Zeros, Survival::All}) {
        cuts.push_back(uniform_cut(true, survival));
    }
    auto names = disk.list_unsynced_names();
    for (std::size_t i = 0; i < names.size() && i < kMostSingleNames; ++i) {
        std::swap(names[i], names[i + random.below(names.size() - i)]);
        cuts.push_back(single_cut(names[i], false));
        cuts.push_back(single_cut(names[i], true));
    }
    for (int i = 0; i < kRandomCuts && !names.empty(); ++i) {
        cuts.push_back(random_cut(random.number()));
    }
    return cuts;
}

PowerCut harshest_cut() {
    return uniform_cut(false, Survival::Nothing);
}

}  // namespace backup::testing
