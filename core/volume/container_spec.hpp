// SPDX-License-Identifier: Apache-2.0
// Where a pod has a volume, and what is asked of its containers to read it there. Pure: documents
// in, documents and words out.
#pragma once

#include "core/base/json.hpp"
#include "core/volume/mover_owner.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

/// A container that has the volume, whole.
struct VolumePlace {
    std::string container;
    std::string image;
    std::string path;
    bool is_block = false;
    bool is_running = false;
    std::vector<std::string> other_volumes = {};  // mounted below it: paths from its root

    bool operator==(const VolumePlace&) const = default;
};

/// The running ones first. Mounts of a part of the volume (subPath) are none.
std::vector<VolumePlace> find_places(const Json& pod, std::string_view volume);

bool has_volume(const Json& pod, std::string_view volume);

/// What the program's start says on its output when it is ready to take the program (until then
/// nothing may be sent: a command that ends with input unread never tells that it has ended), and
/// before the program speaks.
inline constexpr std::string_view kSendLine = "kubectl-backup-mover-send\n";
inline constexpr std::string_view kReadyLine = "kubectl-backup-mover-ready\n";

/// A command that says kSendLine, takes `program_bytes` from its standard input, says kReadyLine
/// and becomes the program. Needs sh, head, chmod, rm and a directory that is writable and may hold
/// programs; leaves no file behind.
std::vector<std::string> start_command(std::uint64_t program_bytes);

/// A patch that adds an ephemeral container with the volume, which ends itself: soon after
/// end_command() was run in it, or five minutes after the last program in it has ended.
struct EphemeralPlan {
    std::string name;
    std::string image;
    std::string volume;
    bool is_block = false;
    bool is_root = false;   // otherwise whatever the pod says
    MoverOwner owner = {};  // an ephemeral container has no annotations: it is in its environment
};

inline constexpr std::string_view kEphemeralPrefix = "kubectl-backup-mover-";
inline constexpr std::string_view kRunVariable = "KUBECTL_BACKUP_RUN";
inline constexpr std::string_view kOwnerVariable = "KUBECTL_BACKUP_OWNER";

Json make_ephemeral_patch(const EphemeralPlan& plan);
/// Where it has the volume.
std::string ephemeral_path(std::string_view volume, bool is_block);
std::vector<std::string> end_command();

/// "running", "waiting" or "terminated", and why, of a container of any kind; empty: no state yet.
struct ContainerState {
    std::string state;
    std::string why;
};

/// An ephemeral container of the pod that runs, or is about to. Not one that has ended, and not one
/// whose image cannot be had.
bool may_run(const Json& pod, std::string_view ephemeral);

/// A mover in an ephemeral container that may run.
struct MoverContainer {
    std::string name;
    MoverOwner owner;  // empty when it does not say

    bool operator==(const MoverContainer&) const = default;
};

std::vector<MoverContainer> find_mover_containers(const Json& pod);

ContainerState state_of_container(const Json& pod, std::string_view container);

}  // namespace backup::volume
