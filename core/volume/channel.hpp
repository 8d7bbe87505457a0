// SPDX-License-Identifier: Apache-2.0
// Ordered messages in both directions between the program beside a volume (mover) and the one that
// stores (client), in this process or through a pod. Knows nothing of what the messages mean.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

namespace backup::volume {

/// `blobs` travel beside the payload so that a channel in the same process need not copy them.
struct Message {
    std::uint8_t type = 0;  // 1..250; the others belong to the channel
    Bytes payload;
    std::vector<Bytes> blobs;

    std::size_t size() const;
    bool operator==(const Message&) const = default;
};

/// Any thread may send and abort; one thread at a time receives. An orderly end is: both sides call
/// finish(). Everything else that ends the stream is an Error.
class Channel {
  public:
    virtual ~Channel() = default;

    /// Waits while the peer does not keep up. Throws Interrupted on stop, MoverFailed when the
    /// channel is broken.
    virtual void send(Message message, std::stop_token stop) = 0;

    /// The next message; empty after the peer's orderly end. Throws MoverFailed when the stream
    /// breaks off, CorruptData when it is damaged, Interrupted on stop.
    virtual std::optional<Message> receive(std::stop_token stop) = 0;

    /// Says that nothing more comes and waits for the peer to say the same: when this returns, the
    /// peer has received everything. Throws when the peer sends anything else instead.
    void finish(const std::stop_token& stop);

    /// Shows life, and to a peer elsewhere whether this side gets on: `steps` grows with all it
    /// does. Nothing within one process. Throws what send throws.
    virtual void show_progress(std::uint64_t /*steps*/, const std::stop_token& /*stop*/) {}

    /// Grows while something comes: also with a part of a message, and when the peer shows
    /// progress, but not when it shows life only. From any thread; always 0 within one process.
    virtual std::uint64_t heard() const { return 0; }

    /// Breaks the channel: whoever waits in it throws, here and at the peer.
    virtual void abort() noexcept = 0;

  protected:
    virtual void send_end(std::stop_token stop) = 0;
};

struct LocalChannels {
    std::unique_ptr<Channel> client;
    std::unique_ptr<Channel> mover;
};

/// Two ends of one channel in this process; messages are moved, at most `capacity`, and
/// about 4 MiB of them, wait each way.
LocalChannels make_local_channels(std::size_t capacity = 16);

}  // namespace backup::volume
