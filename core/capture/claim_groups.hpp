// SPDX-License-Identifier: Apache-2.0
// Which claims are read by one mover pod: those that one pod can reach as the same user. Pure.
#pragma once

#include "core/volume/mover_claim.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace backup::capture {

/// More in one pod would make one kill, or one volume that hangs, cost too much.
inline constexpr std::size_t kMostClaimsInPod = 16;

/// Claims of one namespace, as positions in `claims`. Together: claims whose consumers run on the
/// same cluster node, as the same user and with the same SELinux level. Alone: claims nobody uses
/// (their volumes may be anywhere), and those that only one pod may have.
std::vector<std::vector<std::size_t>> group_claims(const std::vector<volume::ClaimFacts>& claims);

}  // namespace backup::capture
