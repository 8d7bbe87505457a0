// SPDX-License-Identifier: Apache-2.0
// A local directory becomes a volume in a recovery point of its own: no cluster is needed.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/base/random.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/point_store.hpp"

#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct DirectoryImport {
    std::string path;  // a directory, or with is_block_device a block device or image file
    bool is_block_device = false;
    bool crosses_file_systems = false;
    std::vector<std::string> exclude;
    std::string name_space;  // as which volume it is kept
    std::string claim;
    model::RecoveryPoint point;  // name, description, tags, host, program, cluster
    int compression_level = 1;
    /// Every frame is decoded and compared before it is stored.
    bool verify_writes = true;
    Progress* progress = nullptr;
    /// Packs known to be damaged: what is in them is stored again.
    std::set<content::Digest> unsound_packs = {};
};

struct ImportContext {
    const repository::Repository& repository;
    repository::ChunkStore& chunks;
    Random& random;
    Clock& clock;
};

struct ImportedDirectory {
    repository::PointRecord record;  // committed
    model::VolumeRecord volume;
};

/// The newest point that holds the same volume is what it is compared with. Throws, and leaves no
/// point behind, when the directory cannot be read, on stop, and when the repository fails.
ImportedDirectory import_directory(const ImportContext& context,
                                   const DirectoryImport& options,
                                   std::stop_token stop);

}  // namespace backup::capture
