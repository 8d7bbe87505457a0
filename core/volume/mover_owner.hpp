// SPDX-License-Identifier: Apache-2.0
// Whose a mover pod is: written on it, and read again by whoever has to decide whether its run
// still lives. Also the labels by which our pods and ConfigMaps are found.
#pragma once

#include "core/base/random.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backup::volume {

inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "kubectl-backup";
inline constexpr std::string_view kComponentLabel = "app.kubernetes.io/component";
inline constexpr std::string_view kMoverComponent = "mover";
inline constexpr std::string_view kRunLabel = "kubectl-backup/run";
inline constexpr std::string_view kProgramLabel = "kubectl-backup/program";
inline constexpr std::string_view kOwnerAnnotation = "kubectl-backup/owner";
inline constexpr std::string_view kCreatedAnnotation = "kubectl-backup/created-at";

/// Selects the pods and ConfigMaps that PodMover makes: nobody wants them in a backup.
inline constexpr std::string_view kMoverSelector =
    "app.kubernetes.io/managed-by=kubectl-backup,app.kubernetes.io/component=mover";

/// One process that uses mover pods. A process id means something only inside one PID namespace of
/// one boot of one machine, and a start time tells apart two that got the same number.
struct MoverOwner {
    std::string run_id;
    std::string host;
    std::string boot_id;
    std::string pid_namespace;
    std::int64_t pid = 0;
    std::uint64_t start_time = 0;  // ticks since boot: /proc/PID/stat, field 22

    bool operator==(const MoverOwner&) const = default;
};

/// This process, with a new run id.
MoverOwner make_mover_owner(Random& random);

/// The text of the annotation; the run id is in a label.
std::string format_owner(const MoverOwner& owner);

/// Lenient: what is missing or damaged stays empty, and then nothing can be proved with it.
MoverOwner parse_owner(std::string_view run_id, std::string_view annotation);

enum class OwnerState {
    Alive,    // the process runs
    Dead,     // it ran where this process runs, and is gone
    Unknown,  // another machine, boot or PID namespace
};

/// `self` is made by make_mover_owner in this process.
OwnerState state_of(const MoverOwner& owner, const MoverOwner& self);

}  // namespace backup::volume
