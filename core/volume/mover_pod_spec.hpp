// SPDX-License-Identifier: Apache-2.0
// The manifest of a mover pod. Pure: facts in, document out; docs/mover-pod.md says why each field
// is there.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/json.hpp"
#include "core/volume/mover_claim.hpp"
#include "core/volume/mover_owner.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

enum class VolumeAccess { Read, Write };

/// As whom the mover runs.
enum class MoverIdentity {
    Root,      // uid 0 with the few capabilities that Pod Security "baseline" allows
    Consumer,  // Pod Security "restricted": the user of the pod that uses the volume, or 65534
    Assigned,  // the same, but the cluster (an OpenShift SCC) or the image chooses the user
};

std::string_view name_of(MoverIdentity identity);

struct MoverResources {
    std::string cpu_request = "50m";
    std::string memory_request = "128Mi";
    std::string cpu_limit = "2";
    std::string memory_limit = "1Gi";
};

/// Where a ResourceQuota or a LimitRange has no room for more: it runs, but slower.
inline const MoverResources kModestResources{"250m", "128Mi", "500m", "256Mi"};

struct MoverPodPlan {
    std::string name;
    std::string ns;
    std::vector<ClaimFacts> claims;
    VolumeAccess access = VolumeAccess::Read;
    MoverIdentity identity = MoverIdentity::Root;
    std::string image;
    std::string architecture;
    std::string program_digest;
    std::vector<std::string> program_maps;  // names of the ConfigMaps
    MoverOwner owner;
    MoverResources resources;
    TimePoint created_at;
    std::chrono::seconds longest_life{0};
    std::chrono::seconds idle_limit{0};
};

inline constexpr std::string_view kMoverContainer = "mover";
inline constexpr std::string_view kProgramDirectory = "/kubectl-backup/program";
inline constexpr std::string_view kScratchDirectory = "/kubectl-backup/scratch";

Json make_mover_pod(const MoverPodPlan& plan);

/// What exec runs in the pod.
std::vector<std::string> mover_command();

/// "/volumes/CLAIM", or "/devices/CLAIM" for a block volume.
std::string mover_path(const ClaimFacts& claim);

/// The cluster node the pod must run on; empty when any will do.
std::string required_node(const std::vector<ClaimFacts>& claims);

}  // namespace backup::volume
