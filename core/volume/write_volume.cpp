// SPDX-License-Identifier: Apache-2.0
#include "core/volume/write_volume.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/content/compression.hpp"
#include "core/volume/directory_sink.hpp"
#include "core/volume/open_below.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace backup::volume {

namespace {

/// A batch may pass its target by one item; nothing a client sends comes near this.
constexpr std::uint32_t kBatchLimit = 4U << 20U;

Bytes plain_batch(const Message& message, content::Decompressor& decompressor) {
    ByteReader in(message.payload, "items message");
    const auto plain_bytes = in.number<std::uint32_t>();
    const bool is_compressed = in.number<std::uint8_t>() != 0;
    in.expect_end();
    if (message.blobs.size() != 1 || plain_bytes > kBatchLimit ||
        (!is_compressed && message.blobs[0].size() != plain_bytes)) {
        throw Error(ErrorCode::CorruptData, "items message of an impossible length");
    }
    if (!is_compressed) {
        return message.blobs[0];
    }
    Bytes plain(plain_bytes);
    decompressor.decompress(message.blobs[0], plain);
    return plain;
}

/// Carries the items out and holds the client to the rules of TreeSink.
class ItemWriter {
  public:
    /// `top_name`: what the one entry of the root is called instead; empty: its own name.
    ItemWriter(TreeSink& sink, std::string top_name)
        : sink_(sink),
          top_name_(std::move(top_name)) {}

    void take(ByteReader& in) {
        const auto kind = static_cast<ItemKind>(in.number<std::uint8_t>());
        const bool belongs_to_file = kind == ItemKind::Data || kind == ItemKind::Hole ||
                                     kind == ItemKind::EndFile || kind == ItemKind::AbandonFile;
        const bool is_first = kind == ItemKind::BeginDirectory && !was_begun_;
        if (belongs_to_file != is_in_file_ || (depth_ == 0 && !is_first)) {
            throw Error(ErrorCode::CorruptData, "items in an impossible order");
        }
        if (belongs_to_file) {
            take_part(kind, in);
        } else {
            take_entry(kind, in);
        }
    }

    bool is_complete() const { return was_begun_ && depth_ == 0; }

  private:
    void take_part(ItemKind kind, ByteReader& in) {
        if (kind == ItemKind::Data) {
            sink_.write(in.sized());
        } else if (kind == ItemKind::Hole) {
            sink_.skip(in.number<std::uint64_t>());
        } else {
            is_in_file_ = false;
            if (kind == ItemKind::EndFile) {
                sink_.end_file();
            } else {
                sink_.abandon_file(in.sized_text());
            }
        }
    }

    void take_entry(ItemKind kind, ByteReader& in) {
        switch (kind) {
            case ItemKind::BeginDirectory:
                if (depth_ > kDeepestDirectory) {
                    throw Error(ErrorCode::CorruptData, "directories are nested too deeply");
                }
                sink_.begin_directory(take_attributes(in));
                was_begun_ = true;
                ++depth_;
                break;
            case ItemKind::EndDirectory:
                sink_.end_directory();
                --depth_;
                break;
            case ItemKind::BeginFile:
                sink_.begin_file(take_attributes(in));
                is_in_file_ = true;
                break;
            case ItemKind::Node:
                sink_.add(take_attributes(in));
                break;
            case ItemKind::Link: {
                const model::FileEntry entry = take_attributes(in);
                sink_.add_link(entry, renamed_path(in.sized_text()));
                break;
            }
            default:
                throw Error(ErrorCode::CorruptData, "unknown item");
        }
    }

    model::FileEntry take_attributes(ByteReader& in) const {
        model::FileEntry entry = decode_entry(in, depth_ == 0);
        if (depth_ == 1 && !top_name_.empty()) {
            entry.name = top_name_;
        }
        return entry;
    }

    std::string renamed_path(std::string path) const {
        if (top_name_.empty()) {
            return path;
        }
        const std::size_t slash = path.find('/');
        return top_name_ + (slash == std::string::npos ? "" : path.substr(slash));
    }

    TreeSink& sink_;
    std::string top_name_;
    std::size_t depth_ = 0;
    bool was_begun_ = false;
    bool is_in_file_ = false;
};

void take_items(ItemWriter& writer, Channel& channel, const std::stop_token& stop) {
    content::Decompressor decompressor;
    for (;;) {
        const auto message = channel.receive(stop);
        if (!message) {
            throw Error(ErrorCode::MoverFailed, "the client ended the transfer too early");
        }
        switch (type_of(*message)) {
            case MessageType::Complete:
                if (!writer.is_complete()) {
                    throw Error(ErrorCode::CorruptData, "the tree to write is not complete");
                }
                return;
            case MessageType::Failure:
                throw_failure(*message);
            case MessageType::Items:
                break;
            default:
                throw_unexpected(*message);
        }
        const Bytes plain = plain_batch(*message, decompressor);
        for (ByteReader in(plain, "items message"); in.remaining() > 0;) {
            writer.take(in);
        }
    }
}

struct Place {
    FileDescriptor directory;
    std::string top_name;
};

[[noreturn]] void refuse_place(int reason, const std::string& below) {
    if (reason == ELOOP || reason == ENOTDIR) {
        throw Error(
            ErrorCode::InvalidArgument,
            concat("the path ", printable(below), " leads through a symbolic link or a file"))
            .hint("name the place it leads to instead");
    }
    throw system_error(reason, concat("open ", printable(below)));
}

Place find_place(const WriteTask& task) {
    FileDescriptor root = open_file(task.path, O_RDONLY | O_DIRECTORY);
    FileDescriptor directory = open_directory_below(root.get(), task.below);
    const int reason = errno;
    if (directory) {
        return {std::move(directory), task.name};
    }
    if (reason != ENOENT && (task.name.empty() || reason != ENOTDIR)) {
        refuse_place(reason, task.below);
    }
    const std::size_t slash = task.below.rfind('/');
    const bool has_parent = slash != std::string::npos;
    const std::string last = has_parent ? task.below.substr(slash + 1) : task.below;
    const std::string parent = has_parent ? task.below.substr(0, slash) : std::string();
    directory = open_directory_below(root.get(), parent);
    if (!directory) {
        refuse_place(errno, parent);
    }
    if (!task.name.empty()) {
        return {std::move(directory), last};
    }
    if (::mkdirat(directory.get(), last.c_str(), 0700) != 0) {
        refuse_place(errno, task.below);
    }
    return {open_component(directory.get(), last, O_RDONLY | O_DIRECTORY), {}};
}

}  // namespace

void write_volume(const WriteTask& task, Channel& channel, const std::stop_token& stop) {
    const auto failure = failure_of([&] {
        Place place = find_place(task);
        SinkOptions options = task.options;
        options.restores_root = options.restores_root && task.name.empty();
        DirectorySink sink(std::move(place.directory), task.below, options);
        ItemWriter writer(sink, place.top_name);
        take_items(writer, channel, stop);
        channel.send(encode_write_done(sink.finish()), stop);
    });
    if (failure) {
        failure_of([&] { channel.send(encode_failure(*failure), stop); });
        throw *failure;
    }
}

}  // namespace backup::volume
