// SPDX-License-Identifier: Apache-2.0
// The mover's half of a backup: walks a volume, answers the client's questions, sends what it
// lacks. Runs in a pod or in this process; knows neither Kubernetes nor the repository.
#pragma once

#include "core/base/clock.hpp"
#include "core/volume/channel.hpp"
#include "core/volume/protocol.hpp"

#include <stop_token>

namespace backup::volume {

/// Serves one ReadTask until the client has everything (it has sent Complete and got Finished; the
/// channel is not ended yet). Throws on stop, when the channel breaks, when the root is unreadable;
/// the client is told why.
/// Memory: 32 MiB of plain chunks (more when chunks are larger than 4 MiB), for each reader a
/// buffer of two largest chunks, for each packer one group of compressed frames, 64 batches of
/// entries, the names of the directories on the way down, 24 bytes for each file with several
/// names.
void read_volume(const ReadTask& task, Channel& channel, Clock& clock, std::stop_token stop);

}  // namespace backup::volume
