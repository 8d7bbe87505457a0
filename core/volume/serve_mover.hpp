// SPDX-License-Identifier: Apache-2.0
// The whole mover behind a channel: what runs beside a volume, in a pod or in this process.
#pragma once

#include "core/base/clock.hpp"
#include "core/volume/channel.hpp"

#include <stop_token>

namespace backup::volume {

/// Takes one task (ReadTask or WriteTask), does it, and ends the channel in agreement with the
/// client. Throws what the task throws; the client has been told by then, if it can be.
void serve_mover(Channel& channel, Clock& clock, std::stop_token stop);

}  // namespace backup::volume
