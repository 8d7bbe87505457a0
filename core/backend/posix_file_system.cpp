// SPDX-License-Identifier: Apache-2.0
#include "core/backend/posix_file_system.hpp"

#include "core/base/file_descriptor.hpp"
#include "core/base/storage_kind.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace backup::backend {

namespace {

int result_of(int returned) {
    return returned == 0 ? 0 : errno;
}

FileInfo to_info(const struct stat& from) {
    return {S_ISREG(from.st_mode),
            S_ISDIR(from.st_mode),
            static_cast<std::uint64_t>(from.st_size),
            from.st_mtim.tv_sec,
            from.st_nlink};
}

class PosixNewFile : public NewFile {
  public:
    explicit PosixNewFile(FileDescriptor file) : file_(std::move(file)) {}

    int write(ByteView bytes) override {
        return write_whole(bytes, [this](ByteView rest) {
            return ::write(file_.get(), rest.data(), rest.size());
        });
    }

    void start_writeback(std::uint64_t offset, std::uint64_t size) override {
        ::sync_file_range(file_.get(),
                          static_cast<off_t>(offset),
                          static_cast<off_t>(size),
                          SYNC_FILE_RANGE_WRITE);
    }

    int sync() override { return result_of(::fdatasync(file_.get())); }

  private:
    FileDescriptor file_;
};

class PosixOpenFile : public OpenFile {
  public:
    PosixOpenFile(FileDescriptor file, const FileInfo& info)
        : file_(std::move(file)),
          info_(info) {}

    FileInfo info() const override { return info_; }

    int read(std::uint64_t offset, std::span<std::byte> out, std::size_t& filled) override {
        filled = 0;
        while (filled < out.size()) {
            const auto rest = out.subspan(filled);
            const auto count =
                ::pread(file_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + filled));
            if (count == 0) {
                break;
            }
            if (count > 0) {
                filled += static_cast<std::size_t>(count);
            } else if (errno != EINTR) {
                return errno;
            }
        }
        return 0;
    }

  private:
    FileDescriptor file_;
    FileInfo info_;
};

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

int PosixFileSystem::create(const Path& path, unsigned mode, std::unique_ptr<NewFile>& file) {
    FileDescriptor opened(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!opened) {
        return errno;
    }
    file = std::make_unique<PosixNewFile>(std::move(opened));
    return 0;
}

int PosixFileSystem::open(const Path& path, std::unique_ptr<OpenFile>& file) {
    // A pipe in the place of a file must not hold us up.
    FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));

    struct stat found {};

    if (!opened || ::fstat(opened.get(), &found) != 0) {
        return errno;
    }
    file = std::make_unique<PosixOpenFile>(std::move(opened), to_info(found));
    return 0;
}

int PosixFileSystem::link(const Path& from, const Path& to) {
    return result_of(::link(from.c_str(), to.c_str()));
}

int PosixFileSystem::rename_without_overwriting(const Path& from, const Path& to) {
    return result_of(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE));
}

int PosixFileSystem::rename(const Path& from, const Path& to) {
    return result_of(::rename(from.c_str(), to.c_str()));
}

int PosixFileSystem::unlink(const Path& path) {
    return result_of(::unlink(path.c_str()));
}

int PosixFileSystem::make_directory(const Path& path, unsigned mode) {
    return result_of(::mkdir(path.c_str(), mode));
}

int PosixFileSystem::sync_directory(const Path& path) {
    const FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return opened ? result_of(::fsync(opened.get())) : errno;
}

int PosixFileSystem::stat(const Path& path, FileInfo& info) {
    struct stat found {};

    if (::stat(path.c_str(), &found) != 0) {
        return errno;
    }
    info = to_info(found);
    return 0;
}

int PosixFileSystem::list(const Path& directory, std::vector<std::string>& names) {
    const std::unique_ptr<DIR, CloseDirectory> opened(::opendir(directory.c_str()));
    if (opened == nullptr) {
        return errno;
    }
    for (;;) {
        errno = 0;
        const auto* const entry = ::readdir(opened.get());
        if (entry == nullptr) {
            return errno;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
}

int PosixFileSystem::reserve(const Path& path, std::uint64_t size, unsigned mode) {
    const FileDescriptor opened(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!opened) {
        return errno;
    }
    const int error_number = result_of(::fallocate(opened.get(), 0, 0, static_cast<off_t>(size)));
    if (error_number != 0) {
        ::unlink(path.c_str());
    }
    return error_number;
}

std::uint64_t PosixFileSystem::free_bytes(const Path& directory) {
    struct statvfs found {};

    return ::statvfs(directory.c_str(), &found) == 0
               ? std::uint64_t{found.f_bavail} * std::uint64_t{found.f_frsize}
               : 0;
}

bool PosixFileSystem::lists_at_once(const Path& directory) {
    return storage_kind_of(directory) != StorageKind::Remote;
}

}  // namespace backup::backend
