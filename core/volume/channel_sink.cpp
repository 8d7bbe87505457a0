// SPDX-License-Identifier: Apache-2.0
#include "core/volume/channel_sink.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"

#include <algorithm>

namespace backup::volume {

namespace {

constexpr std::size_t kBatchBytes = 512U << 10U;

constexpr std::uint8_t code(ItemKind kind) {
    return static_cast<std::uint8_t>(kind);
}

}  // namespace

ChannelSink::ChannelSink(Channel& channel, const WriteTask& task, std::stop_token stop)
    : channel_(channel),
      stop_(std::move(stop)) {
    send(encode_write_task(task));
}

/// Before it fails, a mover says why: that is the error, not the broken stream.
void ChannelSink::send(Message message) {
    if (const auto broken = failure_of([&] { channel_.send(std::move(message), stop_); })) {
        std::optional<Message> last;
        failure_of([&] { last = channel_.receive(stop_); });
        if (last && type_of(*last) == MessageType::Failure) {
            throw_failure(*last);
        }
        throw *broken;
    }
}

void ChannelSink::flush() {
    const Bytes plain = std::exchange(batch_, ByteWriter()).take();
    if (plain.empty()) {
        return;
    }
    auto compressed = compressor_.compress(plain);
    ByteWriter head;
    head.number(static_cast<std::uint32_t>(plain.size()));
    head.number(static_cast<std::uint8_t>(compressed ? 1 : 0));
    Message message{static_cast<std::uint8_t>(MessageType::Items), head.take(), {}};
    message.blobs.push_back(compressed ? std::move(*compressed) : plain);
    send(std::move(message));
}

ByteWriter& ChannelSink::item(std::uint8_t kind) {
    if (batch_.size() >= kBatchBytes) {
        flush();
    }
    batch_.number(kind);
    return batch_;
}

void ChannelSink::begin_directory(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::BeginDirectory)), entry);
}

void ChannelSink::end_directory() {
    item(code(ItemKind::EndDirectory));
}

void ChannelSink::begin_file(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::BeginFile)), entry);
}

void ChannelSink::write(ByteView bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.first(std::min(bytes.size(), kBatchBytes));
        item(code(ItemKind::Data)).sized(part);
        bytes = bytes.subspan(part.size());
    }
}

void ChannelSink::skip(std::uint64_t hole_bytes) {
    item(code(ItemKind::Hole)).number(hole_bytes);
}

void ChannelSink::end_file() {
    item(code(ItemKind::EndFile));
}

void ChannelSink::abandon_file(std::string_view reason) {
    item(code(ItemKind::AbandonFile)).sized(reason);
}

void ChannelSink::add(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::Node)), entry);
}

void ChannelSink::add_link(const model::FileEntry& entry, std::string_view target) {
    ByteWriter& out = item(code(ItemKind::Link));
    encode_entry(out, entry);
    out.sized(target);
}

SinkResult ChannelSink::finish() {
    flush();
    send(encode_number(MessageType::Complete, 0));
    const auto message = channel_.receive(stop_);
    if (!message) {
        throw Error(ErrorCode::MoverFailed, "the mover ended before everything was written");
    }
    if (type_of(*message) == MessageType::Failure) {
        throw_failure(*message);
    }
    if (type_of(*message) != MessageType::WriteDone) {
        throw_unexpected(*message);
    }
    SinkResult result = decode_write_done(*message);
    channel_.finish(stop_);
    return result;
}

}  // namespace backup::volume
