// SPDX-License-Identifier: Apache-2.0
#include "core/volume/channel_sink.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/directory_sink.hpp"
#include "core/volume/open_below.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace backup::volume {

namespace {

enum class ItemKind : std::uint8_t {
    BeginDirectory = 1,
    EndDirectory = 2,
    BeginFile = 3,
    Data = 4,
    Hole = 5,
    EndFile = 6,
    AbandonFile = 7,
    Node = 8,
    Link = 9,
};

constexpr std::size_t kBatchBytes = 512U << 10U;
/// A batch may pass its target by one item; nothing a client sends comes near this.
constexpr std::uint32_t kBatchLimit = 4U << 20U;

constexpr std::uint8_t code(ItemKind kind) {
    return static_cast<std::uint8_t>(kind);
}

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

ChannelSink::ChannelSink(Channel& channel, const WriteTask& task, std::stop_token stop)
    : channel_(channel),
      stop_(std::move(stop)) {
    send(encode_write_task(task));
}

/// Before it fails, a mover says why: that is the error, not the broken stream.
void ChannelSink::send(Message message) {
    if (const auto broken = failure_of([&] { channel_.send(std::move(message), stop_); })) {
        std::optional<Message> last;
        failure_of([&] { last = channel_.receive(stop_); });
        if (last && type_of(*last) == MessageType::Failure) {
            throw_failure(*last);
        }
        throw *broken;
    }
}

void ChannelSink::flush() {
    const Bytes plain = std::exchange(batch_, ByteWriter()).take();
    if (plain.empty()) {
        return;
    }
    auto compressed = compressor_.compress(plain);
    ByteWriter head;
    head.number(static_cast<std::uint32_t>(plain.size()));
    head.number(static_cast<std::uint8_t>(compressed ? 1 : 0));
    Message message{static_cast<std::uint8_t>(MessageType::Items), head.take(), {}};
    message.blobs.push_back(compressed ? std::move(*compressed) : plain);
    send(std::move(message));
}

ByteWriter& ChannelSink::item(std::uint8_t kind) {
    if (batch_.size() >= kBatchBytes) {
        flush();
    }
    batch_.number(kind);
    return batch_;
}

void ChannelSink::begin_directory(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::BeginDirectory)), entry);
}

void ChannelSink::end_directory() {
    item(code(ItemKind::EndDirectory));
}

void ChannelSink::begin_file(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::BeginFile)), entry);
}

void ChannelSink::write(ByteView bytes) {
    while (!bytes.empty()) {
        const auto part = bytes.first(std::min(bytes.size(), kBatchBytes));
        item(code(ItemKind::Data)).sized(part);
        bytes = bytes.subspan(part.size());
    }
}

void ChannelSink::skip(std::uint64_t hole_bytes) {
    item(code(ItemKind::Hole)).number(hole_bytes);
}

void ChannelSink::end_file() {
    item(code(ItemKind::EndFile));
}

void ChannelSink::abandon_file(std::string_view reason) {
    item(code(ItemKind::AbandonFile)).sized(reason);
}

void ChannelSink::add(const model::FileEntry& entry) {
    encode_entry(item(code(ItemKind::Node)), entry);
}

void ChannelSink::add_link(const model::FileEntry& entry, std::string_view target) {
    ByteWriter& out = item(code(ItemKind::Link));
    encode_entry(out, entry);
    out.sized(target);
}

SinkResult ChannelSink::finish() {
    flush();
    send(encode_number(MessageType::Complete, 0));
    const auto message = channel_.receive(stop_);
    if (!message) {
        throw Error(ErrorCode::MoverFailed, "the mover ended before everything was written");
    }
    if (type_of(*message) == MessageType::Failure) {
        throw_failure(*message);
    }
    if (type_of(*message) != MessageType::WriteDone) {
        throw_unexpected(*message);
    }
    SinkResult result = decode_write_done(*message);
    channel_.finish(stop_);
    return result;
}

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
