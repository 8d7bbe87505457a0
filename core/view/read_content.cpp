// SPDX-License-Identifier: Apache-2.0
#include "core/view/read_content.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace backup::view {

namespace {

constexpr std::uint64_t kLongBytes = 16U << 20U;

/// Goes through a file run by run.
class ContentWalk {
  public:
    ContentWalk(Node& node, std::uint64_t size, ContentReading& reading)
        : node_(node),
          size_(size),
          reading_(reading) {}

    /// Nothing at the end.
    std::optional<ContentRun> next() {
        if (at_ == size_) {
            return std::nullopt;
        }
        if (at_ == data_end_) {
            if (const auto hole = find_data(); hole > 0) {
                return ContentRun{hole, {}};
            }
        }
        const auto begin = at_;
        at_ = std::min(node_.piece_end(begin), data_end_);
        ContentRun run{0, read(begin, at_ - begin)};
        if (at_ == begin || size_of(run.data) != at_ - begin) {
            throw Error(ErrorCode::CorruptData, "its content is shorter than its size");
        }
        return run;
    }

  private:
    /// Goes on to the next data, or the end; returns how long the hole before it is.
    std::uint64_t find_data() {
        const auto begin = std::min(node_.seek_data(at_).value_or(size_), size_);
        const auto end = begin < size_ ? std::min(node_.seek_hole(begin), size_) : size_;
        if (begin < at_ || end < begin || end == at_) {
            throw Error(ErrorCode::CorruptData, "its extents are damaged");
        }
        data_end_ = end;
        return begin - std::exchange(at_, begin);
    }

    ByteChain read(std::uint64_t begin, std::uint64_t size) {
        if (reading_.is_ahead) {
            return node_.collect(begin, size);
        }
        if (reading_.buffer.size() < size) {
            reading_.buffer.resize(size);
        }
        const auto room = std::span(reading_.buffer).first(size);
        return {{room.first(node_.read(begin, room)), nullptr}};
    }

    Node& node_;
    std::uint64_t size_;
    ContentReading& reading_;
    std::uint64_t at_ = 0;
    std::uint64_t data_end_ = 0;
};

}  // namespace

bool is_long(std::uint64_t size) {
    return size >= kLongBytes;
}

std::optional<Error> read_content(Node& node,
                                  std::uint64_t size,
                                  ContentReading& reading,
                                  const std::stop_token& stop,
                                  const std::function<void(const ContentRun& run)>& use) {
    ContentWalk walk(node, size, reading);
    for (;;) {
        std::optional<ContentRun> run;
        auto failure = failure_of([&] {
            throw_if_stopped(stop);
            run = walk.next();
        });
        if (failure || !run) {
            return failure;
        }
        use(*run);
    }
}

}  // namespace backup::view
