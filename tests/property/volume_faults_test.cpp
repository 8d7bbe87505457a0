// SPDX-License-Identifier: Apache-2.0
// A stream between client and mover that is cut or damaged anywhere gives an error, promptly, and
// no recovery point and no half-restored success.
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/volume/descriptor_stream.hpp"
#include "core/volume/serve_mover.hpp"
#include "core/volume/stream_channel.hpp"
#include "tests/property/random_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_repository.hpp"

#include <array>
#include <csignal>
#include <functional>
#include <unistd.h>

using namespace backup;
using backup::testing::FakeClock;
using backup::testing::Pipe;
using backup::testing::SeededRandom;
using backup::testing::TempDir;

namespace {

/// Hands on what a stream says, with one fault.
class FaultySource : public ByteSource {
  public:
    enum class Fault { None, Cut, Flip };

    FaultySource(ByteSource& source, Fault fault, std::uint64_t at)
        : source_(source),
          fault_(fault),
          at_(at) {}

    std::size_t read(std::span<std::byte> buffer) override {
        if (fault_ == Fault::Cut && seen_ >= at_) {
            return 0;
        }
        if (fault_ == Fault::Cut) {
            buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), at_ - seen_));
        }
        const std::size_t count = source_.read(buffer);
        if (fault_ == Fault::Flip && at_ >= seen_ && at_ < seen_ + count) {
            buffer[at_ - seen_] ^= std::byte{0x10};
        }
        seen_ += count;
        return count;
    }

    std::uint64_t seen() const { return seen_; }

  private:
    ByteSource& source_;
    Fault fault_;
    std::uint64_t at_;
    std::uint64_t seen_ = 0;
};

struct Outcome {
    std::optional<Error> error;
    std::uint64_t bytes = 0;  // that the client got
    capture::CapturedVolume volume;
};

struct Fixture {
    Fixture()
        : repository(backup::testing::open_tiny_repository(
              backend, backup::testing::init_tiny_repository(backend, random, clock))),
          chunks(repository) {}

    /// A backup over two pipes; the mover is a thread with nothing but its ends of them.
    Outcome capture(const std::filesystem::path& path,
                    FaultySource::Fault fault,
                    std::uint64_t at) {
        Pipe to_mover;
        Pipe to_client;
        volume::Interrupter client_wake;
        volume::Interrupter mover_wake;
        TaskGroup mover;
        mover.start([&](const std::stop_token& stop) {
            // Closed at its end, as those of a process are.
            const FileDescriptor input = std::move(to_mover.read);
            const FileDescriptor output = std::move(to_client.write);
            volume::DescriptorStream in(input.get(), mover_wake);
            volume::DescriptorStream out(output.get(), mover_wake);
            volume::StreamChannel channel(in, out, {80U << 20U, [&] { mover_wake.interrupt(); }});
            failure_of([&] { volume::serve_mover(channel, clock, stop); });
        });
        Outcome outcome;
        {
            const FileDescriptor output = std::move(to_mover.write);
            volume::DescriptorStream in(
                to_client.read.get(), client_wake, std::chrono::milliseconds(60'000));
            volume::DescriptorStream out(output.get(), client_wake);
            FaultySource faulty(in, fault, at);
            volume::StreamChannel channel(
                faulty, out, {80U << 20U, [&] { client_wake.interrupt(); }});
            repository::Writer writer(repository, chunks, random, clock);
            capture::VolumeCapture options{repository, writer, clock, {}, {}};
            options.source.path = path.string();
            outcome.error =
                failure_of([&] { outcome.volume = capture::capture_volume(channel, options, {}); });
            outcome.bytes = faulty.seen();
        }
        to_client.read.close();
        mover.wait();
        return outcome;
    }

    SeededRandom random;
    FakeClock clock{"2099-01-01T00:00:00Z"};
    backend::MemoryBackend backend;
    repository::Repository repository;
    repository::ChunkStore chunks;
};

}  // namespace

TEST_CASE("a faulty stream from the mover is an error wherever the fault is") {
    std::signal(SIGPIPE, SIG_IGN);
    Fixture fixture;
    const TempDir source;
    backup::testing::make_random_files(source.path(), fixture.random);
    const Outcome whole = fixture.capture(source.path(), FaultySource::Fault::None, 0);
    REQUIRE_FALSE(whole.error);
    CHECK(whole.volume.record.files_unreadable == 0);
    REQUIRE(whole.bytes > 1000);
    int faults = 0;
    // Its own: how many numbers a run draws depends on how far it got.
    SeededRandom places(backup::testing::test_seed() + 1);
    for (int round = 0; round < 60; ++round) {
        const auto fault = round % 2 == 0 ? FaultySource::Fault::Cut : FaultySource::Fault::Flip;
        // The greeting has two bytes that mean nothing; the length of a run varies with its timing.
        const std::uint64_t at = 8 + places.below(whole.bytes * 3 / 4 - 8);
        const Outcome outcome = fixture.capture(source.path(), fault, at);
        INFO("fault " << round % 2 << " at " << at << " of " << whole.bytes);
        const auto first_bad = fault == FaultySource::Fault::Cut ? at : at + 1;
        if (outcome.bytes < first_bad) {
            // A run that finds what an earlier one stored is sent less, and ended before the fault.
            continue;
        }
        ++faults;
        REQUIRE(outcome.error);
        CHECK((outcome.error->code() == ErrorCode::MoverFailed ||
               outcome.error->code() == ErrorCode::CorruptData));
    }
}

TEST_CASE("the root that is missing is told by the mover") {
    std::signal(SIGPIPE, SIG_IGN);
    Fixture fixture;
    const Outcome outcome = fixture.capture("/no/such/directory", FaultySource::Fault::None, 0);
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == ErrorCode::NotFound);
    CHECK(outcome.error->message().find("/no/such/directory") != std::string::npos);
}
