// SPDX-License-Identifier: Apache-2.0
#include "core/capture/mover_slots.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <future>

using namespace backup;
using namespace backup::capture;

namespace {

class NoMover : public volume::Mover {
  public:
    std::unique_ptr<volume::Channel> open_channel() override { return nullptr; }

    std::string path_of(std::string_view) const override { return {}; }

    bool is_block(std::string_view) const override { return false; }

    bool owns_mounts_below() const override { return false; }

    std::vector<std::string> other_volumes() const override { return {"cache"}; }

    volume::MoverEnd find_end() override { return {}; }

    volume::MoverIdentity identity() const override { return volume::MoverIdentity::Root; }

    void close() override {}
};

Error full() {
    return {ErrorCode::Forbidden, "exceeded quota: small"};
}

}  // namespace

TEST_CASE("where nobody of ours takes the room nobody is waited for") {
    MoverSlots slots;
    int starts = 0;
    const auto refuse = [&]() -> std::unique_ptr<volume::Mover> {
        ++starts;
        throw full();
    };
    CHECK(testing::error_code_of([&] { return slots.start("shop", refuse, {}) == nullptr; }) ==
          ErrorCode::Forbidden);
    const auto other = slots.start("lab", [] { return std::make_unique<NoMover>(); }, {});
    CHECK(testing::error_code_of([&] { return slots.start("shop", refuse, {}) == nullptr; }) ==
          ErrorCode::Forbidden);
    CHECK(starts == 2);
}

TEST_CASE("a mover that is still being started takes room, and is waited for") {
    MoverSlots slots;
    std::promise<void> refused;
    const auto was_refused = refused.get_future().share();
    bool is_first = true;
    std::unique_ptr<volume::Mover> second;
    TaskGroup threads;
    const auto first = slots.start("shop",
                                   [&] {
                                       threads.start([&](const std::stop_token& stop) {
                                           second = slots.start(
                                               "shop",
                                               [&]() -> std::unique_ptr<volume::Mover> {
                                                   if (std::exchange(is_first, false)) {
                                                       refused.set_value();
                                                       throw full();
                                                   }
                                                   return std::make_unique<NoMover>();
                                               },
                                               stop);
                                       });
                                       was_refused.wait();
                                       return std::make_unique<NoMover>();
                                   },
                                   {});
    first->close();
    threads.wait();
    CHECK(second != nullptr);
}

TEST_CASE("one that could not be started for another reason has made room") {
    MoverSlots slots;
    std::promise<void> refused;
    const auto was_refused = refused.get_future().share();
    bool is_first = true;
    std::unique_ptr<volume::Mover> second;
    TaskGroup threads;
    const auto failing = [&]() -> std::unique_ptr<volume::Mover> {
        threads.start([&](const std::stop_token& stop) {
            second = slots.start(
                "shop",
                [&]() -> std::unique_ptr<volume::Mover> {
                    if (std::exchange(is_first, false)) {
                        refused.set_value();
                        throw full();
                    }
                    return std::make_unique<NoMover>();
                },
                stop);
        });
        was_refused.wait();
        throw Error(ErrorCode::MoverFailed, "no image");
    };
    CHECK(testing::error_code_of([&] { return slots.start("shop", failing, {}) == nullptr; }) ==
          ErrorCode::MoverFailed);
    threads.wait();
    CHECK(second != nullptr);
}

TEST_CASE("what is known of a mover is known of one that is counted") {
    MoverSlots slots;
    const auto mover = slots.start("shop", [] { return std::make_unique<NoMover>(); }, {});
    CHECK_FALSE(mover->owns_mounts_below());
    CHECK(mover->other_volumes() == std::vector<std::string>{"cache"});
}
