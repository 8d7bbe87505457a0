// SPDX-License-Identifier: Apache-2.0
#include "core/repository/read_ahead.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

// Requests of one reader may come out of their order, as far as the kernel reads ahead itself.
constexpr std::uint32_t kDisorder = 16;
// Two neighbours may be chance.
constexpr std::uint32_t kStepsToBelieve = 3;
constexpr std::uint32_t kFirstWindow = 8;

}  // namespace

ReadAhead::Stream& ReadAhead::find(std::uint32_t pack, std::uint32_t first, std::uint32_t last) {
    for (auto& stream : streams_) {
        if (stream.steps > 0 && stream.pack == pack && first <= stream.next + kDisorder &&
            last + kDisorder >= stream.next) {
            return stream;
        }
    }
    auto& oldest =
        *std::min_element(streams_.begin(), streams_.end(), [](const Stream& a, const Stream& b) {
            return a.used < b.used;
        });
    oldest = {pack, first, first, 0, 0};
    return oldest;
}

std::optional<FrameRange> ReadAhead::note(std::uint32_t pack,
                                          std::uint32_t first,
                                          std::uint32_t last,
                                          std::uint32_t frames) {
    auto& stream = find(pack, first, last);
    stream.used = ++time_;
    if (last < stream.next && stream.steps > 0) {
        return std::nullopt;
    }
    // A long request counts as the short ones it stands for, but one alone may be chance.
    const auto worth = 1 + (last - first) / kFirstWindow;
    stream.steps += stream.steps == 0 ? std::min(worth, kStepsToBelieve - 1) : worth;
    stream.next = last + 1;
    stream.ahead = std::max(stream.ahead, stream.next);
    if (stream.steps < kStepsToBelieve) {
        return std::nullopt;
    }
    const auto growth = std::min(stream.steps - kStepsToBelieve, 8U);
    const auto window = std::min(window_, kFirstWindow << growth);
    const auto end = std::min<std::uint64_t>(std::uint64_t{stream.next} + window, frames);
    // In pieces worth a read of their own, except for the last.
    if (end < stream.ahead + window / 2 && end != frames) {
        return std::nullopt;
    }
    if (end <= stream.ahead) {
        return std::nullopt;
    }
    const FrameRange range{pack, stream.ahead, static_cast<std::uint32_t>(end - stream.ahead)};
    stream.ahead = static_cast<std::uint32_t>(end);
    return range;
}

}  // namespace backup::repository
