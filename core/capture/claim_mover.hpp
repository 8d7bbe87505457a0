// SPDX-License-Identifier: Apache-2.0
// Starts the mover that an order asks for: a pod of its own, or a container of the application's.
#pragma once

#include "core/capture/claim_volumes.hpp"

#include <memory>
#include <stop_token>

namespace backup::capture {

/// Throws what PodMover and ContainerMover throw. Both arguments must outlive the mover.
std::unique_ptr<volume::Mover> start_claim_mover(const ClaimVolumesContext& context,
                                                 const MoverOrder& order,
                                                 const std::stop_token& stop);

}  // namespace backup::capture
