// SPDX-License-Identifier: Apache-2.0
// The mover's half of a backup: walks a volume, answers the client's questions, sends what it
// lacks. Runs in a pod or in this process; knows neither Kubernetes nor the repository.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/retry.hpp"
#include "core/volume/channel.hpp"
#include "core/volume/protocol.hpp"

#include <functional>
#include <stop_token>

namespace backup::volume {

/// Between two times that the mover shows its progress; another one than sleep_for is for tests.
using PulseSleep = std::function<bool(std::chrono::nanoseconds, const std::stop_token&)>;

/// Serves one ReadTask until the client has everything (it has sent Complete and got Finished; the
/// channel is not ended yet). Throws on stop, when the channel breaks, when the root is unreadable;
/// the client is told why.
/// Memory: 32 MiB of plain chunks (more when chunks are larger than 4 MiB), for each reader a
/// buffer of two largest chunks, for each packer one group of compressed frames, 64 batches of
/// entries, the names of the directories on the way down, 24 bytes for each file with several
/// names.
/// A file system that does not answer holds it for ever, also after stop: the client, who sees that
/// the progress stands still, must not wait for it.
void read_volume(const ReadTask& task,
                 Channel& channel,
                 Clock& clock,
                 std::stop_token stop,
                 const PulseSleep& sleep = sleep_for);

}  // namespace backup::volume
