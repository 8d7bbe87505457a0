// SPDX-License-Identifier: Apache-2.0
// Trees of real files with everything a volume may hold, and all that must survive a restore.
#pragma once

#include "tests/support/seeded_random.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>

namespace backup::testing {

/// Fills an empty directory. As root also with owners, devices and security attributes.
void make_random_files(const std::filesystem::path& root, SeededRandom& random);

struct FileState {
    mode_t mode = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    dev_t device = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t size = 0;
    std::string content;     // of a link: its target
    std::string first_name;  // of several names of one file: the first
    std::map<std::string, std::string> xattrs;

    bool operator==(const FileState&) const = default;
};

std::ostream& operator<<(std::ostream& out, const FileState& state);

using TreeState = std::map<std::string, FileState>;

/// By path below `root`; "" is the root itself.
TreeState state_of(const std::filesystem::path& root);

}  // namespace backup::testing
