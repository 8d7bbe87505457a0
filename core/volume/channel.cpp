// SPDX-License-Identifier: Apache-2.0
#include "core/volume/channel.hpp"

#include "core/base/error.hpp"
#include "core/base/queue.hpp"
#include "core/base/text.hpp"
#include "core/volume/budget.hpp"

#include <utility>

namespace backup::volume {

namespace {

/// Frames of many chunks are large: a lane is bounded by their bytes too.
constexpr std::uint64_t kLaneBytes = 4U << 20U;

/// One direction; the empty optional is the orderly end.
struct Lane {
    explicit Lane(std::size_t capacity) : queue(capacity) {}

    void close() {
        queue.close();
        budget.lift();
    }

    BoundedQueue<std::optional<Message>> queue;
    Budget budget{kLaneBytes};
};

class LocalChannel : public Channel {
  public:
    LocalChannel(std::shared_ptr<Lane> out, std::shared_ptr<Lane> in)
        : out_(std::move(out)),
          in_(std::move(in)) {}

    ~LocalChannel() override { LocalChannel::abort(); }

    LocalChannel(const LocalChannel&) = delete;
    LocalChannel& operator=(const LocalChannel&) = delete;

    void send(Message message, std::stop_token stop) override { push(std::move(message), stop); }

    std::optional<Message> receive(std::stop_token stop) override {
        if (has_ended_) {
            return std::nullopt;
        }
        auto item = in_->queue.pop(stop);
        if (!item) {
            fail(stop);
        }
        has_ended_ = !item->has_value();
        if (!has_ended_) {
            in_->budget.give_back((*item)->size());
        }
        return std::move(*item);
    }

    /// What was sent before is still received: the reason of a failure, for instance.
    void abort() noexcept override {
        out_->close();
        in_->close();
    }

  protected:
    void send_end(std::stop_token stop) override { push(std::nullopt, stop); }

  private:
    void push(std::optional<Message> message, const std::stop_token& stop) {
        const std::size_t size = message ? message->size() : 0;
        if (!out_->budget.take(size, stop) || !out_->queue.push(std::move(message), stop)) {
            fail(stop);
        }
    }

    [[noreturn]] static void fail(const std::stop_token& stop) {
        if (stop.stop_requested()) {
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        throw Error(ErrorCode::MoverFailed, "the other side of the transfer gave up");
    }

    std::shared_ptr<Lane> out_;
    std::shared_ptr<Lane> in_;
    bool has_ended_ = false;
};

}  // namespace

std::size_t Message::size() const {
    std::size_t total = payload.size();
    for (const Bytes& blob : blobs) {
        total += blob.size();
    }
    return total;
}

void Channel::finish(const std::stop_token& stop) {
    send_end(stop);
    if (const auto message = receive(stop)) {
        throw Error(ErrorCode::CorruptData,
                    concat("message of type ",
                           static_cast<unsigned>(message->type),
                           " where the end of the transfer was expected"));
    }
}

LocalChannels make_local_channels(std::size_t capacity) {
    auto to_mover = std::make_shared<Lane>(capacity);
    auto to_client = std::make_shared<Lane>(capacity);
    return {std::make_unique<LocalChannel>(to_mover, to_client),
            std::make_unique<LocalChannel>(to_client, to_mover)};
}

}  // namespace backup::volume
