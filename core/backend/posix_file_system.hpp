// SPDX-License-Identifier: Apache-2.0
// The file systems of this machine.
#pragma once

#include "core/backend/file_system.hpp"

namespace backup::backend {

class PosixFileSystem : public FileSystem {
  public:
    int create(const Path& path, unsigned mode, std::unique_ptr<NewFile>& file) override;
    int open(const Path& path, std::unique_ptr<OpenFile>& file) override;
    int link(const Path& from, const Path& to) override;
    int rename_without_overwriting(const Path& from, const Path& to) override;
    int rename(const Path& from, const Path& to) override;
    int unlink(const Path& path) override;
    int make_directory(const Path& path, unsigned mode) override;
    int sync_directory(const Path& path) override;
    int stat(const Path& path, FileInfo& info) override;
    int list(const Path& directory, std::vector<std::string>& names) override;
    int reserve(const Path& path, std::uint64_t size, unsigned mode) override;
    std::uint64_t free_bytes(const Path& directory) override;
    bool lists_at_once(const Path& directory) override;
};

}  // namespace backup::backend
