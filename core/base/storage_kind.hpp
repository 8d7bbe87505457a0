// SPDX-License-Identifier: Apache-2.0
// What kind of file system a directory lies on, as far as one can rely on what it says. Knows
// nothing of what is stored there.
#pragma once

#include <filesystem>

namespace backup {

enum class StorageKind {
    Local,
    Elastic,  // local, but compresses or shares blocks: how much fits is not what it says is free
    Remote,   // asks a server, or a program that may: lists may lag
    Unknown,  // it could not be asked
};

/// Of an existing file or directory.
StorageKind storage_kind_of(const std::filesystem::path& path);

}  // namespace backup
