// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_writer.hpp"

#include "core/base/error.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

// What is hashed and handed to the backend at once; fits a largest frame.
constexpr std::size_t kBufferBytes = (1U << 20U) + (64U << 10U);

std::uint64_t table_bytes(std::size_t frames, std::size_t chunks) {
    return frames * (format::kFrameTableEntryBytes + format::kTagBytes) +
           chunks * format::kChunkTableEntryBytes + 2 * format::kTagBytes +
           format::kPackTrailerBytes;
}

}  // namespace

PackWriter::PackWriter(const Repository& repository,
                       BlobKind kind,
                       Random& random,
                       bool makes_parity)
    : backend_(repository.backend()),
      sealer_(repository.id(), repository.keys(), kind, random),
      blob_(backend_.create(kPacksFolder)),
      buffer_(kBufferBytes) {
    if (makes_parity) {
        parity_.emplace();
    }
    pack_.kind = kind;
    pack_.salt = sealer_.salt();
    write(sealer_.header());
}

bool PackWriter::has_room_for(const content::FrameGroup& group) const {
    const auto tables =
        table_bytes(frames_.size() + group.frames.size(), chunks_.size() + group.chunks.size());
    return written_ + group.stored_bytes() + tables <= format::kLargestPack;
}

void PackWriter::add(const content::FrameGroup& group) {
    const auto first_frame = static_cast<std::uint32_t>(frames_.size());
    for (const auto& frame : group.frames) {
        seal(frames_.size(), {}, frame.stored);
        frames_.push_back(
            {static_cast<std::uint32_t>(written_), frame.plain_bytes, frame.is_compressed});
    }
    for (auto chunk : group.chunks) {
        chunk.first_frame += first_frame;
        chunks_.push_back(chunk);
    }
}

void PackWriter::finish() {
    const auto chunk_table = encode_chunk_table(chunks_);
    const auto frame_table = encode_frame_table(frames_);
    PackTrailer trailer;
    trailer.chunk_count = static_cast<std::uint32_t>(chunks_.size());
    trailer.frame_count = static_cast<std::uint32_t>(frames_.size());
    trailer.chunk_table_bytes = static_cast<std::uint32_t>(chunk_table.size() + format::kTagBytes);
    trailer.frame_table_bytes = static_cast<std::uint32_t>(frame_table.size() + format::kTagBytes);
    trailer.blob_bytes = written_ + trailer.chunk_table_bytes + trailer.frame_table_bytes +
                         format::kPackTrailerBytes;
    const auto end = encode_trailer(trailer);
    seal(format::kChunkTableSection, {}, chunk_table);
    seal(format::kFrameTableSection, end, frame_table);
    write(end);
    flush();
    buffer_ = {};
    pack_.name = hash_.finish();
    pack_.size = written_;
    pack_.frame_table_offset = trailer.frame_table_offset();
    pack_.frame_table_bytes = trailer.frame_table_bytes;
    pack_.frame_count = trailer.frame_count;
}

void PackWriter::commit() {
    if (parity_) {
        backend_.put(parity_name(pack_.name), parity_->finish(pack_.name));
        parity_.reset();
    }
    blob_->commit(pack_name(pack_.name));
    blob_.reset();
}

std::span<std::byte> PackWriter::reserve(std::size_t size) {
    if (filled_ + size > buffer_.size()) {
        flush();
        if (size > buffer_.size()) {
            buffer_.resize(size);
        }
    }
    const auto room = std::span(buffer_).subspan(filled_, size);
    filled_ += size;
    written_ += size;
    return room;
}

void PackWriter::seal(std::uint64_t section, ByteView associated, ByteView plain) {
    sealer_.seal(section, associated, plain, reserve(plain.size() + format::kTagBytes));
}

void PackWriter::write(ByteView bytes) {
    std::copy(bytes.begin(), bytes.end(), reserve(bytes.size()).begin());
}

void PackWriter::flush() {
    const auto bytes = ByteView(buffer_).first(filled_);
    filled_ = 0;
    if (!bytes.empty()) {
        hash_.update(bytes);
        if (parity_) {
            parity_->update(bytes);
        }
        blob_->write(bytes);
    }
}

}  // namespace backup::repository
