// SPDX-License-Identifier: Apache-2.0
#include "tests/property/random_files.hpp"

#include "core/base/file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <ostream>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace backup::testing {

namespace {

namespace fs = std::filesystem;

void must(bool is_done, std::string_view what) {
    if (!is_done) {
        throw std::runtime_error(std::string(what) + ": " + std::to_string(errno));
    }
}

std::string random_name(SeededRandom& random, std::size_t number) {
    static constexpr std::array<std::string_view, 8> kKinds{
        "file",
        "UPPER",
        ".hidden",
        "with space",
        "new\nline",
        "\xc3\xa4\xe2\x82\xac",
        "\xff\xfe",
        "a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on"};
    return std::string(kKinds[random.below(kKinds.size())]) + std::to_string(number);
}

void write_content(const fs::path& path, SeededRandom& random) {
    static constexpr std::array<std::uint64_t, 9> kSizes{
        0, 1, 511, 512, 513, 4096, 16'384, 16'385, 200'000};
    const std::uint64_t size = kSizes[random.below(kSizes.size())];
    const FileDescriptor file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
    const Bytes bytes = random.chance(3) ? Bytes(size, std::byte{'z'}) : random.bytes(size);
    pwrite_all(file.get(), bytes, 0, "content");
    if (random.chance(5)) {
        const std::uint64_t hole = (1 + random.below(40)) << 16U;
        must(::ftruncate(file.get(), static_cast<off_t>(size + hole)) == 0, "hole");
        if (random.chance(2)) {
            pwrite_all(file.get(), random.bytes(1 + random.below(9000)), size + hole, "behind");
        }
    }
}

void decorate(const fs::path& path, SeededRandom& random, bool is_link) {
    const bool is_root = ::getuid() == 0;
    if (is_root && random.chance(2)) {
        must(::lchown(path.c_str(),
                      static_cast<uid_t>(random.below(70'000)),
                      static_cast<gid_t>(random.below(70'000))) == 0,
             "chown");
    }
    if (!is_link && random.chance(3)) {
        // Not every file system of a test machine has user attributes.
        const Bytes value = random.bytes(random.below(900));
        ::lsetxattr(path.c_str(), "user.test", value.data(), value.size(), 0);
        ::lsetxattr(path.c_str(), "user.empty", "", 0, 0);
    }
    if (!is_link && is_root && random.chance(4)) {
        ::lsetxattr(path.c_str(), "trusted.test", "\0x", 2, 0);
        // POSIX ACL, version 2: user::rw-, user:1234:r--, group::r--, mask::r--, other::---
        static constexpr unsigned char kAcl[] = {
            2, 0,   0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
            0, 210, 4,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
            4, 0,   255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
        ::lsetxattr(path.c_str(), "system.posix_acl_access", kAcl, sizeof kAcl, 0);
    } else if (!is_link) {
        static constexpr std::array<mode_t, 6> kModes{0644, 0600, 0755, 0444, 04755, 01777};
        must(::chmod(path.c_str(), kModes[random.below(kModes.size())]) == 0, "chmod");
    }
    if (!is_link && is_root && fs::is_directory(path) && random.chance(6)) {
        must(::chmod(path.c_str(), 02750) == 0, "chmod");
    }
}

void set_time(const fs::path& path, SeededRandom& random) {
    const auto seconds = static_cast<time_t>(random.below(4'000'000'000ULL)) - 1'000'000'000;
    const timespec time{seconds, static_cast<long>(random.below(1'000'000'000))};
    const timespec times[2] = {time, time};
    must(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, "utimens");
}

void make_one(const fs::path& path, SeededRandom& random, std::vector<fs::path>& files) {
    const bool is_root = ::getuid() == 0;
    switch (random.below(12)) {
        case 0:
            fs::create_symlink(random.chance(2) ? "/etc/passwd" : "no where", path);
            decorate(path, random, true);
            return;
        case 1:
            must(::mkfifo(path.c_str(), 0600) == 0, "fifo");
            break;
        case 2:
            must(::mknod(path.c_str(), S_IFSOCK | 0600U, 0) == 0, "socket");
            break;
        case 3:
            if (is_root && ::mknod(path.c_str(), S_IFCHR | 0600U, makedev(1, 3)) == 0) {
                break;
            }
            [[fallthrough]];
        case 4:
            if (!files.empty()) {
                fs::create_hard_link(files[random.below(files.size())], path);
                return;
            }
            [[fallthrough]];
        default:
            write_content(path, random);
            files.push_back(path);
    }
    decorate(path, random, false);
}

std::map<std::string, std::string> xattrs_of(const fs::path& path) {
    std::map<std::string, std::string> xattrs;
    std::array<char, 4096> names{};
    const auto size = ::llistxattr(path.c_str(), names.data(), names.size());
    for (const char* name = names.data(); name < names.data() + std::max<ssize_t>(size, 0);
         name += std::string_view(name).size() + 1) {
        std::array<char, 4096> value{};
        const auto length = ::lgetxattr(path.c_str(), name, value.data(), value.size());
        must(length >= 0, "getxattr");
        xattrs[name] = std::string(value.data(), static_cast<std::size_t>(length));
    }
    return xattrs;
}

}  // namespace

void make_random_files(const fs::path& root, SeededRandom& random) {
    std::vector<fs::path> directories{root};
    std::vector<fs::path> files;
    std::vector<fs::path> all;
    const std::size_t count = 20 + random.below(60);
    for (std::size_t i = 0; i < count; ++i) {
        const fs::path path =
            directories[random.below(directories.size())] / random_name(random, i);
        if (random.chance(5)) {
            fs::create_directory(path);
            directories.push_back(path);
        } else {
            make_one(path, random, files);
        }
        all.push_back(path);
    }
    for (const fs::path& directory : directories) {
        if (directory != root) {
            decorate(directory, random, false);
        }
    }
    for (const fs::path& path : all) {
        set_time(path, random);
    }
    set_time(root, random);
}

std::ostream& operator<<(std::ostream& out, const FileState& state) {
    out << std::oct << state.mode << std::dec << " " << state.uid << ":" << state.gid << " size "
        << state.size << " mtime " << state.mtime_ns << " first name " << state.first_name;
    for (const auto& [name, value] : state.xattrs) {
        out << " " << name << "(" << value.size() << ")";
    }
    return out;
}

TreeState state_of(const fs::path& root) {
    TreeState tree;
    std::map<ino_t, std::string> first_names;
    std::vector<fs::path> paths{root};
    for (const auto& item : fs::recursive_directory_iterator(root)) {
        paths.push_back(item.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) {
        struct stat status {};

        must(::lstat(path.c_str(), &status) == 0, "lstat");
        FileState state;
        const std::string below = path == root ? "" : path.lexically_relative(root).string();
        state.mode = status.st_mode;
        state.uid = status.st_uid;
        state.gid = status.st_gid;
        state.device = status.st_rdev;
        state.mtime_ns =
            status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
        state.xattrs = xattrs_of(path);
        if (S_ISREG(status.st_mode)) {
            state.size = static_cast<std::uint64_t>(status.st_size);
            state.content = as_text(read_file(path));
        } else if (S_ISLNK(status.st_mode)) {
            state.content = fs::read_symlink(path).string();
        }
        if (!S_ISDIR(status.st_mode)) {
            state.first_name = first_names.emplace(status.st_ino, below).first->second;
        }
        tree.emplace(below, std::move(state));
    }
    return tree;
}

}  // namespace backup::testing
