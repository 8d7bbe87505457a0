// SPDX-License-Identifier: Apache-2.0
// The mover's half of a restore: writes the tree that a client sends.
#pragma once

#include "core/volume/channel.hpp"
#include "core/volume/protocol.hpp"

#include <stop_token>

namespace backup::volume {

/// Serves one WriteTask up to its WriteDone, when everything is on disk; the channel is not ended
/// yet. Throws what ends the run (no space, a broken channel, a client that breaks the rules of
/// TreeSink); the client has been told.
void write_volume(const WriteTask& task, Channel& channel, const std::stop_token& stop);

}  // namespace backup::volume
