// SPDX-License-Identifier: Apache-2.0
#include "core/net/websocket_frame.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace backup::net {

namespace {

constexpr std::uint64_t kLongestControl = 125;
// A hostile length must not make us reserve memory that never gets filled.
constexpr std::uint64_t kMostReserved = 1U << 20U;

[[noreturn]] void fail(const char* what) {
    throw Error(ErrorCode::CorruptData, what);
}

bool is_control(Opcode opcode) {
    return (static_cast<unsigned>(opcode) & 0x8U) != 0;
}

void append_masked(Bytes& out, ByteView payload, const MaskKey& key, std::size_t phase) {
    const auto begin = out.size();
    out.resize(begin + payload.size());
    std::array<std::byte, 8> pattern;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        pattern[i] = key[(phase + i) % key.size()];
    }
    std::uint64_t wide = 0;
    std::memcpy(&wide, pattern.data(), sizeof wide);
    auto* to = out.data() + begin;
    std::size_t i = 0;
    for (; i + sizeof wide <= payload.size(); i += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, payload.data() + i, sizeof word);
        word ^= wide;
        std::memcpy(to + i, &word, sizeof word);
    }
    for (; i < payload.size(); ++i) {
        to[i] = payload[i] ^ pattern[i % pattern.size()];
    }
}

std::uint64_t load_be(const std::byte* in, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value = (value << 8U) | std::to_integer<std::uint64_t>(in[i]);
    }
    return value;
}

}  // namespace

Bytes encode_client_frame(Opcode opcode, ByteView head, ByteView tail, MaskKey key) {
    constexpr auto final_bit = std::byte{0x80};
    constexpr unsigned mask_bit = 0x80;
    const std::uint64_t size = head.size() + tail.size();
    Bytes frame;
    frame.reserve(14 + size);
    frame.push_back(final_bit | static_cast<std::byte>(opcode));
    std::size_t length_bytes = 0;
    if (size < 126) {
        frame.push_back(static_cast<std::byte>(mask_bit | size));
    } else if (size < 65536) {
        frame.push_back(static_cast<std::byte>(mask_bit | 126U));
        length_bytes = 2;
    } else {
        frame.push_back(static_cast<std::byte>(mask_bit | 127U));
        length_bytes = 8;
    }
    for (std::size_t i = length_bytes; i-- > 0;) {
        frame.push_back(static_cast<std::byte>((size >> (8 * i)) & 0xffU));
    }
    append(frame, key);
    append_masked(frame, head, key, 0);
    append_masked(frame, tail, key, head.size());
    return frame;
}

std::optional<Message> FrameDecoder::decode(ByteView& input) {
    while (true) {
        if (!in_payload_ && !take_header(input)) {
            return std::nullopt;
        }
        const auto count = std::min<std::uint64_t>(payload_left_, input.size());
        append(is_control(opcode_) ? control_ : message_->payload, input.first(count));
        input = input.subspan(count);
        payload_left_ -= count;
        if (payload_left_ != 0) {
            return std::nullopt;
        }
        if (auto message = end_frame()) {
            return message;
        }
    }
}

bool FrameDecoder::take_header(ByteView& input) {
    const auto wanted = [this]() -> std::size_t {
        if (header_size_ < 2) {
            return 2;
        }
        const auto length = std::to_integer<unsigned>(header_[1]) & 0x7fU;
        return length == 126 ? 4 : length == 127 ? 10 : 2;
    };
    while (header_size_ < wanted()) {
        if (input.empty()) {
            return false;
        }
        header_[header_size_++] = input.front();
        input = input.subspan(1);
    }
    begin_frame();
    return true;
}

void FrameDecoder::begin_frame() {
    const auto first = std::to_integer<unsigned>(header_[0]);
    const auto second = std::to_integer<unsigned>(header_[1]);
    if ((first & 0x70U) != 0 || (second & 0x80U) != 0) {
        fail("the server sent a WebSocket frame with reserved or mask bits");
    }
    payload_left_ =
        header_size_ == 2 ? (second & 0x7fU) : load_be(header_.data() + 2, header_size_ - 2);
    is_final_ = (first & 0x80U) != 0;
    opcode_ = static_cast<Opcode>(first & 0xfU);
    header_size_ = 0;
    in_payload_ = true;
    switch (opcode_) {
        case Opcode::Close:
        case Opcode::Ping:
        case Opcode::Pong:
            if (!is_final_ || payload_left_ > kLongestControl) {
                fail("the server sent a WebSocket control frame that is too long");
            }
            control_.clear();
            return;
        case Opcode::Text:
        case Opcode::Binary:
            if (message_) {
                fail("the server began a WebSocket message inside another");
            }
            message_ = Message{opcode_, {}};
            break;
        case Opcode::Continuation:
            if (!message_) {
                fail("the server continued a WebSocket message that never began");
            }
            break;
        default:
            fail("the server sent a WebSocket frame of an unknown kind");
    }
    if (payload_left_ > limit_ || message_->payload.size() + payload_left_ > limit_) {
        fail("the server sent a WebSocket message over the size limit");
    }
    message_->payload.reserve(message_->payload.size() + std::min(payload_left_, kMostReserved));
}

std::optional<Message> FrameDecoder::end_frame() {
    in_payload_ = false;
    if (is_control(opcode_)) {
        return Message{opcode_, std::exchange(control_, {})};
    }
    return is_final_ ? std::exchange(message_, std::nullopt) : std::nullopt;
}

}  // namespace backup::net
