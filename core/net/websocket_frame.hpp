// SPDX-License-Identifier: Apache-2.0
// The bytes of RFC 6455: client frames out, server frames in. No sockets.
#pragma once

#include "core/base/bytes.hpp"

#include <array>
#include <optional>

namespace backup::net {

enum class Opcode : std::uint8_t {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
};

using MaskKey = std::array<std::byte, 4>;

/// One whole masked frame; the payload is `head` and `tail` joined. Never fragmented: the API
/// server takes each fragment for a message (golang.org/x/net/websocket).
Bytes encode_client_frame(Opcode opcode, ByteView head, ByteView tail, MaskKey key);

struct Message {
    Opcode opcode = Opcode::Binary;
    Bytes payload;
};

/// Joins what arrives to whole messages; control frames may come between fragments. Throws
/// CorruptData on what a server may not send: masked frames, unknown opcodes, messages over the
/// limit.
class FrameDecoder {
  public:
    explicit FrameDecoder(std::uint64_t message_limit_bytes = 32U << 20U)
        : limit_(message_limit_bytes) {}

    /// Takes bytes off the front of `input`; empty when it is used up without a message complete.
    std::optional<Message> decode(ByteView& input);

  private:
    bool take_header(ByteView& input);
    void begin_frame();
    std::optional<Message> end_frame();

    static constexpr std::size_t kLongestHeader = 10;

    std::uint64_t limit_;
    std::array<std::byte, kLongestHeader> header_{};
    std::size_t header_size_ = 0;
    bool in_payload_ = false;
    bool is_final_ = false;
    Opcode opcode_ = Opcode::Continuation;
    std::uint64_t payload_left_ = 0;
    std::optional<Message> message_;  // the data message being joined
    Bytes control_;
};

}  // namespace backup::net
