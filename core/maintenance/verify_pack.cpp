// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_pack.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>

namespace backup::maintenance {

using namespace repository;

namespace {

/// A chunk with its place in the plain bytes of the whole pack.
struct Span {
    std::uint64_t begin = 0;
    PackChunk chunk;

    std::uint64_t end() const { return begin + chunk.length; }
};

std::vector<Span> locate_chunks(const PackReader& reader) {
    std::vector<std::uint64_t> begins;
    std::uint64_t end = 0;
    for (std::uint32_t frame = 0; frame < reader.frame_count(); ++frame) {
        begins.push_back(end);
        end += reader.frame(frame).plain_bytes;
    }
    std::vector<Span> spans;
    for (const auto& chunk : reader.read_chunk_table()) {
        spans.push_back({begins[chunk.first_frame] + chunk.offset, chunk});
    }
    std::sort(spans.begin(), spans.end(), [](const Span& left, const Span& right) {
        return left.begin < right.begin;
    });
    return spans;
}

/// Takes the plain bytes of a pack frame by frame and proves each chunk as soon as it is whole.
/// Holds no more than the longest chunk and a frame.
class ChunkProver {
  public:
    ChunkProver(const Repository& repository, std::vector<Span> spans)
        : hasher_(repository.keys().chunk_id),
          spans_(std::move(spans)) {}

    /// Room for the next frame.
    std::span<std::byte> extend(std::size_t bytes) {
        window_.resize(window_.size() + bytes);
        return std::span(window_).last(bytes);
    }

    void prove_whole_chunks() {
        const auto window_end = window_begin_ + window_.size();
        while (next_ < spans_.size() && spans_[next_].end() <= window_end) {
            prove(spans_[next_]);
            ++next_;
        }
        const auto needed =
            next_ < spans_.size() ? std::min(spans_[next_].begin, window_end) : window_end;
        window_.erase(window_.begin(),
                      window_.begin() + static_cast<std::ptrdiff_t>(needed - window_begin_));
        window_begin_ = needed;
    }

  private:
    void prove(const Span& span) {
        // Chunks that overlap are nothing a writer makes.
        if (span.begin < window_begin_) {
            throw Error(ErrorCode::CorruptData,
                        concat("chunk ", span.chunk.id.hex(), " overlaps another one"));
        }
        const auto plain = ByteView(window_).subspan(span.begin - window_begin_, span.chunk.length);
        if (hasher_(span.chunk.kind, plain) != span.chunk.id) {
            throw Error(
                ErrorCode::CorruptData,
                concat("chunk ", span.chunk.id.hex(), " holds other bytes than its name says"));
        }
    }

    content::ChunkHasher hasher_;
    std::vector<Span> spans_;
    std::size_t next_ = 0;
    Bytes window_;
    std::uint64_t window_begin_ = 0;
};

void check_index_has(const ChunkStore& chunks, const IndexedPack& pack, const PackChunk& chunk) {
    const auto places = chunks.find_all(chunk.id.short_id());
    const auto is_here = [&](const ChunkLocation& place) {
        return place.pack == pack.name && place.first_frame == chunk.first_frame &&
               place.offset == chunk.offset && place.length == chunk.length;
    };
    if (std::none_of(places.begin(), places.end(), is_here)) {
        throw Error(ErrorCode::CorruptData,
                    concat("the index does not name chunk ", chunk.id.hex(), " at its place"));
    }
}

}  // namespace

void verify_pack_tables(const Repository& repository,
                        const ChunkStore& chunks,
                        const IndexedPack& pack) {
    const PackReader reader(repository, pack);
    with_context([&] { return pack_name(pack.name); },
                 [&] {
                     for (const auto& chunk : reader.read_chunk_table()) {
                         check_index_has(chunks, pack, chunk);
                     }
                 });
}

void verify_pack_data(const Repository& repository, const IndexedPack& pack) {
    const auto name = pack_name(pack.name);
    const auto blob = get_named_blob(repository.backend(), name, pack.name, format::kLargestPack);
    const PackReader reader(repository, pack);
    with_context([&] { return name; },
                 [&] {
                     ChunkProver prover(repository, locate_chunks(reader));
                     DecodeState state;
                     std::uint64_t at = format::kHeaderBytes;
                     for (std::uint32_t frame = 0; frame < reader.frame_count(); ++frame) {
                         const auto size = reader.stored_bytes(frame);
                         reader.decode(frame,
                                       ByteView(blob).subspan(at, size),
                                       prover.extend(reader.frame(frame).plain_bytes),
                                       state);
                         prover.prove_whole_chunks();
                         at += size;
                     }
                 });
}

}  // namespace backup::maintenance
