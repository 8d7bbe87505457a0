// SPDX-License-Identifier: Apache-2.0
// The files below a directory of blobs. An error while reading it is always thrown: a list that
// ends early must not look complete.
#pragma once

#include "core/backend/backend.hpp"
#include "core/backend/file_system.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::backend {

inline constexpr std::string_view kTemporaryPrefix = "tmp-";

/// Regular files below `directory`, each named `prefix`/...; names that no blob can have are left
/// out, and so is what vanishes meanwhile. A missing directory holds none.
void list_files(FileSystem& files,
                const std::filesystem::path& directory,
                const std::string& prefix,
                const std::function<void(BlobInfo)>& visit);

struct TemporaryFile {
    std::filesystem::path path;
    std::int64_t modified_seconds = 0;
};

/// Regular files in `directory` itself that a DirectoryBackend made and did not name.
std::vector<TemporaryFile> list_temporary_files(FileSystem& files,
                                                const std::filesystem::path& directory);

}  // namespace backup::backend
