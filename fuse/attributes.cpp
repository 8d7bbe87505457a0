// SPDX-License-Identifier: Apache-2.0
#include "fuse/attributes.hpp"

#include <cstdint>
#include <sys/sysmacros.h>

namespace backup::fuse {

namespace {

timespec to_timespec(std::int64_t nanoseconds) {
    constexpr std::int64_t kBillion = 1'000'000'000;
    auto seconds = nanoseconds / kBillion;
    auto rest = nanoseconds % kBillion;
    if (rest < 0) {
        rest += kBillion;
        --seconds;
    }
    return {seconds, rest};
}

}  // namespace

mode_t file_type_bits(model::FileType type) {
    switch (type) {
        case model::FileType::Regular:
            return S_IFREG;
        case model::FileType::Directory:
            return S_IFDIR;
        case model::FileType::Symlink:
            return S_IFLNK;
        case model::FileType::Fifo:
            return S_IFIFO;
        case model::FileType::Socket:
            return S_IFSOCK;
        case model::FileType::CharacterDevice:
            return S_IFCHR;
        case model::FileType::BlockDevice:
            return S_IFBLK;
    }
    return 0;
}

struct stat to_stat(const view::Node& node, const view::NodeInfo& info) {
    constexpr std::uint64_t kBlock = 512;
    const auto& attributes = info.attributes;

    struct stat out {};

    out.st_ino = node.inode();
    out.st_mode = file_type_bits(attributes.type) | attributes.mode;
    out.st_nlink = attributes.link_count;
    out.st_uid = attributes.uid;
    out.st_gid = attributes.gid;
    out.st_rdev = makedev(attributes.device_major, attributes.device_minor);
    out.st_size = static_cast<off_t>(attributes.size);
    out.st_blocks = static_cast<blkcnt_t>((info.allocated_bytes + kBlock - 1) / kBlock);
    out.st_blksize = 128 << 10;
    out.st_mtim = to_timespec(attributes.mtime_ns);
    out.st_ctim = to_timespec(attributes.ctime_ns);
    out.st_atim = out.st_mtim;
    return out;
}

}  // namespace backup::fuse
