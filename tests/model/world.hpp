// SPDX-License-Identifier: Apache-2.0
// What the clients of one run share: the storage, the schedule, the promises, and what went wrong.
#pragma once

#include "tests/model/clients.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace backup::model_test {

/// Forwards to a memory; says when something is removed, so that it can be looked who misses it.
class WatchedStorage : public backend::MemoryBackend {
  public:
    WatchedStorage(Clock& clock, std::function<void(std::string_view)> removed)
        : MemoryBackend(&clock),
          removed_(std::move(removed)) {}

    void remove(std::string_view name) override {
        MemoryBackend::remove(name);
        removed_(name);
    }

  private:
    std::function<void(std::string_view)> removed_;
};

/// Each thread of a client draws from its own numbers: which of two is first does not matter then.
class ClientRandom : public Random {
  public:
    explicit ClientRandom(std::uint64_t seed);
    void fill(std::span<std::byte> out) override;

  private:
    std::mutex mutex_;
    std::thread::id owner_;
    testing::SeededRandom own_;
    testing::SeededRandom of_others_;
};

struct World {
    World(std::uint64_t seed, const Options& used);

    /// An operation of a client; catches what it throws and judges it.
    void act(std::size_t client, std::uint64_t seed);
    /// Everybody is well and awake: what must be true then.
    void settle();

    void release_lone_holds(const repository::Repository& repository);

    void fail(std::string what);
    bool has_failed();

    Options options;
    Schedule schedule;
    WatchedStorage storage;
    repository::KeyFile key;
    std::unique_ptr<Oracle> oracle;
    std::vector<Bytes> contents;          // files are drawn from these, so that bytes come back
    std::vector<testing::Files> volumes;  // of each client
    testing::SeededRandom check_random;
    unsigned backups_made = 0;
    Outcome outcome;
    std::mutex mutex;
};

}  // namespace backup::model_test
