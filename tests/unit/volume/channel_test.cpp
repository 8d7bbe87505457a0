// SPDX-License-Identifier: Apache-2.0
#include "core/volume/channel.hpp"

#include "core/base/task_group.hpp"
#include "core/volume/stream_channel.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <atomic>
#include <functional>

using namespace backup;
using namespace backup::volume;
using backup::testing::error_code_of;
using backup::testing::error_of;
using backup::testing::SeededRandom;

namespace {

constexpr std::size_t kHeaderBytes = 20;

class MemorySource : public ByteSource {
  public:
    explicit MemorySource(Bytes bytes, std::size_t step = 1000)
        : bytes_(std::move(bytes)),
          step_(step) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t count = std::min({buffer.size(), step_, bytes_.size() - at_});
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, buffer.begin());
        at_ += count;
        return count;
    }

  private:
    Bytes bytes_;
    std::size_t step_;
    std::size_t at_ = 0;
};

class MemorySink : public ByteSink {
  public:
    void write(ByteView bytes) override { append(written, bytes); }

    Bytes written;
};

Message message_of(std::uint8_t type, std::string_view text) {
    return Message{type, to_bytes(as_bytes(text)), {}};
}

std::vector<Message> some_messages(SeededRandom& random) {
    std::vector<Message> messages{message_of(1, "first"), message_of(2, "")};
    Message large = message_of(7, "with blobs");
    large.blobs = {random.bytes(70'000), Bytes(), random.bytes(3)};
    messages.push_back(large);
    messages.push_back(message_of(3, "last"));
    return messages;
}

/// The bytes of a stream with these messages; the end is the peer's own end of the channel.
Bytes stream_of(const std::vector<Message>& messages) {
    MemorySource nothing{Bytes()};
    MemorySink sink;
    StreamChannel channel(nothing, sink);
    for (const Message& message : messages) {
        channel.send(message, {});
    }
    // Nobody answers the end here.
    failure_of([&] { channel.finish({}); });
    return sink.written;
}

std::vector<Message> read_all(const Bytes& stream, std::size_t step = 1000) {
    MemorySource source(stream, step);
    MemorySink sink;
    StreamChannel channel(source, sink);
    std::vector<Message> messages;
    while (auto message = channel.receive({})) {
        messages.push_back(std::move(*message));
    }
    return messages;
}

}  // namespace

TEST_CASE("a stream channel delivers messages whole and in order") {
    SeededRandom random;
    const auto messages = some_messages(random);
    const Bytes stream = stream_of(messages);
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, stream.size()}) {
        CHECK(read_all(stream, step) == messages);
    }
}

TEST_CASE("a stream that is cut anywhere is an error, never an end") {
    SeededRandom random;
    const Bytes stream = stream_of({message_of(1, "one"), message_of(2, "two")});
    for (std::size_t length = 0; length < stream.size(); ++length) {
        const Bytes cut(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(length));
        INFO("cut at " << length);
        CHECK(error_code_of([&] { return read_all(cut); }) == ErrorCode::MoverFailed);
    }
}

TEST_CASE("a stream with a flipped bit anywhere is an error") {
    const Bytes stream = stream_of({message_of(1, "one"), message_of(2, "two")});
    for (std::size_t at = 0; at < stream.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes damaged = stream;
            damaged[at] ^= static_cast<std::byte>(1U << bit);
            INFO("bit " << bit << " of byte " << at);
            // The two reserved bytes of the greeting mean nothing.
            if (at == 6 || at == 7) {
                CHECK(read_all(damaged).size() == 2);
                continue;
            }
            const ErrorCode code = error_code_of([&] { return read_all(damaged); });
            CHECK((code == ErrorCode::CorruptData || code == ErrorCode::MoverFailed));
        }
    }
}

TEST_CASE("a flipped bit in the header of a message is known before anything behind it comes") {
    // Otherwise a length that grew would be waited for as long as the peer lives.
    constexpr std::size_t greeting = 8;
    const Bytes stream = stream_of({message_of(1, "")});
    const Bytes beginning(stream.begin(), stream.begin() + greeting + kHeaderBytes);
    REQUIRE(error_code_of([&] { return read_all(beginning); }) == ErrorCode::MoverFailed);
    for (std::size_t at = greeting; at < beginning.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            Bytes damaged = beginning;
            damaged[at] ^= static_cast<std::byte>(1U << bit);
            INFO("bit " << bit << " of byte " << at);
            CHECK(error_code_of([&] { return read_all(damaged); }) == ErrorCode::CorruptData);
        }
    }
}

TEST_CASE("a message that is missing, repeated or out of order is an error") {
    const Bytes greeting_and_end = stream_of({});
    const std::size_t greeting = 8;
    const std::size_t size = kHeaderBytes + 3;
    const Bytes stream = stream_of({message_of(1, "one"), message_of(2, "two")});
    const auto part = [&](std::size_t begin, std::size_t count) {
        return ByteView(stream).subspan(begin, count);
    };
    const auto assemble = [&](std::initializer_list<ByteView> parts) {
        Bytes out = to_bytes(part(0, greeting));
        for (const ByteView bytes : parts) {
            append(out, bytes);
        }
        return out;
    };
    const ByteView one = part(greeting, size);
    const ByteView two = part(greeting + size, size);
    const ByteView end = part(greeting + 2 * size, kHeaderBytes);
    CHECK(read_all(assemble({one, two, end})).size() == 2);
    CHECK(error_code_of([&] {
              return read_all(assemble({two, one, end}));
          }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return read_all(assemble({one, end})); }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] {
              return read_all(assemble({one, one, two, end}));
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a length that lies is refused before memory is taken for it") {
    Bytes stream = stream_of({message_of(1, "one")});
    store_le(stream.data() + 8, std::uint32_t{0xfffffff0U});
    const Error error = error_of([&] { return read_all(stream); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK(error.message().find("4294967280") != std::string::npos);
}

TEST_CASE("what is no mover is told by what it says") {
    const Error error =
        error_of([] { return read_all(to_bytes(as_bytes("sh: 1: /mover/loader: not found\n"))); });
    CHECK(error.code() == ErrorCode::MoverFailed);
    CHECK(error.message().find("sh: 1: /mover/loader: not found") != std::string::npos);
}

TEST_CASE("another version of the protocol is named") {
    Bytes stream = stream_of({});
    stream[4] = std::byte{9};
    const Error error = error_of([&] { return read_all(stream); });
    CHECK(error.message().find("version 9") != std::string::npos);
}

TEST_CASE("keep-alives are not delivered") {
    MemorySource nothing{Bytes()};
    MemorySink sink;
    StreamChannel channel(nothing, sink);
    channel.send_keep_alive({});
    channel.send(message_of(4, "x"), {});
    channel.send_keep_alive({});
    failure_of([&] { channel.finish({}); });
    CHECK(read_all(sink.written) == std::vector<Message>{message_of(4, "x")});
}

TEST_CASE("a channel hears that its peer gets on, not that it only lives") {
    MemorySource nothing{Bytes()};
    MemorySink sink;
    StreamChannel peer(nothing, sink);
    const auto heard_after = [&](const std::function<void()>& say) {
        say();
        peer.send(message_of(4, "x"), {});
        MemorySource source(sink.written);
        MemorySink unused;
        StreamChannel channel(source, unused);
        while (!failure_of([&] { channel.receive({}); })) {
        }
        return channel.heard();
    };
    // Each time one more for the message behind it.
    CHECK(heard_after([] {}) == 1);
    CHECK(heard_after([&] { peer.send_keep_alive({}); }) == 2);
    CHECK(heard_after([&] { peer.show_progress(5, {}); }) == 4);
    CHECK(heard_after([&] { peer.show_progress(5, {}); }) == 5);
    CHECK(heard_after([&] { peer.send_keep_alive({}); }) == 6);
    CHECK(heard_after([&] { peer.show_progress(6, {}); }) == 8);
}

TEST_CASE("every part of a message that comes slowly is heard") {
    SeededRandom random;
    MemorySource source(stream_of({Message{4, random.bytes(50'000), {}}}), 1000);
    MemorySink unused;
    StreamChannel channel(source, unused);
    REQUIRE(channel.receive({}));
    CHECK(channel.heard() == 50);
}

TEST_CASE("a keep-alive with anything but a number in it is refused unread") {
    constexpr std::uint8_t kKeepAlive = 254;
    SeededRandom random;
    Message with_blob{kKeepAlive, {}, {random.bytes(4)}};
    for (const auto& message : {Message{kKeepAlive, random.bytes(7), {}},
                                Message{kKeepAlive, random.bytes(9), {}},
                                Message{kKeepAlive, random.bytes(70'000), {}},
                                with_blob}) {
        const Bytes stream = stream_of({message});
        CHECK(error_code_of([&] { return read_all(stream); }) == ErrorCode::CorruptData);
    }
}

TEST_CASE("a local channel hands messages over and ends in agreement") {
    auto ends = make_local_channels(2);
    TaskGroup group;
    std::vector<Message> received;
    group.start([&](const std::stop_token& stop) {
        while (auto message = ends.mover->receive(stop)) {
            received.push_back(std::move(*message));
        }
        ends.mover->finish(stop);
    });
    for (std::uint8_t i = 1; i < 100; ++i) {
        ends.client->send(message_of(i, "x"), {});
    }
    ends.client->finish({});
    group.wait();
    CHECK(received.size() == 99);
}

TEST_CASE("a local channel that is given up fails at the other end, after what was sent") {
    auto ends = make_local_channels();
    ends.client->send(message_of(1, "reason"), {});
    ends.client->abort();
    CHECK(ends.mover->receive({})->type == 1);
    CHECK(error_code_of([&] { return ends.mover->receive({}); }) == ErrorCode::MoverFailed);
    CHECK(error_code_of([&] {
              ends.mover->send(message_of(1, "x"), {});
              return 0;
          }) == ErrorCode::MoverFailed);
}

TEST_CASE("a local channel holds so many bytes only, and a sender that waits is let go by abort") {
    auto ends = make_local_channels(100);
    constexpr std::size_t kMessage = 3U << 20U;
    std::atomic<int> sent = 0;
    TaskGroup tasks;
    tasks.start([&](const std::stop_token& stop) {
        while (sent < 20) {
            ends.mover->send(Message{1, Bytes(kMessage), {}}, stop);
            ++sent;
        }
    });
    int received = 0;
    while (received < 10) {
        REQUIRE(ends.client->receive({})->size() == kMessage);
        ++received;
        // One waits in the channel; another is let in by the receipt.
        CHECK(sent <= received + 2);
    }
    ends.client->abort();
    CHECK(error_code_of([&] { tasks.wait(); }) == ErrorCode::MoverFailed);
    CHECK(sent < 20);
}

TEST_CASE("waiting in a local channel ends when stop is asked") {
    auto ends = make_local_channels(1);
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_code_of([&] { return ends.client->receive(stop.get_token()); }) ==
          ErrorCode::Interrupted);
}
