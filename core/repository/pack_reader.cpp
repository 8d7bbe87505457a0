// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"

#include <utility>

namespace backup::repository {

namespace {

/// Its own error before the first read: a missing pack is damage, not "not found".
Header read_header(backend::Backend& backend, const std::string& name) {
    if (!backend.exists(name)) {
        throw Error(ErrorCode::CorruptData, concat(name, " is missing"));
    }
    Header header{};
    backend.get_range(name, 0, header);
    return header;
}

}  // namespace

PackReader::PackReader(const Repository& repository, const IndexedPack& pack)
    : backend_(repository.backend()),
      name_(pack_name(pack.name)),
      opener_(repository.id(), repository.keys(), pack.kind, read_header(backend_, name_), name_) {
    if (opener_.salt() != pack.salt) {
        throw Error(ErrorCode::CorruptData, concat(name_, " is not the pack the index means"));
    }
    Bytes tail(pack.frame_table_bytes + format::kPackTrailerBytes);
    backend_.get_range(name_, pack.frame_table_offset, tail);
    const auto sealed = ByteView(tail).first(pack.frame_table_bytes);
    const auto end = ByteView(tail).last(format::kPackTrailerBytes);
    trailer_ = decode_trailer(end, pack.size, name_);
    if (trailer_.frame_table_bytes != pack.frame_table_bytes) {
        throw Error(ErrorCode::CorruptData, concat(name_, " is not the pack the index means"));
    }
    frames_ = decode_frame_table(opener_.open(format::kFrameTableSection, end, sealed),
                                 trailer_.chunk_table_offset(),
                                 name_);
}

const PackFrame& PackReader::frame(std::uint32_t number) const {
    if (number >= frames_.size()) {
        throw Error(ErrorCode::CorruptData, concat(name_, " has no frame ", number));
    }
    return frames_[number];
}

std::uint64_t PackReader::stored_bytes(std::uint32_t number) const {
    return frame(number).end - begin_of(number);
}

std::uint64_t PackReader::read(std::uint32_t first,
                               std::uint32_t count,
                               std::span<std::byte> out,
                               DecodeState& state) const {
    const auto begin = begin_of(first);
    const auto sealed = fetch(first, count, state);
    for (auto number = first; number < first + count; ++number) {
        const auto plain_bytes = frame(number).plain_bytes;
        decode(number,
               sealed.subspan(begin_of(number) - begin, stored_bytes(number)),
               out.first(plain_bytes),
               state);
        out = out.subspan(plain_bytes);
    }
    return sealed.size();
}

ByteView PackReader::fetch(std::uint32_t first, std::uint32_t count, DecodeState& state) const {
    const auto begin = begin_of(first);
    const std::uint64_t size = frame(first + count - 1).end - begin;
    if (state.sealed.size() < size) {
        state.sealed.resize(size);
    }
    const auto sealed = std::span(state.sealed).first(size);
    file()->read(begin, sealed);
    return sealed;
}

// Not locked while it opens: storage may be slow. Of two files that were opened one is closed
// again.
PackReader::File PackReader::file() const {
    {
        auto open = open_.lock();
        open->was_used = true;
        if (open->file != nullptr) {
            return open->file;
        }
    }
    File fresh = backend_.open(name_);
    auto open = open_.lock();
    if (open->file == nullptr) {
        open->file = std::move(fresh);
    }
    return open->file;
}

void PackReader::close_if_idle() const {
    auto open = open_.lock();
    if (!std::exchange(open->was_used, false)) {
        open->file.reset();
    }
}

void PackReader::decode(std::uint32_t number,
                        ByteView sealed,
                        std::span<std::byte> out,
                        DecodeState& state) const {
    const auto& entry = frame(number);
    if (!entry.is_compressed) {
        opener_.open(number, {}, sealed, out);
        return;
    }
    const auto opened_bytes = sealed.size() - format::kTagBytes;
    if (state.opened.size() < opened_bytes) {
        state.opened.resize(opened_bytes);
    }
    const auto opened = std::span(state.opened).first(opened_bytes);
    opener_.open(number, {}, sealed, opened);
    with_context([&] { return concat(name_, " frame ", number); },
                 [&] { state.decompressor.decompress(opened, out); });
}

std::vector<PackChunk> PackReader::read_chunk_table() const {
    Bytes sealed(trailer_.chunk_table_bytes);
    backend_.get_range(name_, trailer_.chunk_table_offset(), sealed);
    return decode_chunk_table(opener_.open(format::kChunkTableSection, {}, sealed), frames_, name_);
}

std::uint64_t PackReader::begin_of(std::uint32_t number) const {
    return number == 0 ? format::kHeaderBytes : frame(number - 1).end;
}

}  // namespace backup::repository
