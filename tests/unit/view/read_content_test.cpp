// SPDX-License-Identifier: Apache-2.0
#include "core/view/read_content.hpp"

#include "core/base/retry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/meeting.hpp"
#include "tests/unit/view/chunked_node.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

using namespace backup;
using backup::testing::ChunkedNode;
using backup::testing::make_chunked_node;
using backup::testing::Meeting;
using view::ContentReading;
using view::ContentRun;
using view::read_content;

namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

ContentReading reading_ahead(bool is_ahead) {
    ContentReading reading;
    reading.is_ahead = is_ahead;
    return reading;
}

/// Holes as so many dots.
struct Shown {
    std::string text;
    std::optional<Error> failure;
};

Shown show(view::Node& node, std::uint64_t size, bool is_ahead, const std::stop_token& stop = {}) {
    Shown shown;
    auto reading = reading_ahead(is_ahead);
    shown.failure = read_content(node, size, reading, stop, [&](const ContentRun& run) {
        shown.text.append(run.hole_bytes, '.');
        for (const auto& piece : run.data) {
            shown.text += as_text(piece.bytes);
        }
    });
    return shown;
}

std::string first_bytes(testing::FakeNode& node, std::uint64_t size) {
    std::string text(size, '\0');
    node.testing::FakeNode::read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return text;
}

/// As often as makes it a long file, which another thread reads.
std::string stretch(const std::string& text, bool is_long) {
    std::string out;
    for (const char letter : text) {
        out.append(is_long ? 16 * kMiB / text.size() + 1 : 1, letter);
    }
    return out;
}

/// Digits are data, dots are holes.
class SparseNode : public testing::FakeNode {
  public:
    explicit SparseNode(const std::string& text)
        : FakeNode(model::FileType::Regular, text),
          text_(text) {}

    std::optional<std::uint64_t> seek_data(std::uint64_t offset) override {
        const auto at = text_.find_first_not_of('.', offset);
        return at == std::string::npos ? std::nullopt : std::optional<std::uint64_t>(at);
    }

    std::uint64_t seek_hole(std::uint64_t offset) override {
        return std::min(text_.find('.', offset), text_.size());
    }

  private:
    std::string text_;
};

/// Says nonsense of where its data is: the first run ends at a half.
class LyingNode : public testing::FakeNode {
  public:
    LyingNode(const std::string& text, std::uint64_t data, std::uint64_t hole)
        : FakeNode(model::FileType::Regular, text),
          half_(text.size() / 2),
          data_(data),
          hole_(hole) {}

    std::optional<std::uint64_t> seek_data(std::uint64_t offset) override {
        return offset == 0 ? offset : data_;
    }

    std::uint64_t seek_hole(std::uint64_t offset) override { return offset == 0 ? half_ : hole_; }

  private:
    std::uint64_t half_;
    std::uint64_t data_;
    std::uint64_t hole_;
};

/// Gives three bytes of each chunk.
class ShortNode : public ChunkedNode {
  public:
    using ChunkedNode::ChunkedNode;

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        return ChunkedNode::read(offset, out.first(std::min<std::size_t>(out.size(), 3)));
    }
};

/// Nobody may ask where its holes are.
class UnsoughtNode : public ChunkedNode {
  public:
    using ChunkedNode::ChunkedNode;

    std::optional<std::uint64_t> seek_data(std::uint64_t) override { throw asked(); }

    std::uint64_t seek_hole(std::uint64_t) override { throw asked(); }

  private:
    static Error asked() { return {ErrorCode::CorruptData, "an extent page is damaged"}; }
};

}  // namespace

TEST_CASE("all of a file is read by its chunks, ahead or not") {
    const bool is_ahead = GENERATE(false, true);
    const auto size = GENERATE(std::uint64_t{0}, std::uint64_t{1}, 9 * kMiB + 7, 40 * kMiB + 7);
    const auto node = make_chunked_node(size);
    const auto shown = show(*node, size, is_ahead);
    CHECK_FALSE(shown.failure);
    CHECK(node->was_read_by_chunks());
    CHECK(shown.text.size() == size);
    CHECK((shown.text == as_text(node->testing::FakeNode::collect(0, size).front().bytes)));
}

TEST_CASE("holes come as holes, wherever they are") {
    const bool is_ahead = GENERATE(false, true);
    const auto text = stretch(
        GENERATE(as<std::string>(), "..12..3.", "1", "....", "1..2", "..", "12."), is_ahead);
    SparseNode node(text);
    const auto shown = show(node, text.size(), is_ahead);
    CHECK_FALSE(shown.failure);
    CHECK((shown.text == text));
}

TEST_CASE("a long file is read while what came before is used") {
    const auto node = make_chunked_node(40 * kMiB);
    Meeting meeting(2);
    int reads = 0;
    node->on_read = [&] {
        if (++reads == 2) {
            meeting.arrive();
        }
    };
    auto reading = reading_ahead(true);
    int runs = 0;
    const auto failure = read_content(*node, 40 * kMiB, reading, {}, [&](const ContentRun&) {
        if (++runs == 1) {
            meeting.arrive();
        }
    });
    CHECK_FALSE(failure);
    CHECK(meeting.has_met());
}

TEST_CASE("what is read ahead and not yet used is bounded") {
    const auto node = make_chunked_node(40 * kMiB);
    std::atomic<int> reads{0};
    node->on_read = [&] { ++reads; };
    auto reading = reading_ahead(true);
    int runs = 0;
    int most = 0;
    const auto failure = read_content(*node, 40 * kMiB, reading, {}, [&](const ContentRun&) {
        most = std::max(most, reads.load() - ++runs);
        sleep_for(std::chrono::milliseconds(2), {});
    });
    CHECK_FALSE(failure);
    CHECK(runs > 10);
    // One waits, and one may have been read that found no room.
    CHECK(most <= 2);
}

TEST_CASE("what was read before a failure is given, and the failure told") {
    const bool is_ahead = GENERATE(false, true);
    const auto node = make_chunked_node(40 * kMiB);
    int reads = 0;
    node->on_read = [&] {
        if (++reads == 4) {
            throw Error(ErrorCode::CorruptData, "chunk 4 is damaged");
        }
    };
    const auto shown = show(*node, 40 * kMiB, is_ahead);
    REQUIRE(shown.failure);
    CHECK(shown.failure->code() == ErrorCode::CorruptData);
    CHECK(shown.failure->message() == "chunk 4 is damaged");
    // What is on its way in the other thread is not lost.
    const auto before = node->piece_end(node->piece_end(node->piece_end(0)));
    CHECK(shown.text.size() == before);
    CHECK((shown.text == first_bytes(*node, before)));
    CHECK(reads == 5);  // first_bytes() is one
}

TEST_CASE("a failure that is no Error comes out too") {
    const bool is_ahead = GENERATE(false, true);
    const auto node = make_chunked_node(40 * kMiB);
    int reads = 0;
    node->on_read = [&] {
        if (++reads == 4) {
            throw std::runtime_error("no memory");
        }
    };
    CHECK_THROWS_AS(show(*node, 40 * kMiB, is_ahead), std::runtime_error);
}

TEST_CASE("a failure of who uses the content comes out, and nothing is read for long") {
    const bool is_ahead = GENERATE(false, true);
    const auto node = make_chunked_node(40 * kMiB);
    int reads = 0;
    node->on_read = [&] { ++reads; };
    auto reading = reading_ahead(is_ahead);
    int runs = 0;
    CHECK_THROWS_AS(read_content(*node,
                                 40 * kMiB,
                                 reading,
                                 {},
                                 [&](const ContentRun&) {
                                     if (++runs == 3) {
                                         throw Error(ErrorCode::NoSpace, "the disk is full");
                                     }
                                 }),
                    Error);
    CHECK(runs == 3);
    CHECK(reads <= 6);
}

TEST_CASE("reading ends where it is asked to stop") {
    const bool is_ahead = GENERATE(false, true);
    const auto node = make_chunked_node(40 * kMiB);
    std::stop_source stop;
    int reads = 0;
    // At the last one too: what is cut short must not look like all of it.
    const int last = GENERATE(1, 5, 23);
    node->on_read = [&] {
        if (++reads == last) {
            stop.request_stop();
        }
    };
    const auto shown = show(*node, 40 * kMiB, is_ahead, stop.get_token());
    CHECK(reads == last);
    if (shown.failure || last < 23) {
        REQUIRE(shown.failure);
        CHECK(shown.failure->code() == ErrorCode::Interrupted);
    } else {
        CHECK(shown.text.size() == 40 * kMiB);
    }
}

TEST_CASE("who takes holes as zeros has nobody look for them") {
    const bool is_ahead = GENERATE(false, true);
    const auto text = stretch("1234", is_ahead);
    UnsoughtNode node(text, {text.size() / 3, text.size()});
    auto reading = reading_ahead(is_ahead);
    reading.fills_holes = true;
    std::string shown;
    const auto failure = read_content(node, text.size(), reading, {}, [&](const ContentRun& run) {
        CHECK(run.hole_bytes == 0);
        for (const auto& piece : run.data) {
            shown += as_text(piece.bytes);
        }
    });
    CHECK_FALSE(failure);
    CHECK((shown == text));
    CHECK(node.was_read_by_chunks());
}

TEST_CASE("a file that is shorter than its size, and extents that make no sense, are damage") {
    const bool is_ahead = GENERATE(false, true);
    const auto text = stretch("0123456789", is_ahead);
    const auto size = text.size();
    const auto half = size / 2;
    const auto code_of = [&](view::Node& node) {
        const auto shown = show(node, size, is_ahead);
        return shown.failure ? shown.failure->code() : ErrorCode::Internal;
    };
    ShortNode cut(text, {size});
    CHECK(code_of(cut) == ErrorCode::CorruptData);
    ChunkedNode endless(text, {});  // a piece of no bytes
    CHECK(code_of(endless) == ErrorCode::CorruptData);
    LyingNode backwards(text, half - 3, size);
    CHECK(code_of(backwards) == ErrorCode::CorruptData);
    LyingNode hole_before_data(text, half + 2, half + 1);
    CHECK(code_of(hole_before_data) == ErrorCode::CorruptData);
    LyingNode nowhere(text, half, half);
    CHECK(code_of(nowhere) == ErrorCode::CorruptData);
}
