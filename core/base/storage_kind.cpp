// SPDX-License-Identifier: Apache-2.0
#include "core/base/storage_kind.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <sys/statfs.h>

namespace backup {

namespace {

// linux/magic.h, fs/bcachefs of the kernel, and OpenZFS.
constexpr std::array<std::uint64_t, 3> kElastic{0x9123683e,   // btrfs
                                                0x2fc12fc1,   // ZFS
                                                0xca451a4e};  // bcachefs
// linux/magic.h, and fs/smb/client, fs/ceph of the kernel.
constexpr std::array<std::uint64_t, 9> kRemote{0x6969,       // NFS
                                               0x517b,       // SMB
                                               0xff534d42,   // CIFS
                                               0xfe534d42,   // SMB 2 and later
                                               0x65735546,   // FUSE
                                               0x01021997,   // 9P
                                               0x00c36400,   // Ceph
                                               0x5346414f,   // AFS
                                               0x73757245};  // Coda

template <typename Numbers>
bool has(const Numbers& numbers, std::uint64_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

StorageKind storage_kind_of(const std::filesystem::path& path) {
    struct statfs found {};

    if (::statfs(path.c_str(), &found) != 0) {
        return StorageKind::Unknown;
    }
    const auto number = static_cast<std::uint64_t>(found.f_type) & 0xffffffffU;
    if (has(kRemote, number)) {
        return StorageKind::Remote;
    }
    return has(kElastic, number) ? StorageKind::Elastic : StorageKind::Local;
}

}  // namespace backup
