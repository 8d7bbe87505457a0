// SPDX-License-Identifier: Apache-2.0
#include "core/restore/restore_volume.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/restore/file_crew.hpp"
#include "core/restore/free_space.hpp"
#include "core/restore/write_tree.hpp"
#include "core/view/read_content.hpp"
#include "core/volume/channel_sink.hpp"
#include "core/volume/directory_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backup::restore {

namespace {

constexpr std::size_t kPiece = 1U << 20U;

/// A file or block device that is written from its beginning to its end.
class ImageTarget {
  public:
    ImageTarget(const std::filesystem::path& path, std::uint64_t size, bool overwrites)
        : name_(printable(path.string())) {
        const bool exists = std::filesystem::exists(path);
        is_device_ = std::filesystem::is_block_file(path);
        if (exists && !overwrites) {
            throw Error(ErrorCode::AlreadyExists, concat(name_, " is there already"))
                .hint("take another path, or allow it to be overwritten");
        }
        const int kind = is_device_ ? O_EXCL : O_CREAT | O_TRUNC;
        file_ = open_file(path, O_WRONLY | kind, 0600);
        if (is_device_) {
            check_room(size);
        } else if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
            throw system_error(errno, concat("make ", name_));
        }
    }

    void write(ByteView bytes, std::uint64_t offset) {
        pwrite_all(file_.get(), bytes, offset, name_);
    }

    void skip(std::uint64_t offset, std::uint64_t length) {
        if (!is_device_ || length == 0) {
            return;
        }
        std::uint64_t range[2] = {offset, length};
        if (::ioctl(file_.get(), BLKZEROOUT, range) == 0) {
            return;
        }
        const Bytes zeros(kPiece);
        while (length > 0) {
            const auto count = std::min<std::uint64_t>(length, kPiece);
            write(ByteView(zeros).first(static_cast<std::size_t>(count)), offset);
            offset += count;
            length -= count;
        }
    }

    void sync() {
        if (::fsync(file_.get()) != 0) {
            throw system_error(errno, concat("write ", name_, " to disk"));
        }
    }

  private:
    void check_room(std::uint64_t size) {
        std::uint64_t room = 0;
        if (::ioctl(file_.get(), BLKGETSIZE64, &room) != 0) {
            throw system_error(errno, concat("ask ", name_, " for its size"));
        }
        if (room < size) {
            throw Error(ErrorCode::NoSpace,
                        concat(name_, " has ", room, " bytes, the image ", size));
        }
    }

    std::string name_;
    FileDescriptor file_;
    bool is_device_ = false;
};

void copy_image(view::Node& node,
                std::uint64_t size,
                ImageTarget& target,
                const std::stop_token& stop) {
    // A device is written in whole blocks: pieces end anywhere.
    Bytes waiting;
    std::uint64_t written = 0;
    const auto write = [&](std::size_t count) {
        target.write(ByteView(waiting).first(count), written);
        written += count;
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
    };
    const auto copy = [&](const view::ContentRun& run) {
        if (run.hole_bytes > 0) {
            write(waiting.size());
            target.skip(written, run.hole_bytes);
            written += run.hole_bytes;
        }
        for (const auto& piece : run.data) {
            append(waiting, piece.bytes);
        }
        write(waiting.size() - waiting.size() % kPiece);
    };
    view::ContentReading reading;
    reading.is_ahead = view::is_long(size);
    if (const auto failure = view::read_content(node, size, reading, stop, copy)) {
        throw Error(*failure);
    }
    write(waiting.size());
}

}  // namespace

volume::SinkResult restore_volume_to_directory(const view::NodePointer& node,
                                               const std::filesystem::path& target,
                                               const VolumeRestore& options,
                                               std::stop_token stop) {
    check_room(node, target, stop);
    volume::DirectorySink sink(
        volume::open_target_directory(target), target.string(), options.options);
    FileCrew crew(stop, options.progress);
    TreeWriter writer(sink, std::move(stop), options.progress);
    writer.share_files(sink, crew);
    writer.write_root(node);
    return writer.finish();
}

volume::SinkResult copy_to_local(const view::NodePointer& node,
                                 const std::filesystem::path& target,
                                 const VolumeRestore& options,
                                 std::stop_token stop) {
    const auto place = std::filesystem::absolute(target).lexically_normal();
    const auto full = place.has_filename() ? place : place.parent_path();

    struct stat status {};

    if (!options.options.overwrites && ::lstat(full.c_str(), &status) == 0) {
        throw Error(ErrorCode::AlreadyExists,
                    concat(printable(target.string()), " is there already"))
            .hint("take another name, or allow it to be overwritten");
    }
    // Through a link too, as /dev/stdout is one: a device must not be replaced by a file.
    if (::stat(full.c_str(), &status) == 0 && !S_ISREG(status.st_mode) &&
        !S_ISDIR(status.st_mode)) {
        if (S_ISBLK(status.st_mode) && node->type() == model::FileType::Regular) {
            return restore_image(node, full, options, std::move(stop));
        }
        throw Error(ErrorCode::InvalidArgument,
                    concat(printable(target.string()), " is a device or a pipe, not a file"))
            .hint("take another name");
    }
    check_room(node, full, stop);
    volume::SinkOptions sink_options = options.options;
    // The directory around it has other files; the name itself was just looked at.
    sink_options.overwrites = true;
    sink_options.restores_root = false;
    volume::DirectorySink sink(open_file(full.parent_path(), O_RDONLY | O_DIRECTORY),
                               full.parent_path().string(),
                               sink_options);
    FileCrew crew(stop, options.progress);
    TreeWriter writer(sink, std::move(stop), options.progress);
    writer.share_files(sink, crew);
    writer.write_alone(node, full.filename().string());
    return writer.finish();
}

volume::SinkResult restore_image(const view::NodePointer& node,
                                 const std::filesystem::path& target,
                                 const VolumeRestore& options,
                                 std::stop_token stop) {
    const model::FileEntry entry = attributes_of(*node);
    view::DirectoryTrail().pass_content(*node, entry.size);
    if (!std::filesystem::is_block_file(target)) {
        check_room(node, target, stop);
    }
    ImageTarget image(target, entry.size, options.options.overwrites);
    copy_image(*node, entry.size, image, stop);
    image.sync();
    volume::SinkResult result;
    result.files = 1;
    result.bytes = entry.size;
    return result;
}

volume::SinkResult restore_volume_to_mover(const view::NodePointer& node,
                                           volume::Channel& channel,
                                           const volume::WriteTask& task,
                                           Progress* progress,
                                           std::stop_token stop) {
    volume::ChannelSink sink(channel, task, stop);
    TreeWriter writer(sink, stop, progress);
    if (task.name.empty()) {
        writer.write_root(node);
    } else {
        writer.write_alone(node, task.name);
    }
    return writer.finish();
}

}  // namespace backup::restore
