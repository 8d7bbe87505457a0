// SPDX-License-Identifier: Apache-2.0
#include "core/view/read_content.hpp"

#include "core/base/queue.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace backup::view {

namespace {

constexpr std::uint64_t kLongBytes = 16U << 20U;
// Beside the one that is read and the one that is used: each is a chunk in memory.
constexpr std::size_t kRunsWaiting = 1;

/// Goes through a file run by run.
class ContentWalk {
  public:
    ContentWalk(Node& node, std::uint64_t size, ContentReading& reading)
        : node_(node),
          size_(size),
          reading_(reading),
          data_end_(reading.fills_holes ? size : 0) {}

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
    std::uint64_t data_end_;
    std::uint64_t at_ = 0;
};

using Use = std::function<void(const ContentRun& run)>;

std::optional<Error> read_here(ContentWalk& walk, const std::stop_token& stop, const Use& use) {
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

/// Closes the queue however the thread that fills it ends: another one waits for it.
class ClosedAtEnd {
  public:
    explicit ClosedAtEnd(BoundedQueue<ContentRun>& runs) : runs_(runs) {}

    ClosedAtEnd(const ClosedAtEnd&) = delete;
    ClosedAtEnd& operator=(const ClosedAtEnd&) = delete;

    ~ClosedAtEnd() { runs_.close(); }

  private:
    BoundedQueue<ContentRun>& runs_;
};

/// To prove the names of a long file takes about as long as to write it.
std::optional<Error> read_in_thread(ContentWalk& walk,
                                    const std::stop_token& stop,
                                    const Use& use) {
    BoundedQueue<ContentRun> runs(kRunsWaiting);
    std::optional<Error> failure;
    TaskGroup reader(stop);
    const auto start = failure_of([&] {
        reader.start([&](const std::stop_token& asked) {
            const ClosedAtEnd closed(runs);
            failure = read_here(walk, asked, [&](const ContentRun& run) { runs.push(run, asked); });
        });
    });
    if (start) {
        // No more threads may be started: it takes longer then.
        return read_here(walk, stop, use);
    }
    while (const auto run = runs.pop()) {
        use(*run);
    }
    reader.wait();
    return failure;
}

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
    return reading.is_ahead && is_long(size) ? read_in_thread(walk, stop, use)
                                             : read_here(walk, stop, use);
}

}  // namespace backup::view
