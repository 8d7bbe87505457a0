// SPDX-License-Identifier: Apache-2.0
// A volume (or any directory or file of a view) back onto a disk: a local directory, or a volume in
// a cluster through a mover with write access.
#pragma once

#include "core/base/progress.hpp"
#include "core/view/node.hpp"
#include "core/volume/channel.hpp"
#include "core/volume/protocol.hpp"
#include "core/volume/tree_sink.hpp"

#include <filesystem>
#include <stop_token>

namespace backup::restore {

struct VolumeRestore {
    volume::SinkOptions options;
    Progress* progress = nullptr;
};

/// The directory `node` becomes `target`, which is made when it is missing. Throws AlreadyExists
/// when it is not empty (unless files may be overwritten), NoSpace (before anything is written when
/// the disk is known to have too little), Interrupted; what could not be done with single files is
/// in the result. Durable when it returns.
volume::SinkResult restore_volume_to_directory(const view::NodePointer& node,
                                               const std::filesystem::path& target,
                                               const VolumeRestore& options,
                                               std::stop_token stop);

/// A file or directory as `target` itself (a new name, or one that is overwritten when allowed).
volume::SinkResult copy_to_local(const view::NodePointer& node,
                                 const std::filesystem::path& target,
                                 const VolumeRestore& options,
                                 std::stop_token stop);

/// The image of a block device into a file or a block device; holes become holes, or zeros.
volume::SinkResult restore_image(const view::NodePointer& node,
                                 const std::filesystem::path& target,
                                 const VolumeRestore& options,
                                 std::stop_token stop);

/// Through the mover at the other end of `channel`. With task.name the node is written under that
/// name, otherwise it must be a directory and becomes task.below. The channel is ended.
volume::SinkResult restore_volume_to_mover(const view::NodePointer& node,
                                           volume::Channel& channel,
                                           const volume::WriteTask& task,
                                           Progress* progress,
                                           std::stop_token stop);

}  // namespace backup::restore
