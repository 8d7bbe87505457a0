// SPDX-License-Identifier: Apache-2.0
#include "core/base/file_descriptor.hpp"

#include "core/base/error.hpp"
#include "core/base/random.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace backup {

namespace {

template <typename ReadAt>
std::size_t read_fully(std::span<std::byte> buffer, std::string_view what, ReadAt read_at) {
    std::size_t done = 0;
    while (done < buffer.size()) {
        const auto count = read_at(buffer.subspan(done), done);
        if (count == 0) {
            break;
        }
        if (count > 0) {
            done += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            throw system_error(errno, what);
        }
    }
    return done;
}

void write_fully(ByteView bytes, std::string_view what, const WriteSome& write_some) {
    if (const int error_number = write_whole(bytes, write_some); error_number != 0) {
        throw system_error(error_number, what);
    }
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
    const auto directory = path.parent_path();
    return directory.empty() ? std::filesystem::path(".") : directory;
}

/// A file that goes away unless it was kept.
class TemporaryFile {
  public:
    TemporaryFile(const std::filesystem::path& target, unsigned mode) : path_(beside(target)) {
        file_ = open_file(path_, O_WRONLY | O_CREAT | O_EXCL, mode);
    }

    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    ~TemporaryFile() {
        if (!kept_) {
            ::unlink(path_.c_str());
        }
    }

    void write(ByteView bytes) {
        const auto what = concat("write ", path_.native());
        write_all(file_.get(), bytes, what);
        if (::fsync(file_.get()) != 0) {
            throw system_error(errno, what);
        }
    }

    void keep_as(const std::filesystem::path& target) {
        if (::rename(path_.c_str(), target.c_str()) != 0) {
            throw system_error(errno, concat("write ", target.native()));
        }
        kept_ = true;
    }

  private:
    static std::filesystem::path beside(const std::filesystem::path& target) {
        SystemRandom random;
        return directory_of(target) / concat(".tmp-", to_hex(random.bytes(8)));
    }

    std::filesystem::path path_;
    FileDescriptor file_;
    bool kept_ = false;
};

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = std::exchange(other.number_, -1);
    }
    return *this;
}

void FileDescriptor::close() {
    if (number_ >= 0) {
        // Linux releases the number even on EINTR: trying again could close another file.
        ::close(std::exchange(number_, -1));
    }
}

FileDescriptor open_file(const std::filesystem::path& path, int flags, unsigned mode) {
    int number = -1;
    do {
        number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    } while (number < 0 && errno == EINTR);
    if (number < 0) {
        throw system_error(errno, concat("open ", path.native()));
    }
    return FileDescriptor(number);
}

std::size_t read_up_to(int fd, std::span<std::byte> buffer, std::string_view what) {
    return read_fully(buffer, what, [fd](std::span<std::byte> rest, std::size_t) {
        return ::read(fd, rest.data(), rest.size());
    });
}

std::size_t pread_up_to(int fd,
                        std::span<std::byte> buffer,
                        std::uint64_t offset,
                        std::string_view what) {
    return read_fully(buffer, what, [fd, offset](std::span<std::byte> rest, std::size_t done) {
        return ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
}

int write_whole(ByteView bytes, const WriteSome& write_some) {
    while (!bytes.empty()) {
        const auto count = write_some(bytes);
        // One that takes nothing without saying why would be asked for ever.
        if (count == 0) {
            return EIO;
        }
        if (count > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void write_all(int fd, ByteView bytes, std::string_view what) {
    write_fully(bytes, what, [fd](ByteView rest) { return ::write(fd, rest.data(), rest.size()); });
}

void pwrite_all(int fd, ByteView bytes, std::uint64_t offset, std::string_view what) {
    write_fully(bytes, what, [&](ByteView rest) {
        const auto done = bytes.size() - rest.size();
        return ::pwrite(fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    });
}

Bytes read_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
    constexpr std::size_t step = 64U << 10U;
    const auto file = open_file(path, O_RDONLY);
    const auto what = concat("read ", path.native());

    struct stat info {};

    if (::fstat(file.get(), &info) != 0) {
        throw system_error(errno, what);
    }
    Bytes bytes;
    if (info.st_size > 0 && static_cast<std::uint64_t>(info.st_size) <= limit_bytes) {
        bytes.reserve(static_cast<std::size_t>(info.st_size) + step);
    }
    // The size of a pipe, or of a file that grows, is known only at its end.
    for (;;) {
        const auto at = bytes.size();
        bytes.resize(at + step);
        const auto count = read_up_to(file.get(), std::span(bytes).subspan(at), what);
        bytes.resize(at + count);
        if (bytes.size() > limit_bytes) {
            throw Error(ErrorCode::InvalidArgument,
                        concat(path.native(), " is larger than ", limit_bytes, " bytes"));
        }
        if (count < step) {
            return bytes;
        }
    }
}

void write_file_atomically(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
    TemporaryFile file(path, mode);
    file.write(bytes);
    file.keep_as(path);
    const auto directory = open_file(directory_of(path), O_RDONLY | O_DIRECTORY);
    // Some file systems cannot sync a directory; there the rename is as durable as it gets.
    if (::fsync(directory.get()) != 0 && errno != EINVAL && errno != EROFS) {
        throw system_error(errno, concat("sync ", directory_of(path).native()));
    }
}

}  // namespace backup
