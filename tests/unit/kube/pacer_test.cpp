// SPDX-License-Identifier: Apache-2.0
#include "core/kube/pacer.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using backup::kube::Pacer;

namespace {

const Pacer::Time kStart{1'000s};

}  // namespace

TEST_CASE("nobody waits before the server complains", "[pacer]") {
    Pacer pacer;
    CHECK(pacer.next(kStart) == 0s);
    CHECK(pacer.next(kStart) == 0s);
}

TEST_CASE("a refusal makes all wait, then one after the other", "[pacer]") {
    Pacer pacer;
    CHECK(pacer.slow_down(kStart, kStart + 1s, 5s));
    CHECK(pacer.next(kStart + 1s) == 5s);
    CHECK(pacer.next(kStart + 1s) == 5s + 20ms);
    for (int i = 0; i < 100; ++i) {
        pacer.speed_up();
    }
    CHECK(pacer.next(kStart + 10s) == 0s);
    CHECK(pacer.next(kStart + 10s) == 0s);
}

TEST_CASE("requests that were under way together count as one refusal", "[pacer]") {
    Pacer pacer;
    CHECK(pacer.slow_down(kStart, kStart + 1s, 1s));
    CHECK_FALSE(pacer.slow_down(kStart + 500ms, kStart + 1s, 3s));
    CHECK(pacer.next(kStart + 1s) == 3s);  // but the longest pause holds
    CHECK(pacer.next(kStart + 1s) == 3s + 20ms);
    CHECK(pacer.slow_down(kStart + 4s, kStart + 5s, 1s));
    CHECK(pacer.next(kStart + 5s) == 1s);
    CHECK(pacer.next(kStart + 5s) == 1s + 40ms);
}
