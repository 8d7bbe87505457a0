// SPDX-License-Identifier: Apache-2.0
#include "core/backend/directory_listing.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <memory>
#include <optional>
#include <sys/stat.h>

namespace backup::backend {

namespace {

namespace fs = std::filesystem;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

class OpenDirectory {
  public:
    explicit OpenDirectory(const fs::path& path)
        : what_(concat("list ", path.native())),
          directory_(::opendir(path.c_str())) {
        if (directory_ == nullptr && errno != ENOENT) {
            throw system_error(errno, what_);
        }
    }

    /// nullptr at the end, and at once when the directory is missing.
    const dirent* next() {
        if (directory_ == nullptr) {
            return nullptr;
        }
        errno = 0;
        const auto* entry = ::readdir(directory_.get());
        if (entry == nullptr && errno != 0) {
            throw system_error(errno, what_);
        }
        return entry;
    }

    /// Empty when it is gone by now.
    std::optional<struct stat> inspect(const char* name) const {
        struct stat info {};

        if (::fstatat(::dirfd(directory_.get()), name, &info, 0) == 0) {
            return info;
        }
        if (errno == ENOENT) {
            return std::nullopt;
        }
        throw system_error(errno, concat(what_, "/", name));
    }

  private:
    std::string what_;
    std::unique_ptr<DIR, CloseDirectory> directory_;
};

bool is_temporary_name(std::string_view name) {
    constexpr std::size_t digits = 16;
    return name.size() == kTemporaryPrefix.size() + digits && name.starts_with(kTemporaryPrefix) &&
           name.find_first_not_of("0123456789abcdef", kTemporaryPrefix.size()) ==
               std::string_view::npos;
}

}  // namespace

void list_files(const fs::path& directory,
                const std::string& prefix,
                const std::function<void(BlobInfo)>& visit) {
    OpenDirectory open(directory);
    std::vector<std::string> folders;
    while (const auto* entry = open.next()) {
        auto name = concat(prefix, "/", std::string_view(entry->d_name));
        // The longest name of a blob bounds the depth too.
        if (!is_blob_name(name)) {
            continue;
        }
        const auto info = open.inspect(entry->d_name);
        if (info && S_ISDIR(info->st_mode)) {
            folders.push_back(std::move(name));
        } else if (info && S_ISREG(info->st_mode)) {
            visit({std::move(name), static_cast<std::uint64_t>(info->st_size)});
        }
    }
    for (const auto& folder : folders) {
        list_files(directory / std::string_view(folder).substr(prefix.size() + 1), folder, visit);
    }
}

std::vector<TemporaryFile> list_temporary_files(const fs::path& directory) {
    std::vector<TemporaryFile> found;
    OpenDirectory open(directory);
    while (const auto* entry = open.next()) {
        if (!is_temporary_name(entry->d_name)) {
            continue;
        }
        const auto info = open.inspect(entry->d_name);
        if (info && S_ISREG(info->st_mode)) {
            found.push_back({directory / entry->d_name, info->st_mtim.tv_sec});
        }
    }
    return found;
}

}  // namespace backup::backend
