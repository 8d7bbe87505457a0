// SPDX-License-Identifier: Apache-2.0
#include "core/capture/stall_watch.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace backup::capture {

namespace {

/// As often as a mover shows its progress: docs/mover.md section 2.
constexpr std::chrono::seconds kBetweenLooks{20};

Error stalled(std::chrono::nanoseconds limit) {
    return Error(ErrorCode::TimedOut,
                 concat("nothing could be read from the volume for ",
                        std::chrono::duration_cast<std::chrono::minutes>(limit).count(),
                        " minutes: its file system does not answer"))
        .hint("see whether what serves it (an NFS server, a storage network) is there");
}

}  // namespace

void StallWatch::run(const volume::Channel& channel, const std::stop_token& stop) {
    const std::stop_callback link(stop, [this] { close(); });
    std::uint64_t known = 0;
    std::chrono::nanoseconds silence{0};
    while (options_.sleep(kBetweenLooks, closed_.get_token())) {
        const auto heard = received_ + channel.heard();
        const bool is_news = std::exchange(known, heard) != heard;
        silence = is_waiting_ && !is_news ? silence + kBetweenLooks : std::chrono::seconds(0);
        if (silence >= options_.limit) {
            has_stalled_ = true;
            throw stalled(options_.limit);
        }
    }
}

}  // namespace backup::capture
