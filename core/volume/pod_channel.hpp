// SPDX-License-Identifier: Apache-2.0
// A channel to a mover process in a pod: an exec stream, kept alive while nobody has anything to
// say.
#pragma once

#include "core/base/task_group.hpp"
#include "core/kube/exec_stream.hpp"
#include "core/volume/stream_channel.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

struct PodChannelOptions {
    std::string ns;
    std::string pod;
    std::stop_token stop;
    std::string container;             // empty: the mover's own
    std::vector<std::string> command;  // empty: the mover of a mover pod
    /// Is sent when `send` has come; then `ready` must come before the channel begins.
    ByteView program = {};
    std::string_view send = {};
    std::string_view ready = {};
};

/// The streams under a PodChannel: they must be there before it and after it.
class PodStreams {
  protected:
    PodStreams(kube::Client& client, const PodChannelOptions& options);

    /// Tells what the mover wrote to its stderr when its output ends or breaks.
    class Output : public ByteSource {
      public:
        explicit Output(kube::ExecStream& exec) : exec_(exec) {}

        std::size_t read(std::span<std::byte> buffer) override;

      private:
        [[noreturn]] void fail(const std::string& what) const;

        kube::ExecStream& exec_;
    };

    void start_program(const PodChannelOptions& options);
    void expect(std::string_view text, const PodChannelOptions& options);

    std::stop_source stop_;
    std::stop_callback<std::function<void()>> outer_stop_;
    std::unique_ptr<kube::ExecStream> exec_;
    Output output_;
};

class PodChannel : private PodStreams, public StreamChannel {
  public:
    /// Throws what open_exec throws.
    PodChannel(kube::Client& client, const PodChannelOptions& options);

  private:
    TaskGroup keep_alive_;  // last: ends before what it uses
};

}  // namespace backup::volume
