// SPDX-License-Identifier: Apache-2.0
#include "core/backend/limited_backend.hpp"

#include "core/backend/memory_backend.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"

using namespace backup;
using namespace backup::backend;
using namespace backup::testing;

namespace {

struct Fixture {
    explicit Fixture(std::uint64_t rate) : limit(rate, clock) {}

    FakeClock clock;
    RateLimit limit;
    MemoryBackend store;
};

}  // namespace

TEST_CASE("all that is written is booked with the rate") {
    // Two gigabytes a second: the real waits are microseconds, the clock stands still.
    Fixture fixture(2'000'000'000);
    LimitedBackend limited(fixture.store, fixture.limit);
    const Bytes bytes(3'000'000, std::byte{7});
    limited.put("points/a", ByteView(bytes).first(1'000'000));
    const auto writer = limited.create("packs");
    writer->write(bytes);
    writer->commit("packs/b");
    CHECK(fixture.store.get("packs/b") == bytes);
    CHECK(limited.get("points/a").size() == 1'000'000);
    // 4 MB have been booked; these two come behind them.
    CHECK(fixture.limit.reserve(2'000'000) == std::chrono::milliseconds(3));
}

TEST_CASE("a write that waits ends when stop is asked") {
    Fixture fixture(1);
    std::stop_source stop;
    stop.request_stop();
    LimitedBackend limited(fixture.store, fixture.limit, stop.get_token());
    CHECK(error_code_of([&] {
              limited.put("points/a", Bytes(1'000'000));
              return 0;
          }) == ErrorCode::Interrupted);
    CHECK_FALSE(limited.exists("points/a"));
    const auto writer = limited.create("packs");
    CHECK(error_code_of([&] {
              writer->write(Bytes(1'000'000));
              return 0;
          }) == ErrorCode::Interrupted);
}

TEST_CASE("without a limit nothing is asked") {
    Fixture fixture(0);
    std::stop_source stop;
    stop.request_stop();
    LimitedBackend limited(fixture.store, fixture.limit, stop.get_token());
    limited.put("points/a", Bytes(1'000'000));
    CHECK(limited.size("points/a") == 1'000'000);
}
