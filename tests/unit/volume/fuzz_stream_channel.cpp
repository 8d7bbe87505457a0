// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/volume/stream_channel.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace backup;

namespace {

class Source : public ByteSource {
  public:
    explicit Source(ByteView bytes) : bytes_(bytes) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min(buffer.size(), bytes_.size());
        std::copy_n(bytes_.begin(), count, buffer.begin());
        bytes_ = bytes_.subspan(count);
        return count;
    }

  private:
    ByteView bytes_;
};

class Sink : public ByteSink {
  public:
    void write(ByteView) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Source source(std::as_bytes(std::span(data, size)));
    Sink sink;
    volume::StreamChannel channel(source, sink);
    std::size_t received = 0;
    try {
        while (const auto message = channel.receive({})) {
            received += message->size();
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::CorruptData && error.code() != ErrorCode::MoverFailed) {
            std::abort();
        }
    }
    // A message cannot be longer than what carried it.
    if (received > size) {
        std::abort();
    }
    return 0;
}
