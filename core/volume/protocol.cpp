// SPDX-License-Identifier: Apache-2.0
#include "core/volume/protocol.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::volume {

namespace {

constexpr std::uint32_t kTaskVersion = 3;
constexpr std::size_t kMostPatterns = 4096;
constexpr std::uint32_t kMostThreads = 64;
constexpr std::uint32_t kLargestWindow = 512U << 20U;

enum class ContentKind : std::uint8_t { Start = 1, Chunk = 2, Hole = 3, Inline = 4, End = 5 };

constexpr unsigned kVerifyFrames = 1;
constexpr unsigned kCrosses = 2;
constexpr unsigned kBlock = 4;

constexpr unsigned kChanged = 1;
constexpr unsigned kRacy = 2;
constexpr unsigned kGone = 4;

Message make(MessageType type, ByteWriter& out) {
    return Message{static_cast<std::uint8_t>(type), out.take(), {}};
}

template <typename Array>
void read_array(ByteReader& in, Array& out) {
    const ByteView bytes = in.bytes(out.size());
    std::copy(bytes.begin(), bytes.end(), out.begin());
}

void write_list(ByteWriter& out, const std::vector<std::string>& texts) {
    out.number(static_cast<std::uint32_t>(texts.size()));
    for (const std::string& text : texts) {
        out.sized(text);
    }
}

std::vector<std::string> read_list(ByteReader& in) {
    const auto count = in.number<std::uint32_t>();
    if (count > kMostPatterns) {
        throw Error(ErrorCode::CorruptData, "task with too many patterns");
    }
    std::vector<std::string> texts(count);
    for (std::string& text : texts) {
        text = in.sized_text();
    }
    return texts;
}

class ContentEncoder {
  public:
    explicit ContentEncoder(ByteWriter& out) : out_(out) {}

    void operator()(const FileStart& item) {
        kind(ContentKind::Start);
        out_.number(item.number);
    }

    void operator()(const ChunkItem& item) {
        kind(ContentKind::Chunk);
        out_.bytes(item.id.bytes);
        out_.number(item.length);
    }

    void operator()(const HoleItem& item) {
        kind(ContentKind::Hole);
        out_.number(item.length);
    }

    void operator()(const InlineItem& item) {
        kind(ContentKind::Inline);
        out_.sized(item.bytes);
    }

    void operator()(const FileEnd& item) {
        kind(ContentKind::End);
        out_.number(item.size);
        out_.number(static_cast<std::uint64_t>(item.mtime_ns));
        out_.number(static_cast<std::uint64_t>(item.ctime_ns));
        out_.number(static_cast<std::uint8_t>((item.changed_while_read ? kChanged : 0U) |
                                              (item.is_racy ? kRacy : 0U) |
                                              (item.is_gone ? kGone : 0U)));
        out_.sized(item.unreadable);
    }

  private:
    void kind(ContentKind kind) { out_.number(static_cast<std::uint8_t>(kind)); }

    ByteWriter& out_;
};

FileEnd decode_file_end(ByteReader& in) {
    FileEnd end;
    end.size = in.number<std::uint64_t>();
    end.mtime_ns = static_cast<std::int64_t>(in.number<std::uint64_t>());
    end.ctime_ns = static_cast<std::int64_t>(in.number<std::uint64_t>());
    const auto flags = in.number<std::uint8_t>();
    end.changed_while_read = (flags & kChanged) != 0;
    end.is_racy = (flags & kRacy) != 0;
    end.is_gone = (flags & kGone) != 0;
    end.unreadable = in.sized_text();
    return end;
}

ContentItem decode_content_item(ByteReader& in) {
    switch (static_cast<ContentKind>(in.number<std::uint8_t>())) {
        case ContentKind::Start:
            return FileStart{in.number<std::uint64_t>()};
        case ContentKind::Chunk: {
            ChunkItem chunk;
            read_array(in, chunk.id.bytes);
            chunk.length = in.number<std::uint32_t>();
            return chunk;
        }
        case ContentKind::Hole:
            return HoleItem{in.number<std::uint64_t>()};
        case ContentKind::Inline:
            return InlineItem{in.sized_text()};
        case ContentKind::End:
            return decode_file_end(in);
    }
    throw Error(ErrorCode::CorruptData, "content message with an unknown item");
}

}  // namespace

Message encode_read_task(const ReadTask& task) {
    ByteWriter out;
    out.number(kTaskVersion);
    out.bytes(task.chunk_id_key);
    out.bytes(task.chunker_key);
    for (const std::uint32_t number : {task.chunker.min_bytes,
                                       task.chunker.average_bytes,
                                       task.chunker.max_bytes,
                                       task.frame_bytes,
                                       task.inline_limit_bytes,
                                       task.compression_level,
                                       task.readers,
                                       task.packers,
                                       task.batches_ahead,
                                       task.window_bytes}) {
        out.number(number);
    }
    out.number(task.read_limit);
    std::uint32_t flags = 0;
    flags |= task.verify_frames ? kVerifyFrames : 0U;
    flags |= task.crosses_file_systems ? kCrosses : 0U;
    flags |= task.is_block_device ? kBlock : 0U;
    out.number(flags);
    out.sized(task.path);
    write_list(out, task.include);
    write_list(out, task.exclude);
    return make(MessageType::ReadTask, out);
}

ReadTask decode_read_task(const Message& message) {
    ByteReader in(message.payload, "read task");
    if (in.number<std::uint32_t>() != kTaskVersion) {
        throw Error(ErrorCode::MoverFailed, "task of an unknown version");
    }
    ReadTask task;
    read_array(in, task.chunk_id_key);
    read_array(in, task.chunker_key);
    for (std::uint32_t* number : {&task.chunker.min_bytes,
                                  &task.chunker.average_bytes,
                                  &task.chunker.max_bytes,
                                  &task.frame_bytes,
                                  &task.inline_limit_bytes,
                                  &task.compression_level,
                                  &task.readers,
                                  &task.packers,
                                  &task.batches_ahead,
                                  &task.window_bytes}) {
        *number = in.number<std::uint32_t>();
    }
    task.read_limit = in.number<std::uint64_t>();
    const auto flags = in.number<std::uint32_t>();
    task.verify_frames = (flags & kVerifyFrames) != 0;
    task.crosses_file_systems = (flags & kCrosses) != 0;
    task.is_block_device = (flags & kBlock) != 0;
    task.path = in.sized_text();
    task.include = read_list(in);
    task.exclude = read_list(in);
    in.expect_end();
    task.chunker.check();
    if (task.frame_bytes == 0 || task.frame_bytes > (1U << 20U) || task.readers == 0 ||
        task.readers > kMostThreads || task.packers == 0 || task.packers > kMostThreads ||
        task.inline_limit_bytes > kEntryBatchBytes || task.batches_ahead == 0 ||
        task.batches_ahead > kEntryBatchWindow || task.window_bytes > kLargestWindow) {
        throw Error(ErrorCode::CorruptData, "task with numbers out of range");
    }
    return task;
}

Message encode_wanted(const Wanted& wanted) {
    ByteWriter out;
    out.number(wanted.batch);
    for (const std::uint16_t position : wanted.positions) {
        out.number(position);
    }
    return make(MessageType::Wanted, out);
}

Wanted decode_wanted(const Message& message) {
    ByteReader in(message.payload, "answer to entries");
    Wanted wanted;
    wanted.batch = in.number<std::uint64_t>();
    wanted.positions.reserve(in.remaining() / 2);
    while (in.remaining() > 0) {
        wanted.positions.push_back(in.number<std::uint16_t>());
    }
    return wanted;
}

Message encode_content(const ContentBatch& batch) {
    ByteWriter out;
    out.number(batch.number);
    for (const ContentItem& item : batch.items) {
        std::visit(ContentEncoder(out), item);
    }
    return make(MessageType::Content, out);
}

ContentBatch decode_content(const Message& message) {
    ByteReader in(message.payload, "content message");
    ContentBatch batch;
    batch.number = in.number<std::uint64_t>();
    while (in.remaining() > 0) {
        batch.items.push_back(decode_content_item(in));
    }
    return batch;
}

Message encode_missing(const Missing& missing) {
    ByteWriter out;
    out.number(missing.batch);
    for (const bool send : missing.send) {
        out.number(static_cast<std::uint8_t>(send ? 1 : 0));
    }
    return make(MessageType::Missing, out);
}

Missing decode_missing(const Message& message) {
    ByteReader in(message.payload, "answer to content");
    Missing missing;
    missing.batch = in.number<std::uint64_t>();
    for (const std::byte send : in.bytes(in.remaining())) {
        missing.send.push_back(send != std::byte{0});
    }
    return missing;
}

Message encode_frames(content::FrameGroup group) {
    ByteWriter out;
    for (const content::PlacedChunk& chunk : group.chunks) {
        out.bytes(chunk.id.bytes);
        out.number(static_cast<std::uint8_t>(chunk.kind));
        out.number(chunk.first_frame);
        out.number(chunk.offset);
        out.number(chunk.length);
    }
    Message message;
    for (content::Frame& frame : group.frames) {
        out.number(frame.plain_bytes);
        out.number(static_cast<std::uint8_t>(frame.is_compressed ? 1 : 0));
        message.blobs.push_back(std::move(frame.stored));
    }
    out.number(static_cast<std::uint32_t>(group.chunks.size()));
    message.type = static_cast<std::uint8_t>(MessageType::Frames);
    message.payload = out.take();
    return message;
}

content::FrameGroup decode_frames(Message message) {
    constexpr std::size_t kChunkBytes = 32 + 1 + 3 * 4;
    constexpr std::size_t kFrameBytes = 5;
    const ByteView payload = message.payload;
    const std::size_t frame_bytes = kFrameBytes * message.blobs.size() + 4;
    if (payload.size() < frame_bytes || (payload.size() - frame_bytes) % kChunkBytes != 0) {
        throw Error(ErrorCode::CorruptData, "frames message of an impossible length");
    }
    ByteReader in(payload, "frames message");
    content::FrameGroup group;
    group.chunks.resize((payload.size() - frame_bytes) / kChunkBytes);
    for (content::PlacedChunk& chunk : group.chunks) {
        read_array(in, chunk.id.bytes);
        chunk.kind = static_cast<content::ChunkKind>(in.number<std::uint8_t>());
        chunk.first_frame = in.number<std::uint32_t>();
        chunk.offset = in.number<std::uint32_t>();
        chunk.length = in.number<std::uint32_t>();
    }
    for (Bytes& blob : message.blobs) {
        content::Frame& frame = group.frames.emplace_back();
        frame.plain_bytes = in.number<std::uint32_t>();
        frame.is_compressed = in.number<std::uint8_t>() != 0;
        frame.stored = std::move(blob);
    }
    if (in.number<std::uint32_t>() != group.chunks.size()) {
        throw Error(ErrorCode::CorruptData, "frames message with a wrong count of chunks");
    }
    return group;
}

Message encode_finished(const ReadTotals& totals) {
    ByteWriter out;
    out.number(totals.used_bytes);
    out.number(totals.used_inodes);
    out.number(totals.bytes_read);
    out.number(totals.not_included);
    return make(MessageType::Finished, out);
}

ReadTotals decode_finished(const Message& message) {
    ByteReader in(message.payload, "totals of the mover");
    ReadTotals totals;
    totals.used_bytes = in.number<std::uint64_t>();
    totals.used_inodes = in.number<std::uint64_t>();
    totals.bytes_read = in.number<std::uint64_t>();
    totals.not_included = in.number<std::uint64_t>();
    in.expect_end();
    return totals;
}

Message encode_number(MessageType type, std::uint64_t number) {
    ByteWriter out;
    out.number(number);
    return make(type, out);
}

std::uint64_t decode_number(const Message& message) {
    ByteReader in(message.payload, "message");
    const auto number = in.number<std::uint64_t>();
    in.expect_end();
    return number;
}

Message encode_failure(const Error& error) {
    ByteWriter out;
    out.sized(info_of(error.code()).name);
    out.sized(error.what());
    out.sized(error.hint());
    return make(MessageType::Failure, out);
}

void throw_failure(const Message& message) {
    ByteReader in(message.payload, "failure message");
    const std::string name = in.sized_text();
    ErrorCode code = ErrorCode::MoverFailed;
    for (const ErrorCodeInfo& known : all_error_codes()) {
        if (known.name == name) {
            code = known.code;
        }
    }
    std::string text = printable(in.sized_text());
    throw Error(code, std::move(text)).hint(printable(in.sized_text()));
}

void throw_unexpected(const Message& message) {
    throw Error(
        ErrorCode::CorruptData,
        concat("message of type ", static_cast<unsigned>(message.type), " is not expected here"));
}

}  // namespace backup::volume
