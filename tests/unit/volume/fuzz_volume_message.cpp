// SPDX-License-Identifier: Apache-2.0
// Byte 0: the type; byte 1: how many blobs share the rest; then the payload.
#include "core/base/error.hpp"
#include "core/volume/protocol.hpp"

#include <cstdint>
#include <cstdlib>

using namespace backup;
using namespace backup::volume;

namespace {

Message message_from(ByteView bytes) {
    Message message;
    if (bytes.size() < 2) {
        return message;
    }
    message.type = std::to_integer<std::uint8_t>(bytes[0]);
    const std::size_t blobs = std::to_integer<std::size_t>(bytes[1]) % 4;
    const ByteView rest = bytes.subspan(2);
    const std::size_t blob_bytes = blobs == 0 ? 0 : rest.size() / 2 / blobs;
    message.payload = to_bytes(rest.first(rest.size() - blobs * blob_bytes));
    for (std::size_t i = 0; i < blobs; ++i) {
        message.blobs.push_back(
            to_bytes(rest.subspan(message.payload.size() + i * blob_bytes, blob_bytes)));
    }
    return message;
}

void decode(Message message) {
    switch (type_of(message)) {
        case MessageType::ReadTask:
            decode_read_task(message);
            break;
        case MessageType::WriteTask:
            decode_write_task(message);
            break;
        case MessageType::Entries:
            // What was let through means the same when it is encoded again.
            if (!message.payload.empty() && encode_entries(decode_entries(message)).payload.size() >
                                                2 * message.payload.size()) {
                std::abort();
            }
            break;
        case MessageType::Wanted:
            decode_wanted(message);
            break;
        case MessageType::Content:
            decode_content(message);
            break;
        case MessageType::Missing:
            decode_missing(message);
            break;
        case MessageType::Frames:
            content::check_group(decode_frames(std::move(message)), 1U << 20U);
            break;
        case MessageType::Finished:
            decode_finished(message);
            break;
        case MessageType::WriteDone:
            decode_write_done(message);
            break;
        case MessageType::Failure:
            throw_failure(message);
        default:
            decode_number(message);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        decode(message_from(std::as_bytes(std::span(data, size))));
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
