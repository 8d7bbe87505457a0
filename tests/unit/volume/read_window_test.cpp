// SPDX-License-Identifier: Apache-2.0
// How far a mover goes without an answer: what a far-away client's rate depends on.
#include "core/base/task_group.hpp"
#include "core/volume/read_volume.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temp_dir.hpp"

#include <functional>

using namespace backup;
using namespace backup::volume;
using backup::testing::FakeClock;
using backup::testing::SeededRandom;
using backup::testing::TempDir;

namespace {

/// Each look at it is a second later: a rate never waits.
class HastyClock : public FakeClock {
  public:
    std::chrono::steady_clock::time_point steady_now() override {
        advance(std::chrono::seconds(1));
        return FakeClock::steady_now();
    }
};

struct Run {
    explicit Run(const TempDir& directory) {
        task.path = directory.path().string();
        task.chunker = {64U << 10U, 256U << 10U, 1U << 20U};
        task.readers = 1;
    }

    /// `client` says what it likes; then the mover is cut off.
    void with(const std::function<void(Channel&)>& client) {
        auto ends = make_local_channels(4096);
        TaskGroup mover;
        mover.start([&](const std::stop_token& stop) {
            failure_of([&] { read_volume(task, *ends.mover, clock, stop); });
        });
        client(*ends.client);
        ends.client->abort();
        mover.request_stop();
        mover.wait();
    }

    ReadTask task;
    HastyClock clock;
};

/// All regular files of a batch are wanted.
Wanted all_of(std::uint64_t batch, const Message& message) {
    Wanted wanted;
    wanted.batch = batch;
    std::uint16_t position = 0;
    for (const auto& item : decode_entries(message)) {
        if (const auto* entry = std::get_if<EntryItem>(&item)) {
            if (entry->entry.type == model::FileType::Regular && entry->entry.size > 0) {
                wanted.positions.push_back(position);
            }
            ++position;
        }
    }
    return wanted;
}

}  // namespace

TEST_CASE("entries go on while none is released") {
    TempDir directory;
    const std::string tail(240, 'x');
    for (int i = 0; i < 6000; ++i) {
        directory.write(std::to_string(100'000 + i) + tail, "");
    }
    Run run(directory);
    run.task.batches_ahead = 40;
    std::uint64_t batches = 0;
    run.with([&](Channel& client) {
        // All but the end of them.
        while (batches < 30) {
            REQUIRE(type_of(*client.receive({})) == MessageType::Entries);
            ++batches;
        }
    });
    CHECK(batches == 30);
}

TEST_CASE("content goes on while no chunk is answered for") {
    TempDir directory;
    SeededRandom random;
    constexpr std::size_t kBytes = 24U << 20U;
    directory.write("large", as_text(random.bytes(kBytes)));
    Run run(directory);
    run.task.window_bytes = 32U << 20U;
    std::uint64_t announced = 0;
    run.with([&](Channel& client) {
        client.send(encode_wanted(all_of(0, *client.receive({}))), {});
        while (announced < kBytes) {
            const auto message = client.receive({});
            REQUIRE(type_of(*message) == MessageType::Content);
            for (const auto& item : decode_content(*message).items) {
                if (const auto* chunk = std::get_if<ChunkItem>(&item)) {
                    announced += chunk->length;
                }
            }
        }
    });
    CHECK(announced == kBytes);
}

TEST_CASE("a limit of the reading changes nothing of what is read") {
    TempDir directory;
    SeededRandom random;
    directory.write("large", as_text(random.bytes(3'000'000)));
    const auto chunks_at = [&](std::uint64_t limit) {
        Run run(directory);
        run.task.read_limit = limit;
        std::vector<std::string> ids;
        run.with([&](Channel& client) {
            client.send(encode_wanted(all_of(0, *client.receive({}))), {});
            for (bool has_ended = false; !has_ended;) {
                for (const auto& item : decode_content(*client.receive({})).items) {
                    if (const auto* chunk = std::get_if<ChunkItem>(&item)) {
                        ids.push_back(to_hex(chunk->id.bytes));
                    }
                    has_ended = has_ended || std::holds_alternative<FileEnd>(item);
                }
            }
        });
        return ids;
    };
    const auto ids = chunks_at(0);
    CHECK(ids.size() > 3);
    CHECK(chunks_at(500'000) == ids);
}

TEST_CASE("a limit can be changed while a volume is read") {
    TempDir directory;
    SeededRandom random;
    directory.write("large", as_text(random.bytes(3'000'000)));
    Run run(directory);
    // At a second for each look at the clock and a byte a second: weeks.
    run.task.read_limit = 1;
    std::uint64_t announced = 0;
    run.with([&](Channel& client) {
        client.send(encode_wanted(all_of(0, *client.receive({}))), {});
        client.send(encode_number(MessageType::ReadLimit, 100U << 20U), {});
        while (announced < 3'000'000) {
            for (const auto& item : decode_content(*client.receive({})).items) {
                if (const auto* chunk = std::get_if<ChunkItem>(&item)) {
                    announced += chunk->length;
                }
            }
        }
    });
    CHECK(announced == 3'000'000);
}
