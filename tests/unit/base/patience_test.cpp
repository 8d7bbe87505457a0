// SPDX-License-Identifier: Apache-2.0
#include "core/base/patience.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

namespace backup::testing {
namespace {

ErrorCode code_of_waiting() {
    return error_code_of([] {
        need_patience();
        return 0;
    });
}

TEST_CASE("a thread may wait unless it said that it must not") {
    need_patience();
    {
        const Impatience impatience;
        CHECK_FALSE(impatience.was_tried());
        CHECK(code_of_waiting() == ErrorCode::Interrupted);
        CHECK(impatience.was_tried());
        // It is of this thread only.
        TaskGroup others;
        others.start([](const std::stop_token&) { need_patience(); });
        others.wait();
    }
    need_patience();
    const Impatience again;
    CHECK_FALSE(again.was_tried());
}

TEST_CASE("patience ends when nobody waits any more") {
    bool is_over = false;
    {
        const PatienceLimit limit([&is_over] { return is_over; });
        need_patience();
        is_over = true;
        CHECK(code_of_waiting() == ErrorCode::Interrupted);
        // It is of this thread only.
        TaskGroup others;
        others.start([](const std::stop_token&) { need_patience(); });
        others.wait();
        is_over = false;
        need_patience();
        const Impatience impatience;
        CHECK(code_of_waiting() == ErrorCode::Interrupted);
        CHECK(impatience.was_tried());
        is_over = true;
    }
    need_patience();
}

}  // namespace
}  // namespace backup::testing
