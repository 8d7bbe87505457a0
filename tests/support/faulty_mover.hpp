// SPDX-License-Identifier: Apache-2.0
// A mover in a thread of this process, and between it and its client a stream that damages one
// message.
#pragma once

#include "core/base/clock.hpp"
#include "core/volume/channel.hpp"

#include <atomic>
#include <memory>

namespace backup::testing {

struct FrameFault {
    enum class Kind {
        None,
        Cut,       // the stream ends in front of the message
        Truncate,  // the stream ends in the middle of it
        Flip,      // one bit of it
        Renumber,  // as if the one behind it came first
    };

    Kind kind = Kind::None;
    int message = 0;  // number of the message that comes from the mover
    /// Gets true when the message came.
    std::atomic<bool>* was_met = nullptr;
};

/// The client's end. `clock` must outlive it.
std::unique_ptr<volume::Channel> open_faulty_mover(Clock& clock, const FrameFault& fault = {});

}  // namespace backup::testing
