// SPDX-License-Identifier: Apache-2.0
// A repository on a disk that may lose power, what its verbs promised by when, and whether a disk
// that came back keeps the promises.
#pragma once

#include "core/backend/directory_backend.hpp"
#include "tests/support/simulated_disk.hpp"
#include "tests/support/test_repository.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace backup::testing {

/// What a verb said, and behind how many steps of the disk.
struct Promise {
    enum class Kind { Initialized, Committed, Leaving, Left, Held, Releasing, Released };

    std::size_t steps = 0;
    Kind kind{};
    std::string point;
};

class CrashScenario {
  public:
    explicit CrashScenario(std::uint64_t from) : seed(from), random(from) {}

    void init();
    /// A point with some of the content of the one before. It may throw when the disk fails.
    void create(const std::string& name);
    void forget(const std::string& name);
    void prune();
    void hold(const std::string& name);
    void release(const std::string& name);
    /// A backup that died behind its ticket, before it put its point or right behind that. Nobody
    /// was promised anything.
    void die_behind_ticket(const std::string& name, bool has_put);
    /// One index segment is gone, one pack has parity and a flipped bit; all of that durably.
    void damage();
    void repair();

    void promise(Promise::Kind kind, const std::string& point = {});

    backend::DirectoryBackend backend() const { return open_disk(disk); }

    static backend::DirectoryBackend open_disk(const std::shared_ptr<SimulatedDisk>& disk);

    std::uint64_t seed;
    SeededRandom random;
    FakeClock clock;
    std::shared_ptr<SimulatedDisk> disk = std::make_shared<SimulatedDisk>();
    repository::KeyFile key;
    std::map<std::string, Files> files_of;  // by the point's name, also of those never committed
    std::vector<Promise> promises;

  private:
    void store(const std::string& name);
};

/// What is wrong with a disk on which the first `steps` steps of the scenario were done: a promise
/// that is broken, a point that is not whole, anything verify finds. Empty: nothing.
std::string find_loss(const CrashScenario& scenario,
                      std::size_t steps,
                      const std::shared_ptr<SimulatedDisk>& disk);

/// Goes on working with the disk: makes the repository if there is none, holds again what is held,
/// another backup, and so on;
/// then cuts the power once more. Empty, or what is wrong afterwards.
std::string find_loss_later(const CrashScenario& scenario,
                            std::size_t steps,
                            const std::shared_ptr<SimulatedDisk>& disk);

/// Some of the states that a power cut may leave now: everything unsynced in one manner, single
/// names, then some at random.
std::vector<PowerCut> list_power_cuts(const SimulatedDisk& disk, SeededRandom& random);
/// Only what is durable for certain is left.
PowerCut harshest_cut();

}  // namespace backup::testing
