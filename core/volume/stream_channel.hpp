// SPDX-License-Identifier: Apache-2.0
// A channel over two byte streams (the stdin and stdout of an exec, two pipes). Exec streams lose
// their tail without a word, so every message carries a sequence number and a checksum and the end
// is agreed on. The bytes are described in docs/mover.md section 2.
#pragma once

#include "core/base/stream.hpp"
#include "core/base/synchronized.hpp"
#include "core/volume/channel.hpp"

#include <atomic>
#include <functional>

namespace backup::volume {

inline constexpr std::uint16_t kProtocolVersion = 2;

struct StreamChannelOptions {
    /// A longer message is an error before anything is allocated for it.
    std::uint32_t message_limit_bytes = 80U << 20U;
    /// Makes reads and writes that wait in the streams fail at once; called by abort() and on stop.
    std::function<void()> interrupt;
};

class StreamChannel : public Channel {
  public:
    /// Nothing is read or written before the first send or receive. The streams must outlive this;
    /// reading and writing them must be possible at the same time from two threads.
    StreamChannel(ByteSource& source, ByteSink& sink, StreamChannelOptions options = {});

    void send(Message message, std::stop_token stop) override;
    std::optional<Message> receive(std::stop_token stop) override;
    void show_progress(std::uint64_t steps, const std::stop_token& stop) override;

    std::uint64_t heard() const override { return heard_; }

    void abort() noexcept override;

    /// A message without content that only shows life: nothing that receive() gives or heard()
    /// counts.
    void send_keep_alive(const std::stop_token& stop);

  protected:
    void send_end(std::stop_token stop) override;

  private:
    struct Outgoing {
        ByteSink* sink = nullptr;
        std::uint32_t sequence = 0;
        bool hello_sent = false;
    };

    struct Header {
        std::uint32_t body_bytes = 0;
        std::uint8_t type = 0;
        std::uint16_t blobs = 0;
    };

    void write(const Message& message, const std::stop_token& stop);
    void read_hello();
    Header read_header(std::span<std::byte> raw);
    Message read_message();
    Bytes read_body(const Header& header);
    void note_keep_alive(ByteView body);
    std::size_t read_some(std::span<std::byte> out, std::string_view where);
    void read_exactly(std::span<std::byte> out);
    [[noreturn]] void fail_reading(std::string_view what) const;
    void rethrow_stop(const std::stop_token& stop) const;

    ByteSource& source_;
    StreamChannelOptions options_;
    Synchronized<Outgoing> outgoing_;
    std::uint32_t next_sequence_ = 0;
    bool hello_received_ = false;
    bool has_ended_ = false;
    std::uint64_t peer_steps_ = 0;
    std::atomic<std::uint64_t> heard_ = 0;
    std::atomic<bool> is_aborted_ = false;
};

}  // namespace backup::volume
