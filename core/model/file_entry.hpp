// SPDX-License-Identifier: Apache-2.0
// One file, directory, link or device inside a volume, with all that must survive a restore.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace backup::model {

enum class FileType : std::uint8_t {
    Regular = 1,
    Directory = 2,
    Symlink = 3,
    Fifo = 4,
    Socket = 5,
    CharacterDevice = 6,
    BlockDevice = 7,
};

struct Xattr {
    std::string name;   // with its name space: "user.origin", "system.posix_acl_access"
    std::string value;  // bytes
    bool operator==(const Xattr&) const = default;
};

struct FileEntry {
    std::string name;  // one path component, bytes; empty for the root of a volume
    FileType type = FileType::Regular;
    std::uint32_t mode = 0;  // permission bits 07777
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t link_count = 1;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;  // since 1970; negative before
    std::int64_t ctime_ns = 0;
    std::uint64_t inode = 0;  // at the source; 0: not known
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    bool has_link_group = false;      // other names of this tree with the same inode are one file
    bool changed_while_read = false;  // the content may be a mix of two states
    bool content_unreadable = false;  // the content is missing: a Problem says why
    bool is_racy = false;             // changed so lately that equal times next time prove nothing
    std::string link_target;          // Symlink only
    std::vector<Xattr> xattrs;        // sorted by name

    bool operator==(const FileEntry&) const = default;
};

/// True when size and all times, inode, type, owner and mode say that the content is the same.
bool is_unchanged(const FileEntry& before, const FileEntry& now);

/// Valid as one path component: 1..255 bytes, no '/', no NUL, not "." or "..".
bool is_valid_name(std::string_view name);

}  // namespace backup::model
