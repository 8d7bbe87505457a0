// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_pack.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/salvage.hpp"

#include <algorithm>

namespace backup::maintenance {

using namespace repository;

namespace {

/// A run of the plain bytes of the whole pack.
struct PlainRun {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

struct PlacedSpan : PlainRun {
    PackChunk chunk;
};

std::vector<PlacedSpan> locate_chunks(const PackReader& reader) {
    std::vector<std::uint64_t> begins;
    std::uint64_t end = 0;
    for (std::uint32_t frame = 0; frame < reader.frame_count(); ++frame) {
        begins.push_back(end);
        end += reader.frame(frame).plain_bytes;
    }
    std::vector<PlacedSpan> spans;
    for (const auto& chunk : reader.read_chunk_table()) {
        const auto begin = begins[chunk.first_frame] + chunk.offset;
        spans.push_back({{begin, begin + chunk.length}, chunk});
    }
    std::sort(spans.begin(), spans.end(), [](const PlacedSpan& left, const PlacedSpan& right) {
        return left.begin < right.begin;
    });
    return spans;
}

/// Only damage is what this is about; anything else is nobody's fault here.
bool is_damage(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat ||
           error.code() == ErrorCode::NotFound;
}

/// Takes the plain bytes of a pack frame by frame and proves each chunk as soon as it is whole.
/// Holds no more than the longest chunk and a frame.
class PackScanner {
  public:
    PackScanner(const Repository& repository, PackScan& scan, const ChunkVisit& visit)
        : hasher_(repository.keys().chunk_id),
          scan_(scan),
          visit_(visit) {}

    void run(const PackReader& reader, ByteView blob, const std::stop_token& stop) {
        spans_ = locate_chunks(reader);
        scan_.has_tables = true;
        DecodeState state;
        std::uint64_t at = format::kHeaderBytes;
        for (std::uint32_t frame = 0; frame < reader.frame_count(); ++frame) {
            throw_if_stopped(stop);
            const auto size = reader.stored_bytes(frame);
            const auto room = extend(reader.frame(frame).plain_bytes);
            attempt([&] { reader.decode(frame, blob.subspan(at, size), room, state); },
                    room.size());
            take_whole_chunks();
            at += size;
        }
    }

  private:
    std::span<std::byte> extend(std::size_t bytes) {
        window_.resize(window_.size() + bytes);
        return std::span(window_).last(bytes);
    }

    template <typename Decode>
    void attempt(Decode decode, std::size_t bytes) {
        try {
            decode();
        } catch (const Error& error) {
            if (!is_damage(error)) {
                throw;
            }
            note(error);
            const auto end = window_begin_ + window_.size();
            damaged_.push_back({end - bytes, end});
        }
    }

    void note(const Error& error) {
        if (!scan_.damage) {
            scan_.damage = error;
        }
    }

    void take_whole_chunks() {
        const auto window_end = window_begin_ + window_.size();
        while (next_ < spans_.size() && spans_[next_].end <= window_end) {
            take(spans_[next_]);
            ++next_;
        }
        const auto needed =
            next_ < spans_.size() ? std::min(spans_[next_].begin, window_end) : window_end;
        if (needed > window_begin_) {
            window_.erase(window_.begin(),
                          window_.begin() + static_cast<std::ptrdiff_t>(needed - window_begin_));
            window_begin_ = needed;
        }
        std::erase_if(damaged_, [this](const PlainRun& run) { return run.end <= window_begin_; });
    }

    void take(const PlacedSpan& span) {
        const bool is_hit =
            std::any_of(damaged_.begin(), damaged_.end(), [&span](const PlainRun& run) {
                return run.begin < span.end && span.begin < run.end;
            });
        if (!is_hit && is_proven(span)) {
            return;
        }
        scan_.lost.push_back(span.chunk);
    }

    bool is_proven(const PlacedSpan& span) {
        // Chunks that overlap are nothing a writer makes.
        if (span.begin < window_begin_) {
            note({ErrorCode::CorruptData,
                  concat("chunk ", span.chunk.id.hex(), " overlaps another one")});
            return false;
        }
        const auto plain = ByteView(window_).subspan(span.begin - window_begin_, span.chunk.length);
        if (hasher_(span.chunk.kind, plain) != span.chunk.id) {
            note({ErrorCode::CorruptData,
                  concat("chunk ", span.chunk.id.hex(), " holds other bytes than its name says")});
            return false;
        }
        if (visit_) {
            visit_(span.chunk, plain);
        }
        return true;
    }

    content::ChunkHasher hasher_;
    PackScan& scan_;
    const ChunkVisit& visit_;
    std::vector<PlacedSpan> spans_;
    std::vector<PlainRun> damaged_;
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

PackScan scan_pack(const Repository& repository,
                   const IndexedPack& pack,
                   const ChunkVisit& visit,
                   const std::stop_token& stop) {
    const auto name = pack_name(pack.name);
    PackScan scan;
    std::uint64_t unreadable_bytes = 0;
    try {
        const auto blob = salvage_blob(repository.backend(), name, format::kLargestPack, stop);
        unreadable_bytes = blob.unreadable_bytes;
        if (unreadable_bytes > 0) {
            scan.damage =
                Error(ErrorCode::CorruptData,
                      concat(name, " is damaged: ", unreadable_bytes, " bytes cannot be read"));
        } else if (content::sha256(blob.bytes) != pack.name) {
            scan.damage = Error(ErrorCode::CorruptData,
                                concat(name, " is damaged: its hash is not its name"));
        }
        const PackReader reader(repository, pack);
        PackScanner(repository, scan, visit).run(reader, blob.bytes, stop);
    } catch (const Error& error) {
        // Its tables may lie where the disk is bad.
        const bool is_bad_sector = error.code() == ErrorCode::Io && unreadable_bytes > 0;
        if (!is_damage(error) && !is_bad_sector) {
            throw;
        }
        if (!scan.damage) {
            scan.damage = error;
        }
    }
    return scan;
}

}  // namespace backup::maintenance
