// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_attributes.hpp"

#include "tests/support/catch.hpp"

#include <chrono>

using namespace backup;
using namespace backup::volume;
using namespace std::chrono_literals;

namespace {

constexpr time_t kSecond = 1'700'000'000;

struct stat changed_at(long mtime_nanoseconds, long ctime_nanoseconds) {
    struct stat status = {};
    status.st_mtim = {kSecond, mtime_nanoseconds};
    status.st_ctim = {kSecond, ctime_nanoseconds};
    return status;
}

TimePoint later_by(std::chrono::nanoseconds age) {
    return TimePoint(
        std::chrono::duration_cast<TimePoint::duration>(std::chrono::seconds(kSecond) + age));
}

}  // namespace

TEST_CASE("a file may change unseen within a tick of the kernel's clock") {
    const auto fine = changed_at(123'456'789, 123'456'789);
    CHECK(is_racy(fine, later_by(150ms)));
    CHECK_FALSE(is_racy(fine, later_by(250ms)));
}

TEST_CASE("whole seconds come from a clock that has no finer ones") {
    CHECK(is_racy(changed_at(0, 0), later_by(1900ms)));
    CHECK_FALSE(is_racy(changed_at(0, 0), later_by(2100ms)));
    // FAT: it was written at a whole second, and made at one of a hundredth.
    CHECK(is_racy(changed_at(0, 370'000'000), later_by(1900ms)));
}

TEST_CASE("times of a fine clock may be round by chance") {
    // One in a million is, in milliseconds: it is no sign of a coarse clock.
    CHECK_FALSE(is_racy(changed_at(123'000'000, 123'000'000), later_by(250ms)));
    // A whole second that a program gave it (tar, rsync): the other time tells.
    CHECK_FALSE(is_racy(changed_at(0, 123'456'789), later_by(250ms)));
}
