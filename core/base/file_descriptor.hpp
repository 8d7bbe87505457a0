// SPDX-License-Identifier: Apache-2.0
// An owned POSIX file descriptor, and whole reads and writes on one.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

namespace backup {

class FileDescriptor {
  public:
    FileDescriptor() = default;

    explicit FileDescriptor(int number) : number_(number) {}

    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    ~FileDescriptor() { close(); }

    int get() const { return number_; }

    explicit operator bool() const { return number_ >= 0; }

    int release() { return std::exchange(number_, -1); }

    void close();

  private:
    int number_ = -1;
};

/// open(2) with O_CLOEXEC; throws system_error naming the path.
FileDescriptor open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);

/// Reads until the buffer is full or the file ends; returns the bytes read. EINTR is retried.
std::size_t read_up_to(int fd, std::span<std::byte> buffer, std::string_view what);
std::size_t pread_up_to(int fd,
                        std::span<std::byte> buffer,
                        std::uint64_t offset,
                        std::string_view what);

/// write(2) or the like: takes some of the bytes and returns how many, or -1 and errno.
using WriteSome = std::function<std::int64_t(ByteView rest)>;
/// Calls it until everything is written; EINTR and short writes are continued. 0, or what errno
/// said; EIO when nothing was taken.
int write_whole(ByteView bytes, const WriteSome& write_some);

/// Writes everything; EINTR and short writes are continued.
void write_all(int fd, ByteView bytes, std::string_view what);
void pwrite_all(int fd, ByteView bytes, std::uint64_t offset, std::string_view what);

/// Whole small file; throws InvalidArgument when it is larger than `limit_bytes`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t limit_bytes = 64U << 20U);

/// Temporary file beside it, fsync, rename, fsync of the directory.
void write_file_atomically(const std::filesystem::path& path, ByteView bytes, unsigned mode = 0600);

}  // namespace backup
