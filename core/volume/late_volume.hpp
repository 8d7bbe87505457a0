// SPDX-License-Identifier: Apache-2.0
// Volumes that the storage is still making when their claim is to go. Where the class says Retain
// such a volume would stay, and nobody would know of it. docs/volumes.md.
#pragma once

#include "core/volume/temporary_object.hpp"

#include <optional>
#include <stop_token>
#include <string_view>

namespace backup::volume {

/// Why a claim is not removed.
inline constexpr std::string_view kVolumeIsComing =
    "the storage is still making its volume, which would stay behind without the claim";

/// Before `claim`, which is ours, is deleted: waits for the volume that a provisioner may be making
/// for it, unless its class is known not to keep it. The claim as it is when it can be deleted:
/// bound, null when it is gone, without a volume when the provisioner has failed or none took
/// notice within the limit. Nothing when the provisioner is still at work then: the claim must
/// stay, for it is what leads to the volume. Throws Interrupted, and what the server says.
std::optional<Json> let_volume_come(const TemporaryContext& context,
                                    Json claim,
                                    Milliseconds limit,
                                    const std::stop_token& stop);

}  // namespace backup::volume
