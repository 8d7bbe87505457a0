// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/net/websocket_frame.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t limit = 4096;
    const auto bytes = std::as_bytes(std::span(data, size));
    backup::net::FrameDecoder whole(limit);
    backup::net::FrameDecoder cut(limit);
    try {
        backup::ByteView rest = bytes;
        while (const auto message = whole.decode(rest)) {
            if (message->payload.size() > limit) {
                std::abort();
            }
        }
        if (!rest.empty()) {
            std::abort();
        }
        for (std::size_t i = 0; i < size; ++i) {
            backup::ByteView one = bytes.subspan(i, 1);
            static_cast<void>(cut.decode(one));
        }
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::CorruptData) {
            std::abort();
        }
    }
    return 0;
}
