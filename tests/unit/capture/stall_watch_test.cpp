// SPDX-License-Identifier: Apache-2.0
// A volume whose file system has stopped to answer, and all that only looks like one.
#include "core/capture/stall_watch.hpp"

#include "core/base/queue.hpp"
#include "core/base/task_group.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/volume/protocol.hpp"
#include "core/volume/stream_channel.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

using namespace backup;
using namespace backup::capture;
using backup::testing::FakeClock;
using backup::testing::SeededRandom;
using std::chrono::minutes;

namespace {

class Peer : public volume::Channel {
  public:
    void send(volume::Message, std::stop_token) override {}

    std::optional<volume::Message> receive(std::stop_token) override { return std::nullopt; }

    std::uint64_t heard() const override { return progress; }

    void abort() noexcept override {}

    std::uint64_t progress = 0;

  protected:
    void send_end(std::stop_token) override {}
};

/// A watch in a time that passes only between its looks; after `longest` the reading is over.
struct Scene {
    /// What the reading ended with. `at_look` is what happens meanwhile.
    std::optional<Error> watch_for(std::chrono::nanoseconds longest,
                                   const std::function<void()>& at_look) {
        const auto end = clock.steady_now() + longest;
        StallOptions options;
        options.sleep = [&](std::chrono::nanoseconds pause, const std::stop_token& stop) {
            clock.advance(pause);
            if (clock.steady_now() > end) {
                watch->close();
            }
            at_look();
            return !stop.stop_requested();
        };
        watch.emplace(options);
        return failure_of([this] { watch->run(peer, {}); });
    }

    void wait() {
        if (!waiting) {
            waiting.emplace(&*watch);
        }
    }

    std::chrono::nanoseconds passed() { return clock.steady_now().time_since_epoch(); }

    FakeClock clock;
    Peer peer;
    std::optional<StallWatch> watch;
    std::optional<StallWatch::Waiting> waiting;
};

}  // namespace

TEST_CASE("a mover that is silent for ten minutes has a volume that does not answer") {
    Scene scene;
    const auto failure = scene.watch_for(minutes(100), [&] { scene.wait(); });
    REQUIRE(failure);
    CHECK(failure->code() == ErrorCode::TimedOut);
    CHECK(failure->message() ==
          "nothing could be read from the volume for 10 minutes: its file system does not answer");
    CHECK_FALSE(failure->is_retryable());
    CHECK(scene.watch->has_stalled());
    CHECK(scene.passed() >= minutes(10));
    CHECK(scene.passed() < minutes(11));
}

TEST_CASE("a mover that gets on may have nothing to say for days") {
    Scene scene;
    int looks = 0;
    const auto failure = scene.watch_for(std::chrono::hours(72), [&] {
        scene.wait();
        scene.peer.progress += ++looks % 29 == 0 ? 1U : 0U;
    });
    CHECK_FALSE(failure);
    CHECK(scene.passed() > std::chrono::hours(71));
}

TEST_CASE("what the mover had read before it stood still does not count") {
    Scene scene;
    const auto failure = scene.watch_for(minutes(100), [&] {
        scene.wait();
        scene.peer.progress += scene.passed() < minutes(50) ? 1U : 0U;
    });
    REQUIRE(failure);
    CHECK(failure->code() == ErrorCode::TimedOut);
    CHECK(scene.passed() >= minutes(59));
    CHECK(scene.passed() < minutes(61));
}

TEST_CASE("messages count where the channel tells nothing of their parts") {
    Scene scene;
    int looks = 0;
    const auto failure = scene.watch_for(minutes(100), [&] {
        if (++looks % 29 == 0) {
            scene.waiting.reset();
        }
        scene.wait();
    });
    CHECK_FALSE(failure);
}

TEST_CASE("a client that is busy itself does not blame the volume") {
    Scene scene;
    const auto failure = scene.watch_for(minutes(100), [&] {
        // Busy with one message for 80 minutes, and then waiting anew.
        if (scene.passed() >= minutes(80)) {
            scene.wait();
        }
    });
    REQUIRE(failure);
    CHECK(scene.passed() >= minutes(89));
    CHECK(scene.passed() < minutes(91));
}

namespace {

/// Bytes that are all there; then silence until somebody interrupts it.
class QuietSource : public ByteSource {
  public:
    explicit QuietSource(Bytes bytes) : bytes_(std::move(bytes)) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const auto count = std::min(buffer.size(), bytes_.size() - at_);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, buffer.begin());
        at_ += count;
        if (count == 0) {
            silence_.pop();
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        return count;
    }

    void interrupt() { silence_.close(); }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
    BoundedQueue<int> silence_{1};
};

class MemorySink : public ByteSink {
  public:
    void write(ByteView bytes) override { append(written, bytes); }

    Bytes written;
};

struct Reading {
    CapturedVolume capture(volume::Channel& channel, StallWatch& watch, Progress* progress) {
        VolumeCapture options{repository, writer, clock, {}, {}};
        options.stall_watch = &watch;
        options.progress = progress;
        return capture_volume(channel, options, {});
    }

    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    repository::Repository repository = testing::open_tiny_repository(
        backend, testing::init_tiny_repository(backend, random, clock));
    repository::ChunkStore chunks{repository};
    repository::Writer writer{repository, chunks, random, clock};
};

/// Does not end before the watch has looked a hundred times, or found fault.
class SlowProgress : public NullProgress {
  public:
    void advance(std::uint64_t, std::uint64_t) override {
        const int end = looks + kLooks;
        for (int i = 0; i < kLooks; ++i) {
            ticks.push(i);
        }
        while (looks < end && !watch->has_stalled()) {
            std::this_thread::yield();
        }
        was_slow = true;
    }

    StallOptions options() {
        StallOptions made;
        made.sleep = [this](std::chrono::nanoseconds, const std::stop_token& stop) {
            ++looks;
            return ticks.pop(stop).has_value();
        };
        return made;
    }

    static constexpr int kLooks = 100;
    BoundedQueue<int> ticks{kLooks};
    std::atomic<int> looks = 0;
    std::atomic<bool> was_slow = false;
    StallWatch* watch = nullptr;
};

model::FileEntry entry(std::string name, model::FileType type) {
    model::FileEntry made;
    made.name = std::move(name);
    made.type = type;
    return made;
}

std::vector<volume::WalkItem> small_tree() {
    return {volume::EntryItem{entry({}, model::FileType::Directory), std::nullopt, {}},
            volume::EntryItem{entry("a", model::FileType::Regular), std::nullopt, {}},
            volume::DirectoryEnd{}};
}

}  // namespace

TEST_CASE("a volume is given up when its mover only shows that it lives") {
    QuietSource nothing{Bytes()};
    MemorySink said;
    volume::StreamChannel mover(nothing, said);
    mover.send(volume::encode_entries({small_tree().front()}), {});
    for (int i = 0; i < 5; ++i) {
        mover.show_progress(7, {});
    }
    QuietSource source(said.written);
    MemorySink heard;
    volume::StreamChannel client(source, heard, {1U << 20U, [&source] { source.interrupt(); }});
    StallOptions options;
    options.sleep = [](std::chrono::nanoseconds, const std::stop_token& stop) {
        return !stop.stop_requested();
    };
    StallWatch watch(options);
    Reading reading;
    const auto failure = failure_of([&] { reading.capture(client, watch, nullptr); });
    REQUIRE(failure);
    CHECK(failure->code() == ErrorCode::TimedOut);
    CHECK(watch.has_stalled());
}

TEST_CASE("a volume is read, however slow the client is with what it got") {
    auto ends = volume::make_local_channels();
    TaskGroup mover;
    mover.start([&](const std::stop_token& stop) {
        ends.mover->send(volume::encode_entries(small_tree()), stop);
        ends.mover->send(volume::encode_finished({1, 2, 3}), stop);
        ends.mover->finish(stop);
    });
    SlowProgress progress;
    StallWatch watch(progress.options());
    progress.watch = &watch;
    Reading reading;
    const auto failure = failure_of([&] { reading.capture(*ends.client, watch, &progress); });
    ends.client->abort();
    CHECK_FALSE(failure);
    CHECK(progress.was_slow);
    CHECK(progress.looks >= SlowProgress::kLooks);
}
