// SPDX-License-Identifier: Apache-2.0
// Blobs as files below one directory. A blob is written to a temporary file, made durable, and only
// then gets its name, by a link that never overwrites; sync() makes the names durable.
#pragma once

#include "core/backend/backend.hpp"
#include "core/backend/file_system.hpp"
#include "core/base/synchronized.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <string>

namespace backup::backend {

class DirectoryBackend : public Backend {
  public:
    /// The directory is made by the first write (0700; blobs are 0444). Throws InvalidArgument when
    /// `root` is empty or is there and not a directory.
    explicit DirectoryBackend(std::filesystem::path root);
    DirectoryBackend(std::filesystem::path root, std::shared_ptr<FileSystem> files);

    std::string location() const override { return root_.native(); }

    std::unique_ptr<BlobWriter> create(std::string_view folder) override;
    void put(std::string_view name, ByteView bytes, bool exclusive = false) override;
    void sync() override;
    Bytes get(std::string_view name) override;
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override;
    std::unique_ptr<BlobReader> open(std::string_view name) override;
    std::uint64_t size(std::string_view name) override;
    bool exists(std::string_view name) override;
    void list(std::string_view folder, const std::function<void(BlobInfo)>& visit) override;
    void remove(std::string_view name) override;
    bool lists_at_once() override;
    std::uint64_t release_reserve() override;
    void restore_reserve() override;

  private:
    class Writer;
    class Reader;

    struct Unsynced {
        std::set<std::filesystem::path> directories;
        std::set<std::filesystem::path> anchored;  // those above them were noted, too
        bool has_failed = false;
    };

    std::filesystem::path path_of(std::string_view name) const;
    /// Makes the directory and those above it, up to the root and what is missing above that.
    void make_directory(const std::filesystem::path& directory);
    /// The directory got or lost a name.
    void note_change(const std::filesystem::path& directory);
    /// Somebody relies on what it holds or lacks, which another process may have changed.
    void note_seen(const std::filesystem::path& directory);
    /// Once for each folder: temporary files that runs of long ago left behind.
    void remove_leftovers(const std::filesystem::path& directory, std::int64_t now_seconds);
    std::unique_ptr<Writer> create_in(const std::filesystem::path& directory);

    std::filesystem::path root_;
    const std::shared_ptr<FileSystem> files_;
    Synchronized<Unsynced> unsynced_;
    Synchronized<std::set<std::filesystem::path>> swept_;
};

}  // namespace backup::backend
