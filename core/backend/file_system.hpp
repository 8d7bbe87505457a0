// SPDX-License-Identifier: Apache-2.0
// The calls a DirectoryBackend makes of a file system, and nothing more: thin enough that a test
// can put a disk there that loses power. Knows nothing of blobs. May be called from any thread.
#pragma once

#include "core/base/bytes.hpp"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace backup::backend {

struct FileInfo {
    bool is_file = false;
    bool is_directory = false;
    std::uint64_t size = 0;
    std::int64_t modified_seconds = 0;  // by the storage's own clock
    std::uint64_t links = 1;
};

/// A file being written from its beginning. One thread.
class NewFile {
  public:
    virtual ~NewFile() = default;
    /// All of the bytes; after an error any part of them may be in the file.
    virtual int write(ByteView bytes) = 0;
    /// A hint: the disk may begin with these bytes.
    virtual void start_writeback(std::uint64_t offset, std::uint64_t size) = 0;
    /// fdatasync(2). After an error the bytes may be lost and a second call may say otherwise.
    virtual int sync() = 0;
};

class OpenFile {
  public:
    virtual ~OpenFile() = default;
    virtual FileInfo info() const = 0;
    /// Fills `out` from `offset`; `filled` is less than its size only where the file ends.
    virtual int read(std::uint64_t offset, std::span<std::byte> out, std::size_t& filled) = 0;
};

/// Every function returns 0 or what errno says, as the system call it is named after.
class FileSystem {
  public:
    using Path = std::filesystem::path;

    virtual ~FileSystem() = default;

    /// A file that was not there (EEXIST).
    virtual int create(const Path& path, unsigned mode, std::unique_ptr<NewFile>& file) = 0;
    virtual int open(const Path& path, std::unique_ptr<OpenFile>& file) = 0;
    /// Never replaces `to` (EEXIST).
    virtual int link(const Path& from, const Path& to) = 0;
    virtual int rename_without_overwriting(const Path& from, const Path& to) = 0;
    virtual int rename(const Path& from, const Path& to) = 0;
    virtual int unlink(const Path& path) = 0;
    virtual int make_directory(const Path& path, unsigned mode) = 0;
    virtual int sync_directory(const Path& path) = 0;
    virtual int stat(const Path& path, FileInfo& info) = 0;
    /// Every name in a directory but "." and "..": all of them, or an error.
    virtual int list(const Path& directory, std::vector<std::string>& names) = 0;

    /// A new file that holds so much room on the disk; nothing stays when there is not so much.
    virtual int reserve(const Path& /*path*/, std::uint64_t /*size*/, unsigned /*mode*/) {
        return ENOTSUP;
    }

    /// What people may still write; 0 where that cannot be told.
    virtual std::uint64_t free_bytes(const Path& /*directory*/) { return 0; }

    /// False for those that keep names in a cache of their own, as network file systems do.
    virtual bool lists_at_once(const Path& /*directory*/) { return true; }
};

}  // namespace backup::backend
