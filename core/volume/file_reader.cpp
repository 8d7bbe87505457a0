// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/volume/file_attributes.hpp"
#include "core/volume/open_below.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::size_t kDeviceCut = 1U << 20U;

/// So many files, and the beginning of each, are asked from the disk before they are read.
constexpr std::size_t kFilesAhead = 16;
constexpr std::uint64_t kBytesAhead = 256U << 10U;

bool is_zero(ByteView bytes) {
    return bytes.empty() || (bytes[0] == std::byte{0} &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

bool is_same_state(const struct stat& before, const struct stat& after) {
    return before.st_size == after.st_size && mtime_ns(before) == mtime_ns(after) &&
           ctime_ns(before) == ctime_ns(after);
}

}  // namespace

FileReader::FileReader(const ReadTask& task, int root, ContentStage& stage, Clock& clock)
    : task_(task),
      stage_(stage),
      clock_(clock),
      chunker_(task.chunker_key, task.chunker),
      hasher_(task.chunk_id_key),
      chain_(root) {}

FileDescriptor FileReader::open(const FileToRead& file) {
    if (!open_path_ || (open_path_ != file.directory && *open_path_ != *file.directory)) {
        open_directory_ = chain_.open(*file.directory);
        open_path_ = open_directory_ >= 0 ? file.directory : nullptr;
    }
    if (open_directory_ < 0) {
        return {};
    }
    // O_NONBLOCK: a fifo that took the file's place must not hold us.
    return open_component(open_directory_, file.name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

FileReader::OpenFile FileReader::open_ahead(const FileToRead& file) {
    OpenFile opened;
    opened.file = open(file);
    ++stage_.steps();
    if (!opened.file) {
        opened.error = errno;
    } else if (task_.read_limit == 0) {
        const auto length = static_cast<off_t>(std::min(file.size, kBytesAhead));
        ::posix_fadvise(opened.file.get(), 0, length, POSIX_FADV_WILLNEED);
    }
    return opened;
}

void FileReader::read(const std::vector<FileToRead>& files, const std::stop_token& stop) {
    std::deque<OpenFile> ahead;
    std::size_t opened = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
        while (opened < files.size() && opened < i + kFilesAhead) {
            ahead.push_back(open_ahead(files[opened++]));
        }
        read(files[i], ahead.front(), stop);
        ahead.pop_front();
    }
}

void FileReader::read(const FileToRead& file, const OpenFile& opened, const std::stop_token& stop) {
    throw_if_stopped(stop);
    batch_.begin_file(file.number);
    FileEnd end;

    struct stat before {};

    if (!opened.file) {
        end.unreadable = system_error(opened.error, "open").message();
        end.is_gone = opened.error == ENOENT;
    } else if (::fstat(opened.file.get(), &before) != 0) {
        end.unreadable = system_error(errno, "open").message();
    } else if (!S_ISREG(before.st_mode)) {
        end.unreadable = "it is no regular file any more";
    } else {
        read_content(opened.file.get(), before, end, stop);
    }
    batch_.end_file(std::move(end));
}

void FileReader::read_content(int file,
                              const struct stat& status,
                              FileEnd& end,
                              const std::stop_token& stop) {
    end.mtime_ns = mtime_ns(status);
    end.ctime_ns = ctime_ns(status);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    read_error_ = 0;
    end.is_racy = is_racy(status, clock_.now());
    end.size = size <= chunker_.parameters().single_chunk_bytes() ? read_small(file, size, stop)
                                                                  : read_extents(file, size, stop);
    if (read_error_ != 0) {
        end.unreadable = system_error(read_error_, "read").message();
        end.size = 0;
        return;
    }

    struct stat after {};

    end.changed_while_read =
        ::fstat(file, &after) != 0 || !is_same_state(status, after) || end.size != size;
}

/// A file that cannot be read (EIO, a stale NFS handle) is a problem of its own: told by
/// read_error_, not thrown.
std::size_t FileReader::read_at(int file,
                                std::span<std::byte> out,
                                std::uint64_t offset,
                                const std::stop_token& stop) {
    std::size_t filled = 0;
    while (filled < out.size()) {
        const auto piece = static_cast<std::size_t>(
            std::min<std::uint64_t>(out.size() - filled, stage_.pace_piece()));
        stage_.pace(piece, stop);
        const auto count =
            ::pread(file, out.data() + filled, piece, static_cast<off_t>(offset + filled));
        ++stage_.steps();
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            read_error_ = errno;
        }
        if (count <= 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    stage_.count_read(filled);
    return filled;
}

std::uint64_t FileReader::read_small(int file, std::uint64_t size, const std::stop_token& stop) {
    if (size == 0) {
        return 0;
    }
    Bytes bytes(static_cast<std::size_t>(size));
    const std::size_t count = read_at(file, bytes, 0, stop);
    bytes.resize(count);
    if (count == 0 || read_error_ != 0) {
        return 0;
    }
    if (count <= task_.inline_limit_bytes) {
        batch_.items.emplace_back(InlineItem{std::string(as_text(bytes))});
        return count;
    }
    stage_.reserve(count, stop);
    const content::ChunkId id = hasher_(content::ChunkKind::Data, bytes);
    stage_.add(batch_, PlainChunk{id, std::move(bytes)}, stop);
    return count;
}

void FileReader::add_chunk(ByteView bytes, const std::stop_token& stop) {
    stage_.reserve(bytes.size(), stop);
    stage_.add(batch_, PlainChunk{hasher_(content::ChunkKind::Data, bytes), to_bytes(bytes)}, stop);
}

void FileReader::add_hole(std::uint64_t length) {
    if (length > 0) {
        batch_.items.emplace_back(HoleItem{length});
    }
}

std::uint64_t FileReader::read_extents(int file, std::uint64_t size, const std::stop_token& stop) {
    std::uint64_t at = 0;
    while (at < size) {
        const auto data = ::lseek(file, static_cast<off_t>(at), SEEK_DATA);
        ++stage_.steps();
        if (data < 0 && errno == ENXIO) {
            break;
        }
        // A file system that cannot tell its holes has one extent.
        const std::uint64_t begin = data < 0 ? at : static_cast<std::uint64_t>(data);
        const auto hole = data < 0 ? -1 : ::lseek(file, data, SEEK_HOLE);
        const std::uint64_t end = hole <= static_cast<off_t>(begin)
                                      ? size
                                      : std::min(size, static_cast<std::uint64_t>(hole));
        if (begin >= size) {
            break;
        }
        add_hole(begin - at);
        const std::uint64_t reached = read_extent(file, {begin, end}, stop);
        if (reached < end) {
            return reached;
        }
        at = end;
    }
    add_hole(size - at);
    return size;
}

std::uint64_t FileReader::read_extent(int file, Extent extent, const std::stop_token& stop) {
    const std::size_t longest = chunker_.parameters().max_bytes;
    buffer_.resize(2 * longest);
    std::size_t filled = 0;
    std::uint64_t at = extent.begin;  // of the next byte to read
    for (;;) {
        const auto want = static_cast<std::size_t>(
            std::min<std::uint64_t>(buffer_.size() - filled, extent.end - at));
        const std::size_t count = read_at(file, std::span(buffer_).subspan(filled, want), at, stop);
        if (read_error_ != 0) {
            return at;
        }
        filled += count;
        at += count;
        const bool is_last = count < want || at == extent.end;
        std::size_t cut = 0;
        while (filled - cut >= longest || (is_last && cut < filled)) {
            throw_if_stopped(stop);
            const ByteView rest = ByteView(buffer_).subspan(cut, filled - cut);
            const std::size_t length = chunker_.next_cut(rest, is_last);
            add_chunk(rest.first(length), stop);
            cut += length;
        }
        if (is_last) {
            return at;
        }
        std::memmove(buffer_.data(), buffer_.data() + cut, filled - cut);
        filled -= cut;
    }
}

void FileReader::read_device(int device, std::uint64_t size, const std::stop_token& stop) {
    batch_.begin_file(0);
    FileEnd end;
    const std::size_t cut = std::min<std::size_t>(kDeviceCut, task_.chunker.max_bytes);
    buffer_.resize(cut);
    std::uint64_t hole = 0;
    while (end.size < size) {
        throw_if_stopped(stop);
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(cut, size - end.size));
        const auto part = std::span(buffer_).first(want);
        if (read_at(device, part, end.size, stop) != want) {
            throw read_error_ != 0
                ? system_error(read_error_, "read the block device")
                : Error(ErrorCode::Io, "the block device became smaller while it was read");
        }
        end.size += want;
        if (is_zero(part)) {
            hole += want;
            continue;
        }
        add_hole(std::exchange(hole, 0));
        add_chunk(part, stop);
    }
    add_hole(hole);
    batch_.end_file(std::move(end));
    flush(stop);
}

}  // namespace backup::volume
