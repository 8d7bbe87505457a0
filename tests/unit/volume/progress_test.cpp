// SPDX-License-Identifier: Apache-2.0
// What a mover shows of its progress while it has nothing to say (docs/mover.md section 2).
#include "core/base/queue.hpp"
#include "core/base/task_group.hpp"
#include "core/volume/read_volume.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace backup;
using namespace backup::volume;
using backup::testing::FakeClock;
using backup::testing::TempDir;

namespace {

/// The mover's end of a channel; what it shows goes into a queue.
class Watched : public Channel {
  public:
    explicit Watched(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}

    void send(Message message, std::stop_token stop) override {
        channel_->send(std::move(message), std::move(stop));
    }

    std::optional<Message> receive(std::stop_token stop) override {
        return channel_->receive(std::move(stop));
    }

    void show_progress(std::uint64_t steps, const std::stop_token& stop) override {
        shown.push(steps, stop);
    }

    void abort() noexcept override { channel_->abort(); }

    BoundedQueue<std::uint64_t> shown{100};

  protected:
    void send_end(std::stop_token) override {}

  private:
    std::unique_ptr<Channel> channel_;
};

/// Reads `task` as a client would who wants no file; how many steps that was.
std::uint64_t steps_of(const ReadTask& task, bool is_idle_then = false) {
    auto ends = make_local_channels(4096);
    Watched channel(std::move(ends.mover));
    BoundedQueue<int> pulses{100};
    FakeClock clock;
    TaskGroup mover;
    mover.start([&](const std::stop_token& stop) {
        failure_of([&] {
            read_volume(task,
                        channel,
                        clock,
                        stop,
                        [&pulses](std::chrono::nanoseconds, const std::stop_token& end) {
                            return pulses.pop(end).has_value();
                        });
        });
    });
    const auto pulse = [&] {
        pulses.push(1);
        return *channel.shown.pop();
    };
    // The end of the tree, or of the device.
    for (bool has_ended = false; !has_ended;) {
        const auto message = ends.client->receive({});
        if (type_of(*message) == MessageType::Entries && !task.is_block_device) {
            const auto items = decode_entries(*message);
            has_ended = std::holds_alternative<DirectoryEnd>(items.back());
        } else if (type_of(*message) == MessageType::Content) {
            has_ended = true;
        }
    }
    const auto steps = pulse();
    if (is_idle_then) {
        CHECK(pulse() == steps);
    }
    ends.client->abort();
    mover.wait();
    return steps;
}

}  // namespace

TEST_CASE("files that are left out are progress too") {
    TempDir directory;
    for (int i = 0; i < 500; ++i) {
        directory.write(std::to_string(i), "");
    }
    ReadTask task;
    task.path = directory.path().string();
    task.exclude = {"*"};
    CHECK(steps_of(task) >= 500);
}

TEST_CASE("a hole of a device is progress, and nothing is none") {
    TempDir directory;
    directory.write("image", "");
    std::filesystem::resize_file(directory / "image", 64U << 20U);
    ReadTask task;
    task.path = (directory / "image").string();
    task.is_block_device = true;
    CHECK(steps_of(task, true) >= 64);
}
