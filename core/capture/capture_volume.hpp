// SPDX-License-Identifier: Apache-2.0
// One volume into the repository: the client half of the mover protocol (docs/mover.md). Compares
// with the previous point, takes what is unchanged from there, stores what is new. The same for a
// local directory and a volume in a pod.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/capture/read_rate.hpp"
#include "core/capture/stall_watch.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/repository/writer.hpp"
#include "core/volume/channel.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

/// The same volume in an earlier point; a block device's image is an entry of type Regular.
struct PreviousVolume {
    repository::TreeReader* tree = nullptr;
    repository::TreeEntry entry;
};

struct VolumeSource {
    std::string path;  // where the mover finds it: a directory, or a block device
    bool is_block_device = false;
    bool crosses_file_systems = false;
    std::vector<std::string> include;  // globs over paths in the volume; empty: everything
    std::vector<std::string> exclude;
    /// Paths below the root where the application has volumes that are read, or not, for
    /// themselves.
    std::vector<std::string> other_volumes = {};
};

struct VolumeCapture {
    const repository::Repository& repository;
    repository::Writer& writer;
    Clock& clock;
    VolumeSource source;
    std::optional<PreviousVolume> previous;
    int compression_level = 1;
    /// Decodes what the mover sends and proves its ids: for a mover that is not this process. (One
    /// who can tamper with a pod must not be able to plant content under the id of other content.)
    bool verifies_received = true;
    /// Gets advance(files, bytes) as files are done.
    Progress* progress = nullptr;
    ReadRate* read_rate = nullptr;  // shared with the other volumes; none: no limit
    /// None: a volume that does not answer is waited for.
    StallWatch* stall_watch = nullptr;
};

struct CapturedVolume {
    /// Counts and problems; name_space, claim, method and consistency are the caller's to fill in.
    model::VolumeRecord record;
    model::FileEntry root;            // Directory, or Regular for a block device; no name
    repository::BuiltTree tree;       // of a directory
    repository::FileContent content;  // of a block device
};

/// Throws on a broken or damaged channel, on stop, when the root of the volume cannot be read, when
/// it does not answer (TimedOut, from the stall watch), and when the repository fails; nothing of
/// the volume is in any tree then and it may be tried again with the same writer. Files that cannot
/// be read are in the record instead. Several volumes may be captured with one writer at the same
/// time, each by its own thread and channel.
CapturedVolume capture_volume(volume::Channel& channel,
                              const VolumeCapture& options,
                              std::stop_token stop);

/// The same for a directory (or block device) of this machine: the mover runs in this process.
CapturedVolume capture_directory(const VolumeCapture& options, std::stop_token stop);

/// Puts the volume into the directory that is open in `builder`.
void add_volume(repository::TreeBuilder& builder,
                const std::string& name,
                const CapturedVolume& volume);

}  // namespace backup::capture
