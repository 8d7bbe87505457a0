// SPDX-License-Identifier: Apache-2.0
// One rate over several volumes that begin and end, each paced by its own mover.
#include "core/capture/read_rate.hpp"

#include "core/base/rate_limit.hpp"
#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

using namespace backup;
using namespace backup::capture;
using backup::testing::FakeClock;
using namespace std::chrono_literals;

namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::uint64_t kRate = 20'000'000;

/// A mover that always has something to read, and hears of a new limit a little late.
struct Reader {
    Reader(ReadRate& rate, FakeClock& clock, std::chrono::milliseconds delay)
        : share(rate),
          limit(1, clock),
          late(delay) {}

    ReadRate::Share share;
    RateLimit limit;
    std::chrono::milliseconds late;
    Time passes_at{};
    std::uint64_t piece = 0;
    std::uint64_t told = 0;
    Time heard_at{};
};

struct Passed {
    Time at;
    std::uint64_t bytes = 0;
};

class Run {
  public:
    Reader& add(std::chrono::milliseconds delay = 50ms) {
        readers_.push_back(std::make_unique<Reader>(rate_, clock_, delay));
        auto& reader = *readers_.back();
        reader.share.begin();
        reader.told = reader.share.part();
        reader.limit.set_rate(reader.told);
        book(reader);
        return reader;
    }

    void remove() { readers_.erase(readers_.begin()); }

    void run_for(std::chrono::nanoseconds duration) {
        const auto end = clock_.steady_now() + duration;
        for (;;) {
            const auto next = std::min_element(
                readers_.begin(), readers_.end(), [](const auto& a, const auto& b) {
                    return a->passes_at < b->passes_at;
                });
            auto& reader = **next;
            if (reader.passes_at >= end) {
                break;
            }
            clock_.advance(
                std::max<std::chrono::nanoseconds>(reader.passes_at - clock_.steady_now(), 0ns));
            passed_.push_back({clock_.steady_now(), reader.piece});
            hear(reader);
            book(reader);
        }
        clock_.advance(end - clock_.steady_now());
    }

    std::uint64_t within(Time begin, std::chrono::nanoseconds window) const {
        std::uint64_t sum = 0;
        for (const auto& one : passed_) {
            sum += one.at >= begin && one.at < begin + window ? one.bytes : 0;
        }
        return sum;
    }

    Time now() { return clock_.steady_now(); }

  private:
    void hear(Reader& reader) {
        const auto part = reader.share.part();
        if (part != reader.told) {
            reader.told = part;
            reader.heard_at = clock_.steady_now() + reader.late;
        }
        if (clock_.steady_now() >= reader.heard_at) {
            reader.limit.set_rate(reader.told);
        }
    }

    void book(Reader& reader) {
        reader.piece = reader.limit.piece();
        reader.passes_at = clock_.steady_now() + reader.limit.reserve(reader.piece);
    }

    FakeClock clock_;
    ReadRate rate_{kRate};
    std::vector<std::unique_ptr<Reader>> readers_;
    std::vector<Passed> passed_;
};

bool is_within_5_percent(std::uint64_t bytes, std::uint64_t wanted) {
    return bytes * 100 >= wanted * 95 && bytes * 100 <= wanted * 105;
}

}  // namespace

TEST_CASE("the rate is that of all volumes together, however many there are") {
    Run run;
    const auto begin = run.now();
    const auto count = GENERATE(1, 4, 7);
    for (int i = 0; i < count; ++i) {
        run.add();
    }
    run.run_for(12s);
    CHECK(is_within_5_percent(run.within(begin + 1s, 10s), 10 * kRate));
    CHECK(run.within(begin + 1s, 1s) <= kRate * 106 / 100);
}

TEST_CASE("the rate is kept while volumes begin and end") {
    Run run;
    const auto begin = run.now();
    run.add();
    run.run_for(5s);
    run.add();
    run.add();
    run.run_for(5s);
    run.remove();
    run.run_for(5s);
    run.add();
    run.remove();
    run.run_for(10s);
    for (auto at = 0s; at <= 15s; ++at) {
        CAPTURE(at.count());
        CHECK(is_within_5_percent(run.within(begin + at, 10s), 10 * kRate));
        // One that begins gets its part at once, the others hear of it after 50 ms.
        CHECK(run.within(begin + at, 1s) <= kRate * 115 / 100);
    }
}

TEST_CASE("a volume of which nothing is read has no part") {
    ReadRate rate(90);
    ReadRate::Share reads(rate);
    reads.begin();
    {
        ReadRate::Share waits(rate);
        CHECK(reads.part() == 90);
        CHECK(waits.part() == 45);
        waits.begin();
        waits.begin();
        CHECK(reads.part() == 45);
        waits.end();
        CHECK(reads.part() == 90);
        waits.begin();
        CHECK(reads.part() == 90);
    }
    CHECK(reads.part() == 90);
}

TEST_CASE("a tiny rate is never none, for a mover would take that for no limit") {
    ReadRate rate(1);
    ReadRate::Share one(rate);
    ReadRate::Share two(rate);
    one.begin();
    two.begin();
    CHECK(two.part() == 1);
    CHECK_FALSE(ReadRate(0).is_limited());
}

TEST_CASE("who waits for a change hears of it, of the end, and of a stop") {
    ReadRate rate(100);
    ReadRate::Share share(rate);
    ReadRate::Share other(rate);
    share.begin();
    CHECK(share.wait_for_change(1, {}) == 100);
    std::optional<std::uint64_t> heard;
    TaskGroup waiter;
    waiter.start([&](const std::stop_token&) { heard = share.wait_for_change(100, {}); });
    other.begin();
    waiter.wait();
    CHECK(heard == 50);
    waiter.start([&](const std::stop_token&) { heard = share.wait_for_change(50, {}); });
    share.end();
    waiter.wait();
    CHECK_FALSE(heard.has_value());
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(other.wait_for_change(other.part(), stop.get_token()).has_value());
}
