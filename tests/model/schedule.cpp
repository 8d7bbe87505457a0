// SPDX-License-Identifier: Apache-2.0
#include "tests/model/schedule.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "tests/model/sleeping_threads.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace backup::model_test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLinesKept = 400;
constexpr auto kBlockedForEver = 120s;
constexpr std::chrono::nanoseconds kDay = 24h;

[[noreturn]] void die() {
    throw Error(ErrorCode::Io, "this client is dead");
}

}  // namespace

struct Schedule::Client {
    Work work;
    bool is_killed = false;
    bool dies_behind_call = false;
    bool is_done = false;
    bool is_at_sore_call = false;
    bool is_at_deadly_call = false;
    unsigned waiting = 0;  // threads that want to call
    unsigned turns = 0;
    unsigned calling = 0;  // threads that had a turn, until the end of their call
    TimePoint wakes{};
    std::chrono::nanoseconds clock_offset{};
    std::chrono::nanoseconds slept{};
    std::unique_ptr<Clock> clock;
};

class Schedule::ClientClock : public Clock {
  public:
    ClientClock(Schedule& schedule, const Client& client) : schedule_(schedule), client_(client) {}

    TimePoint now() override {
        const std::scoped_lock lock(schedule_.mutex_);
        return schedule_.now_ + client_.clock_offset;
    }

    /// Stands still while its machine is suspended (clock_gettime(2), CLOCK_MONOTONIC).
    std::chrono::steady_clock::time_point steady_now() override {
        const std::scoped_lock lock(schedule_.mutex_);
        return std::chrono::steady_clock::time_point(
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                schedule_.now_.time_since_epoch() - client_.slept));
    }

  private:
    Schedule& schedule_;
    const Client& client_;
};

class Schedule::StorageClock : public Clock {
  public:
    explicit StorageClock(Schedule& schedule) : schedule_(schedule) {}

    TimePoint now() override {
        const std::scoped_lock lock(schedule_.mutex_);
        return schedule_.now_ + schedule_.storage_offset_;
    }

    std::chrono::steady_clock::time_point steady_now() override { return {}; }

  private:
    Schedule& schedule_;
};

Schedule::Schedule(std::uint64_t seed,
                   std::size_t clients,
                   const Troubles& troubles,
                   StopRule stop_rule)
    : random_(seed),
      troubles_(troubles),
      stop_rule_(stop_rule),
      now_(parse_rfc3339("2026-11-20T10:00:00Z")),
      storage_clock_(std::make_unique<StorageClock>(*this)) {
    for (std::size_t i = 0; i < clients; ++i) {
        auto client = std::make_unique<Client>();
        client->clock = std::make_unique<ClientClock>(*this, *client);
        if (troubles.wrong_clocks) {
            client->clock_offset = std::chrono::minutes(random_.below(20'000)) - 10'000min;
        }
        clients_.push_back(std::move(client));
    }
    for (const auto& client : clients_) {
        threads_.start(
            [this, used = client.get()](const std::stop_token& stop) { serve(*used, stop); });
    }
}

Schedule::~Schedule() {
    const std::scoped_lock lock(mutex_);
    for (const auto& client : clients_) {
        client->is_killed = true;
    }
    threads_.request_stop();
    changed_.notify_all();
}

void Schedule::serve(Client& client, const std::stop_token& stop) {
    while (true) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return client.work != nullptr; })) {
            return;
        }
        const auto work = client.work;
        lock.unlock();
        work();
        lock.lock();
        client.work = nullptr;
        client.is_killed = false;
        client.dies_behind_call = false;
        changed_.notify_all();
    }
}

void Schedule::run(const NextWork& next) {
    for (const auto& client : clients_) {
        client->is_done = false;
    }
    while (true) {
        const auto awake = find_awake();
        if (awake.empty()) {
            return;
        }
        step(awake[random_.below(awake.size())], next);
    }
}

std::vector<std::size_t> Schedule::find_awake() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::size_t> awake;
    std::optional<TimePoint> first_to_wake;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        const auto& client = *clients_[i];
        if (client.is_done) {
            continue;
        }
        if (client.wakes <= now_) {
            awake.push_back(i);
        }
        first_to_wake = std::min(first_to_wake.value_or(client.wakes), client.wakes);
    }
    if (awake.empty() && first_to_wake) {
        now_ = *first_to_wake;
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            if (!clients_[i]->is_done && clients_[i]->wakes <= now_) {
                awake.push_back(i);
            }
        }
    }
    return awake;
}

void Schedule::step(std::size_t number, const NextWork& next) {
    auto& client = *clients_[number];
    std::unique_lock lock(mutex_);
    ++steps_;
    now_ += std::chrono::milliseconds(random_.below(2000));
    if (random_.chance(20)) {
        now_ += std::chrono::seconds(random_.below(3600));
    }
    if (client.work == nullptr) {
        lock.unlock();
        auto work = next(number);
        lock.lock();
        if (!work) {
            client.is_done = true;
            return;
        }
        client.work = std::move(work);
    } else {
        make_trouble(client, number);
        if (client.wakes > now_) {
            return;
        }
        client.turns = 1;
    }
    changed_.notify_all();
    wait_until_it_stops(lock, client);
}

void Schedule::make_trouble(Client& client, std::size_t number) {
    const auto happens = [this](std::uint64_t one_in) {
        return one_in != 0 && random_.chance(one_in);
    };
    const auto is_sore = std::exchange(client.is_at_sore_call, false);
    if (happens(is_sore ? 2 : troubles_.sleep_one_in)) {
        // Mostly a nap, at times longer than every time-out and grace there is.
        const auto time = std::chrono::minutes(1 + random_.below(random_.chance(2) ? 200 : 20'000));
        client.wakes = now_ + time;
        client.slept += time;
        add_line(number, "sleeps", concat(time.count(), " min"));
    }
    if (happens(troubles_.kill_one_in)) {
        client.is_killed = random_.chance(2);
        client.dies_behind_call = !client.is_killed;
        add_line(number, client.is_killed ? "is killed" : "is killed behind the next call", "");
    }
    if (std::exchange(client.is_at_deadly_call, false) && random_.chance(3)) {
        client.is_killed = true;
        add_line(number, "is killed before its call", "");
    }
    if (happens(troubles_.storage_jump_one_in)) {
        storage_offset_ += kDay * static_cast<int>(1 + random_.below(5));
        add_line(number, "sees the storage's clock jump", "");
    }
    if (happens(troubles_.clock_change_one_in)) {
        client.clock_offset = std::chrono::minutes(random_.below(20'000)) - 10'000min;
        add_line(number, "has its clock set", "");
    }
}

void Schedule::wait_until_it_stops(std::unique_lock<std::mutex>& lock, const Client& client) const {
    const auto stopped = [&client] {
        return client.work == nullptr || (client.turns == 0 && client.calling == 0 &&
                                          client.waiting != 0 && !client.is_killed);
    };
    if (!changed_.wait_for(lock, kBlockedForEver, stopped)) {
        throw std::runtime_error("a client is blocked for ever");
    }
    if (stop_rule_ == StopRule::AllThreadsSleep) {
        // Who has stopped stays so until the next turn, but others of its threads may come yet.
        lock.unlock();
        wait_until_others_sleep();
        lock.lock();
    }
}

void Schedule::begin_call(std::size_t number, std::string_view call, std::string_view blob) {
    auto& client = *clients_.at(number);
    std::unique_lock lock(mutex_);
    if (!client.is_killed) {
        client.is_at_sore_call = troubles_.is_sore != nullptr && troubles_.is_sore(call, blob);
        client.is_at_deadly_call =
            troubles_.is_deadly != nullptr && troubles_.is_deadly(call, blob);
        races_ += client.waiting == 0 ? 0U : 1U;
        ++client.waiting;
        changed_.notify_all();
        changed_.wait(lock, [&client] { return client.turns != 0 || client.is_killed; });
        client.turns = 0;
        --client.waiting;
    }
    if (client.is_killed) {
        changed_.notify_all();
        die();
    }
    ++client.calling;
    add_line(number, call, blob);
}

void Schedule::survive_call(std::size_t number) {
    auto& client = *clients_.at(number);
    const std::scoped_lock lock(mutex_);
    if (client.dies_behind_call) {
        client.is_killed = true;
        die();
    }
}

void Schedule::end_call(std::size_t number) noexcept {
    const std::scoped_lock lock(mutex_);
    --clients_[number]->calling;
    // Another thread of the client may be waiting already: that is a stop, too.
    changed_.notify_all();
}

bool Schedule::is_killed(std::size_t client) const {
    const std::scoped_lock lock(mutex_);
    return clients_.at(client)->is_killed;
}

void Schedule::calm_down() {
    const std::scoped_lock lock(mutex_);
    troubles_ = {0, 0, 0, 0, false, nullptr, nullptr};
    for (const auto& client : clients_) {
        client->clock_offset = {};
        client->wakes = {};
    }
}

void Schedule::pass_time(std::chrono::nanoseconds time) {
    const std::scoped_lock lock(mutex_);
    now_ += time;
}

Clock& Schedule::clock_of(std::size_t client) {
    return *clients_.at(client)->clock;
}

Clock& Schedule::storage_clock() {
    return *storage_clock_;
}

void Schedule::note(std::size_t client, std::string_view what) {
    const std::scoped_lock lock(mutex_);
    add_line(client, what, "");
}

void Schedule::add_line(std::size_t client, std::string_view what, std::string_view blob) {
    auto line = concat(format_compact(now_), " client ", client, " ", what, " ", blob);
    for (const char letter : line) {
        digest_ = (digest_ ^ static_cast<unsigned char>(letter)) * 1099511628211U;
    }
    trace_.push_back(std::move(line));
    if (trace_.size() > kLinesKept) {
        trace_.pop_front();
    }
}

std::string Schedule::trace() const {
    const std::scoped_lock lock(mutex_);
    std::string text;
    for (const auto& line : trace_) {
        text += line + "\n";
    }
    return text;
}

std::uint64_t Schedule::digest() const {
    const std::scoped_lock lock(mutex_);
    return digest_;
}

std::uint64_t Schedule::steps() const {
    const std::scoped_lock lock(mutex_);
    return steps_;
}

std::uint64_t Schedule::races() const {
    const std::scoped_lock lock(mutex_);
    return races_;
}

}  // namespace backup::model_test
