// SPDX-License-Identifier: Apache-2.0
// Runs several clients in virtual time, one step at a time: a client runs until its next call of
// the backend and waits there until it is its turn again. Whose turn it is, how long everybody
// sleeps and who dies follows from a seed alone, so a run can be had again. Knows nothing of what
// the clients do.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/task_group.hpp"
#include "tests/support/seeded_random.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace backup::model_test {

/// One in so many steps; 0: never.
struct Troubles {
    std::uint64_t sleep_one_in = 40;
    std::uint64_t kill_one_in = 250;
    std::uint64_t storage_jump_one_in = 2000;
    std::uint64_t clock_change_one_in = 500;
    bool wrong_clocks = true;
    /// Calls before which a client sleeps every other time: where a sleep may hurt most.
    bool (*is_sore)(std::string_view call, std::string_view blob) = nullptr;
    /// Calls before which a client dies every third time.
    bool (*is_deadly)(std::string_view call, std::string_view blob) = nullptr;
};

/// When a client counts as stopped, so that time may pass and others may have their turns.
enum class StopRule {
    /// A thread of it waits for a turn. Another one may still compute, and what it sees of the time
    /// depends on how fast it is.
    OneThreadCalls,
    /// And nothing else in the process runs: dear, but a seed always gives the same run, unless two
    /// threads of one client call at once (races()).
    AllThreadsSleep,
};

class Schedule {
  public:
    /// What a client does next; the empty function: it has nothing more to do.
    using Work = std::function<void()>;
    using NextWork = std::function<Work(std::size_t client)>;

    Schedule(std::uint64_t seed,
             std::size_t clients,
             const Troubles& troubles,
             StopRule stop_rule = StopRule::OneThreadCalls);
    ~Schedule();
    Schedule(const Schedule&) = delete;
    Schedule& operator=(const Schedule&) = delete;

    /// Gives work to clients that have none and lets them run, until nobody has any. Each work must
    /// not throw. A client that was killed begins its next work as a new process.
    void run(const NextWork& next);

    /// Before each call of a client's backend: waits for its turn. Throws when the client is dead;
    /// otherwise end_call() must follow.
    void begin_call(std::size_t client, std::string_view call, std::string_view blob);
    /// The call has had its effect: throws when the client dies here.
    void survive_call(std::size_t client);
    /// Whether the call failed or not. Nobody else has a turn before.
    void end_call(std::size_t client) noexcept;

    bool is_killed(std::size_t client) const;
    /// After this nobody sleeps, dies or has a wrong clock any more.
    void calm_down();
    void pass_time(std::chrono::nanoseconds time);

    Clock& clock_of(std::size_t client);
    Clock& storage_clock();

    /// The last calls, one a line.
    std::string trace() const;
    /// Of all calls: two runs with one seed have the same.
    std::uint64_t digest() const;
    std::uint64_t steps() const;
    /// How often two threads of one client wanted to call at once: the order is theirs then.
    std::uint64_t races() const;
    void note(std::size_t client, std::string_view what);

  private:
    struct Client;
    class ClientClock;
    class StorageClock;

    void add_line(std::size_t client, std::string_view what, std::string_view blob);
    void serve(Client& client, const std::stop_token& stop);
    void step(std::size_t number, const NextWork& next);
    void make_trouble(Client& client, std::size_t number);
    void wait_until_it_stops(std::unique_lock<std::mutex>& lock, const Client& client) const;
    std::vector<std::size_t> find_awake();

    mutable std::mutex mutex_;
    mutable std::condition_variable_any changed_;
    testing::SeededRandom random_;
    Troubles troubles_;
    const StopRule stop_rule_;
    TimePoint now_;
    std::chrono::nanoseconds storage_offset_{};
    std::vector<std::unique_ptr<Client>> clients_;
    std::unique_ptr<Clock> storage_clock_;
    std::deque<std::string> trace_;
    std::uint64_t digest_ = 14695981039346656037U;
    std::uint64_t steps_ = 0;
    std::uint64_t races_ = 0;
    TaskGroup threads_;
};

}  // namespace backup::model_test
