// SPDX-License-Identifier: Apache-2.0
#include "core/volume/stream_channel.hpp"

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::volume {

namespace {

constexpr std::size_t kHelloBytes = 8;
constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kHeaderChecksumAt = 12;
constexpr std::size_t kBodyChecksumAt = 16;
constexpr std::string_view kMagic = "KBMV";
constexpr std::uint8_t kEndType = 255;
constexpr std::uint8_t kKeepAliveType = 254;
constexpr std::size_t kStepsBytes = 8;
constexpr std::string_view kInside = "in the middle of a message";
/// Up to here one write is cheaper than several.
constexpr std::size_t kJoinedBytes = 64U << 10U;

Bytes encode_hello() {
    ByteWriter out;
    out.bytes(as_bytes(kMagic));
    out.number(kProtocolVersion);
    out.number(std::uint16_t{0});
    return out.take();
}

std::uint32_t header_checksum(ByteView header) {
    return crc32c(header.first(kHeaderChecksumAt));
}

/// Header and blob lengths, checksums filled in.
Bytes encode_head(const Message& message, std::uint32_t sequence) {
    ByteWriter out;
    const std::size_t body = message.size() + 4 * message.blobs.size();
    out.number(static_cast<std::uint32_t>(body));
    out.number(message.type);
    out.number(std::uint8_t{0});
    out.number(static_cast<std::uint16_t>(message.blobs.size()));
    out.number(sequence);
    out.number(header_checksum(out.view()));
    out.number(std::uint32_t{0});
    for (const Bytes& blob : message.blobs) {
        out.number(static_cast<std::uint32_t>(blob.size()));
    }
    Bytes head = out.take();
    std::uint32_t checksum = crc32c(ByteView(head).subspan(kHeaderBytes), header_checksum(head));
    checksum = crc32c(message.payload, checksum);
    for (const Bytes& blob : message.blobs) {
        checksum = crc32c(blob, checksum);
    }
    store_le(head.data() + kBodyChecksumAt, checksum);
    return head;
}

/// Takes the blobs off the body: lengths first, then the payload, then the blobs.
Message split_body(std::uint8_t type, std::size_t blob_count, ByteView body) {
    ByteReader reader(body, "message");
    std::vector<std::size_t> lengths(blob_count);
    std::size_t blob_bytes = 0;
    for (std::size_t& length : lengths) {
        length = reader.number<std::uint32_t>();
        blob_bytes += length;
    }
    if (blob_bytes > reader.remaining()) {
        throw Error(ErrorCode::CorruptData, "message with blobs longer than itself");
    }
    Message message;
    message.type = type;
    message.payload = to_bytes(reader.bytes(reader.remaining() - blob_bytes));
    message.blobs.reserve(blob_count);
    for (const std::size_t length : lengths) {
        message.blobs.push_back(to_bytes(reader.bytes(length)));
    }
    return message;
}

}  // namespace

StreamChannel::StreamChannel(ByteSource& source, ByteSink& sink, StreamChannelOptions options)
    : source_(source),
      options_(std::move(options)),
      outgoing_(Outgoing{&sink, 0, false}) {}

void StreamChannel::abort() noexcept {
    if (!is_aborted_.exchange(true) && options_.interrupt) {
        options_.interrupt();
    }
}

void StreamChannel::rethrow_stop(const std::stop_token& stop) const {
    if (stop.stop_requested()) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
    if (is_aborted_) {
        throw Error(ErrorCode::MoverFailed, "the transfer was given up");
    }
}

void StreamChannel::write(const Message& message, const std::stop_token& stop) {
    const std::size_t body = message.size() + 4 * message.blobs.size();
    if (body > options_.message_limit_bytes || message.blobs.size() > 0xffffU) {
        throw Error(ErrorCode::Internal, concat("message of ", body, " bytes is too long to send"));
    }
    auto outgoing = outgoing_.lock();
    rethrow_stop(stop);
    if (!outgoing->hello_sent) {
        outgoing->sink->write(encode_hello());
        outgoing->hello_sent = true;
    }
    Bytes head = encode_head(message, outgoing->sequence++);
    if (body <= kJoinedBytes) {
        append(head, message.payload);
        for (const Bytes& blob : message.blobs) {
            append(head, blob);
        }
        outgoing->sink->write(head);
        return;
    }
    outgoing->sink->write(head);
    if (!message.payload.empty()) {
        outgoing->sink->write(message.payload);
    }
    for (const Bytes& blob : message.blobs) {
        outgoing->sink->write(blob);
    }
}

void StreamChannel::send(Message message, std::stop_token stop) {
    const std::stop_callback wake(stop, [this] { abort(); });
    if (const auto error = failure_of([&] { write(message, stop); })) {
        rethrow_stop(stop);
        throw *error;
    }
}

void StreamChannel::send_end(std::stop_token stop) {
    send(Message{kEndType, {}, {}}, std::move(stop));
}

void StreamChannel::send_keep_alive(const std::stop_token& stop) {
    send(Message{kKeepAliveType, {}, {}}, stop);
}

void StreamChannel::show_progress(std::uint64_t steps, const std::stop_token& stop) {
    ByteWriter out;
    out.number(steps);
    send(Message{kKeepAliveType, out.take(), {}}, stop);
}

void StreamChannel::fail_reading(std::string_view what) const {
    throw Error(ErrorCode::MoverFailed,
                concat("the transfer broke off ", what, " (message ", next_sequence_, ")"))
        .retryable();
}

std::size_t StreamChannel::read_some(std::span<std::byte> out, std::string_view where) {
    const std::size_t count = source_.read(out);
    if (count == 0) {
        fail_reading(where);
    }
    return count;
}

void StreamChannel::read_exactly(std::span<std::byte> out) {
    std::size_t filled = 0;
    while (filled < out.size()) {
        filled += read_some(out.subspan(filled), filled == 0 ? "before its end" : kInside);
    }
}

void StreamChannel::read_hello() {
    std::array<std::byte, kHelloBytes> hello{};
    read_exactly(hello);
    if (as_text(ByteView(hello).first(kMagic.size())) != kMagic) {
        // Whatever speaks here is not our program: a shell's error text, for instance.
        std::array<std::byte, 160> more{};
        const std::size_t count = source_.read(more);
        throw Error(ErrorCode::MoverFailed,
                    concat("the other side does not speak the mover protocol: ",
                           printable(as_text(hello)),
                           printable(as_text(ByteView(more).first(count)))));
    }
    const auto version = load_le<std::uint16_t>(hello.data() + kMagic.size());
    if (version != kProtocolVersion) {
        throw Error(ErrorCode::MoverFailed,
                    concat("the other side speaks version ",
                           version,
                           " of the mover protocol, this program version ",
                           kProtocolVersion));
    }
    hello_received_ = true;
}

StreamChannel::Header StreamChannel::read_header(std::span<std::byte> raw) {
    read_exactly(raw);
    Header header;
    header.body_bytes = load_le<std::uint32_t>(raw.data());
    header.type = std::to_integer<std::uint8_t>(raw[4]);
    header.blobs = load_le<std::uint16_t>(raw.data() + 6);
    const auto sequence = load_le<std::uint32_t>(raw.data() + 8);
    if (header.body_bytes > options_.message_limit_bytes) {
        throw Error(ErrorCode::CorruptData,
                    concat("damaged transfer: message of ", header.body_bytes, " bytes"))
            .retryable();
    }
    // Before anything is waited for that a damaged length promises.
    if (header_checksum(raw) != load_le<std::uint32_t>(raw.data() + kHeaderChecksumAt)) {
        throw Error(
            ErrorCode::CorruptData,
            concat("damaged transfer: wrong checksum of the header of message ", next_sequence_))
            .retryable();
    }
    const bool is_keep_alive = header.body_bytes == 0 || header.body_bytes == kStepsBytes;
    if (header.type == kKeepAliveType && (!is_keep_alive || header.blobs != 0)) {
        throw Error(ErrorCode::CorruptData,
                    concat("damaged transfer: keep-alive of ", header.body_bytes, " bytes"))
            .retryable();
    }
    if (sequence != next_sequence_) {
        throw Error(
            ErrorCode::CorruptData,
            concat(
                "damaged transfer: message ", sequence, " where ", next_sequence_, " was expected"))
            .retryable();
    }
    return header;
}

/// The body grows with what really arrives: a lying length costs no memory.
Bytes StreamChannel::read_body(const Header& header) {
    constexpr std::size_t kStep = 1U << 20U;
    Bytes body;
    std::size_t filled = 0;
    while (filled < header.body_bytes) {
        if (filled == body.size()) {
            body.resize(std::min<std::size_t>(header.body_bytes, filled + kStep));
        }
        filled += read_some(std::span(body).subspan(filled), kInside);
        heard_ += header.type == kKeepAliveType ? 0U : 1U;
    }
    return body;
}

void StreamChannel::note_keep_alive(ByteView body) {
    if (body.empty()) {
        return;
    }
    const auto steps = load_le<std::uint64_t>(body.data());
    heard_ += steps == peer_steps_ ? 0U : 1U;
    peer_steps_ = steps;
}

Message StreamChannel::read_message() {
    if (!hello_received_) {
        read_hello();
    }
    std::array<std::byte, kHeaderBytes> raw{};
    const Header header = read_header(raw);
    Bytes body = read_body(header);
    if (crc32c(body, header_checksum(raw)) !=
        load_le<std::uint32_t>(raw.data() + kBodyChecksumAt)) {
        throw Error(ErrorCode::CorruptData,
                    concat("damaged transfer: wrong checksum of message ", next_sequence_))
            .retryable();
    }
    ++next_sequence_;
    if (header.blobs == 0) {
        return Message{header.type, std::move(body), {}};
    }
    return split_body(header.type, header.blobs, body);
}

std::optional<Message> StreamChannel::receive(std::stop_token stop) {
    const std::stop_callback wake(stop, [this] { abort(); });
    Message message;
    while (!has_ended_) {
        rethrow_stop(stop);
        if (const auto error = failure_of([&] { message = read_message(); })) {
            rethrow_stop(stop);
            throw *error;
        }
        if (message.type != kKeepAliveType && message.type != kEndType) {
            return message;
        }
        has_ended_ = message.type == kEndType;
        if (!has_ended_) {
            note_keep_alive(message.payload);
        }
    }
    return std::nullopt;
}

}  // namespace backup::volume
