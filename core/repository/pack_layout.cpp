// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_layout.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", reason));
}

content::ChunkId read_id(ByteReader& reader) {
    content::ChunkId id;
    const auto bytes = reader.bytes(id.bytes.size());
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    return id;
}

}  // namespace

Bytes encode_chunk_table(const std::vector<PackChunk>& chunks) {
    Bytes table(chunks.size() * format::kChunkTableEntryBytes);
    auto* at = table.data();
    for (const auto& chunk : chunks) {
        std::copy(chunk.id.bytes.begin(), chunk.id.bytes.end(), at);
        store_le(at + 32, chunk.first_frame);
        store_le(at + 36, chunk.offset);
        store_le(at + 40, chunk.length);
        at[44] = static_cast<std::byte>(chunk.kind);
        at += format::kChunkTableEntryBytes;
    }
    return table;
}

Bytes encode_frame_table(const std::vector<PackFrame>& frames) {
    Bytes table(frames.size() * format::kFrameTableEntryBytes);
    auto* at = table.data();
    for (const auto& frame : frames) {
        store_le(at, frame.end);
        store_le(at + 4,
                 frame.plain_bytes | (frame.is_compressed ? format::kFrameIsCompressed : 0U));
        at += format::kFrameTableEntryBytes;
    }
    return table;
}

Bytes encode_trailer(const PackTrailer& trailer) {
    ByteWriter out;
    out.number(trailer.chunk_table_bytes);
    out.number(trailer.frame_table_bytes);
    out.number(trailer.chunk_count);
    out.number(trailer.frame_count);
    out.number(trailer.blob_bytes);
    out.bytes(as_bytes(format::kEndMark));
    return out.take();
}

PackTrailer decode_trailer(ByteView bytes, std::uint64_t blob_bytes, std::string_view what) {
    ByteReader reader(bytes, what);
    PackTrailer trailer;
    trailer.chunk_table_bytes = reader.number<std::uint32_t>();
    trailer.frame_table_bytes = reader.number<std::uint32_t>();
    trailer.chunk_count = reader.number<std::uint32_t>();
    trailer.frame_count = reader.number<std::uint32_t>();
    trailer.blob_bytes = reader.number<std::uint64_t>();
    if (as_text(reader.bytes(format::kEndMark.size())) != format::kEndMark) {
        refuse(what, "its end is missing");
    }
    if (trailer.blob_bytes != blob_bytes || blob_bytes > format::kLargestPack) {
        refuse(what, concat("it has ", blob_bytes, " bytes, not ", trailer.blob_bytes));
    }
    const auto table_bytes = [](std::uint32_t count, std::size_t entry) {
        return std::uint64_t{count} * entry + format::kTagBytes;
    };
    const auto tables = std::uint64_t{trailer.chunk_table_bytes} + trailer.frame_table_bytes;
    const bool is_consistent =
        trailer.chunk_table_bytes ==
            table_bytes(trailer.chunk_count, format::kChunkTableEntryBytes) &&
        trailer.frame_table_bytes ==
            table_bytes(trailer.frame_count, format::kFrameTableEntryBytes) &&
        format::kHeaderBytes + tables + format::kPackTrailerBytes <= blob_bytes;
    if (!is_consistent) {
        refuse(what, "the lengths at its end disagree");
    }
    return trailer;
}

std::vector<PackFrame> decode_frame_table(ByteView plain,
                                          std::uint64_t frames_end,
                                          std::string_view what) {
    std::vector<PackFrame> frames;
    frames.reserve(plain.size() / format::kFrameTableEntryBytes);
    ByteReader reader(plain, what);
    std::uint64_t end = format::kHeaderBytes;
    while (reader.remaining() != 0) {
        PackFrame frame;
        frame.end = reader.number<std::uint32_t>();
        const auto length = reader.number<std::uint32_t>();
        frame.plain_bytes = length & ~format::kFrameIsCompressed;
        frame.is_compressed = (length & format::kFrameIsCompressed) != 0;
        const auto begin = std::exchange(end, std::uint64_t{frame.end});
        if (end <= begin + format::kTagBytes || end > frames_end || frame.plain_bytes == 0 ||
            frame.plain_bytes > content::kLargestFrameBytes) {
            refuse(what, concat("frame ", frames.size(), " has impossible lengths"));
        }
        const auto stored = end - begin - format::kTagBytes;
        if (frame.is_compressed ? stored > frame.plain_bytes : stored != frame.plain_bytes) {
            refuse(what, concat("frame ", frames.size(), " has impossible lengths"));
        }
        frames.push_back(frame);
    }
    if (end != frames_end) {
        refuse(what, "there is something between the frames and the tables");
    }
    return frames;
}

std::vector<PackChunk> decode_chunk_table(ByteView plain,
                                          const std::vector<PackFrame>& frames,
                                          std::string_view what) {
    std::vector<std::uint64_t> ends;  // in the plain bytes of the pack
    ends.reserve(frames.size());
    std::uint64_t end = 0;
    for (const auto& frame : frames) {
        ends.push_back(end += frame.plain_bytes);
    }
    std::vector<PackChunk> chunks;
    chunks.reserve(plain.size() / format::kChunkTableEntryBytes);
    ByteReader reader(plain, what);
    while (reader.remaining() != 0) {
        PackChunk chunk;
        chunk.id = read_id(reader);
        chunk.first_frame = reader.number<std::uint32_t>();
        chunk.offset = reader.number<std::uint32_t>();
        chunk.length = reader.number<std::uint32_t>();
        chunk.kind = static_cast<content::ChunkKind>(reader.number<std::uint8_t>());
        reader.bytes(3);
        const bool begins_inside = chunk.first_frame < frames.size() &&
                                   chunk.offset < frames[chunk.first_frame].plain_bytes;
        if (!begins_inside || chunk.length == 0 || chunk.length > content::kLargestChunkBytes ||
            ends[chunk.first_frame] - frames[chunk.first_frame].plain_bytes + chunk.offset +
                    chunk.length >
                end) {
            refuse(what, concat("chunk ", chunk.id.hex(), " lies outside of the frames"));
        }
        chunks.push_back(chunk);
    }
    return chunks;
}

}  // namespace backup::repository
