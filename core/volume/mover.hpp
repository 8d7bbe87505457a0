// SPDX-License-Identifier: Apache-2.0
// A mover beside volumes, however it got there: a pod of its own (pod_mover.hpp) or a container of
// the application's pod (container_mover.hpp).
#pragma once

#include "core/volume/channel.hpp"
#include "core/volume/mover_pod_spec.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

/// Why a mover cannot serve any more.
struct MoverEnd {
    bool has_ended = false;
    bool is_node_gone = false;  // another mover would have to run on the same cluster node
    std::string why;            // for a person

    bool operator==(const MoverEnd&) const = default;
};

/// One thread at a time uses an object of this; its channels each have their own threads.
class Mover {
  public:
    virtual ~Mover() = default;

    /// A channel serves one task at a time. It ends (for the mover: its stdin) with the object.
    /// When the stream breaks off, the error says what the mover wrote to its stderr.
    virtual std::unique_ptr<Channel> open_channel() = 0;

    /// Where the mover sees the claim: a directory, or a block device.
    virtual std::string path_of(std::string_view claim) const = 0;
    /// For ReadTask::is_block_device.
    virtual bool is_block(std::string_view claim) const = 0;

    /// Whether all that is mounted below the volume is part of it: not beside an application, which
    /// may have other volumes there.
    virtual bool owns_mounts_below() const { return true; }

    /// Where these are: paths below the volume's root.
    virtual std::vector<std::string> other_volumes() const { return {}; }

    /// Asks the cluster. Throws what asking throws.
    virtual MoverEnd find_end() = 0;

    /// Root reads everything, the others what that user may read.
    virtual MoverIdentity identity() const = 0;

    /// Takes away what was made. Also after stop was asked: it has a time limit of its own. Once;
    /// throws what went wrong. Close the channels before.
    virtual void close() = 0;

  protected:
    Mover() = default;
    Mover(const Mover&) = default;
    Mover& operator=(const Mover&) = default;
};

}  // namespace backup::volume
