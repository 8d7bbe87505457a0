// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_mover.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/volume/descriptor_stream.hpp"
#include "core/volume/serve_mover.hpp"
#include "core/volume/stream_channel.hpp"
#include "tests/support/pipe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace backup::testing {

namespace {

constexpr std::size_t kHelloBytes = 8;
constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kSequenceAt = 8;

/// Hands on whole messages, one of them damaged.
class FaultySource : public ByteSource {
  public:
    FaultySource(ByteSource& source, FrameFault fault) : source_(source), fault_(fault) {}

    std::size_t read(std::span<std::byte> buffer) override {
        if (at_ == ready_.size()) {
            load();
        }
        const auto count = std::min(buffer.size(), ready_.size() - at_);
        std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(at_), count, buffer.begin());
        at_ += count;
        return count;
    }

  private:
    void load() {
        at_ = 0;
        ready_.clear();
        if (has_ended_) {
            return;
        }
        if (!std::exchange(is_greeted_, true)) {
            take(kHelloBytes);
            return;
        }
        if (!take(kHeaderBytes) || !take(load_le<std::uint32_t>(ready_.data()))) {
            has_ended_ = true;
            return;
        }
        if (fault_.kind != FrameFault::Kind::None && number_ == fault_.message) {
            damage();
        }
        ++number_;
    }

    /// False at the end of the stream.
    bool take(std::size_t count) {
        auto filled = ready_.size();
        ready_.resize(filled + count);
        while (filled < ready_.size()) {
            const auto got = source_.read(std::span(ready_).subspan(filled));
            if (got == 0) {
                ready_.resize(filled);
                return false;
            }
            filled += got;
        }
        return true;
    }

    void damage() {
        if (fault_.was_met != nullptr) {
            *fault_.was_met = true;
        }
        switch (fault_.kind) {
            case FrameFault::Kind::None:
                break;
            case FrameFault::Kind::Cut:
                ready_.clear();
                has_ended_ = true;
                break;
            case FrameFault::Kind::Truncate:
                ready_.resize(ready_.size() / 2);
                has_ended_ = true;
                break;
            case FrameFault::Kind::Flip:
                ready_.back() ^= std::byte{0x10};
                break;
            case FrameFault::Kind::Renumber:
                ready_[kSequenceAt] ^= std::byte{1};
                break;
        }
    }

    ByteSource& source_;
    FrameFault fault_;
    Bytes ready_;
    std::size_t at_ = 0;
    int number_ = 0;
    bool is_greeted_ = false;
    bool has_ended_ = false;
};

/// What must be there before the channel and after it.
struct Streams {
    Streams(Clock& clock, const FrameFault& fault)
        : output(std::move(to_mover.write)),
          in(to_client.read.get(), wake, std::chrono::milliseconds(60'000)),
          out(output.get(), wake),
          faulty(in, fault) {
        mover.start([this, &clock](const std::stop_token& stop) { serve(clock, stop); });
    }

    void serve(Clock& clock, const std::stop_token& stop) {
        // Closed at its end, as those of a process are.
        const FileDescriptor input = std::move(to_mover.read);
        const FileDescriptor answers = std::move(to_client.write);
        volume::Interrupter mover_wake;
        volume::DescriptorStream mover_in(input.get(), mover_wake);
        volume::DescriptorStream mover_out(answers.get(), mover_wake);
        volume::StreamChannel channel(
            mover_in, mover_out, {80U << 20U, [&] { mover_wake.interrupt(); }});
        failure_of([&] { volume::serve_mover(channel, clock, stop); });
    }

    Pipe to_mover;
    Pipe to_client;
    FileDescriptor output;
    volume::Interrupter wake;
    volume::DescriptorStream in;
    volume::DescriptorStream out;
    FaultySource faulty;
    TaskGroup mover;
};

class FaultyMover : private Streams, public volume::StreamChannel {
  public:
    FaultyMover(Clock& clock, const FrameFault& fault)
        : Streams(clock, fault),
          StreamChannel(faulty, out, {80U << 20U, [this] { wake.interrupt(); }}) {}
};

}  // namespace

std::unique_ptr<volume::Channel> open_faulty_mover(Clock& clock, const FrameFault& fault) {
    // A mover that has ended closes its pipe: that is an error of the write, not the end of us.
    std::signal(SIGPIPE, SIG_IGN);
    return std::make_unique<FaultyMover>(clock, fault);
}

}  // namespace backup::testing
