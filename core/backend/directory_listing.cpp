// SPDX-License-Identifier: Apache-2.0
#include "core/backend/directory_listing.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <optional>

namespace backup::backend {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(int error_number, const fs::path& path) {
    throw system_error(error_number, concat("list ", path.native()));
}

std::vector<std::string> list_names(FileSystem& files, const fs::path& directory) {
    std::vector<std::string> names;
    if (const int error_number = files.list(directory, names);
        error_number != 0 && error_number != ENOENT) {
        fail(error_number, directory);
    }
    return names;
}

/// Empty when it is gone by now.
std::optional<FileInfo> inspect(FileSystem& files, const fs::path& path) {
    FileInfo info;
    const int error_number = files.stat(path, info);
    if (error_number == ENOENT) {
        return std::nullopt;
    }
    if (error_number != 0) {
        fail(error_number, path);
    }
    return info;
}

bool is_temporary_name(std::string_view name) {
    constexpr std::size_t digits = 16;
    return name.size() == kTemporaryPrefix.size() + digits && name.starts_with(kTemporaryPrefix) &&
           name.find_first_not_of("0123456789abcdef", kTemporaryPrefix.size()) ==
               std::string_view::npos;
}

}  // namespace

void list_files(FileSystem& files,
                const fs::path& directory,
                const std::string& prefix,
                const std::function<void(BlobInfo)>& visit) {
    std::vector<std::string> folders;
    for (const auto& name : list_names(files, directory)) {
        auto blob_name = concat(prefix, "/", name);
        // The longest name of a blob bounds the depth too.
        if (!is_blob_name(blob_name)) {
            continue;
        }
        const auto info = inspect(files, directory / name);
        if (info && info->is_directory) {
            folders.push_back(name);
        } else if (info && info->is_file) {
            visit({std::move(blob_name), info->size, info->modified_seconds});
        }
    }
    for (const auto& folder : folders) {
        list_files(files, directory / folder, concat(prefix, "/", folder), visit);
    }
}

std::vector<TemporaryFile> list_temporary_files(FileSystem& files, const fs::path& directory) {
    std::vector<TemporaryFile> found;
    for (const auto& name : list_names(files, directory)) {
        if (!is_temporary_name(name)) {
            continue;
        }
        auto path = directory / name;
        const auto info = inspect(files, path);
        if (info && info->is_file) {
            found.push_back({std::move(path), info->modified_seconds});
        }
    }
    return found;
}

}  // namespace backup::backend
