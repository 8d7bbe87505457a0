// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>
#include <utility>

namespace backup::repository {

namespace {

// One read gets a small segment whole, and the tables of most others.
constexpr std::uint64_t kFirstReadBytes = 64U << 10U;
constexpr std::size_t kHashedBytes = 1U << 20U;

[[noreturn]] void refuse(std::string_view what, std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", reason));
}

}  // namespace

/// The first bytes of the segment and its last ones, from the tables on or earlier.
struct IndexReader::Start {
    std::string name;
    Header header{};
    Bytes tail;
    IndexTrailer trailer;

    Start(backend::Backend& backend, const content::Digest& digest, std::uint64_t blob_bytes)
        : name(index_name(digest)) {
        if (blob_bytes < format::kHeaderBytes + format::kIndexTrailerBytes ||
            blob_bytes > format::kLargestIndexSegment) {
            refuse(name, concat("it has ", blob_bytes, " bytes"));
        }
        const auto blob = backend.open(name);
        tail.resize(std::min(blob_bytes, kFirstReadBytes));
        blob->read(blob_bytes - tail.size(), tail);
        if (tail.size() == blob_bytes) {
            std::copy_n(tail.begin(), header.size(), header.begin());
        } else {
            blob->read(0, header);
        }
        const auto end = ByteView(tail).last(format::kIndexTrailerBytes);
        trailer = decode_index_trailer(end, blob_bytes, name);
        const auto wanted = trailer.tables_bytes() + format::kIndexTrailerBytes;
        if (wanted > tail.size()) {
            tail.resize(wanted);
            blob->read(blob_bytes - wanted, tail);
        }
        tail.erase(tail.begin(), tail.end() - static_cast<std::ptrdiff_t>(wanted));
    }
};

IndexReader::IndexReader(const Repository& repository,
                         const content::Digest& digest,
                         std::uint64_t blob_bytes,
                         IndexTables& tables)
    : IndexReader(repository, digest, Start(repository.backend(), digest, blob_bytes), tables) {}

IndexReader::IndexReader(const Repository& repository,
                         const content::Digest& digest,
                         Start start,
                         IndexTables& tables)
    : backend_(repository.backend()),
      digest_(digest),
      opener_(
          repository.id(), repository.keys(), BlobKind::Index, start.header, std::move(start.name)),
      trailer_(start.trailer) {
    const ByteView tail(start.tail);
    tables = decode_tables(tail);
    frame_counts_.reserve(tables.packs.size());
    for (const auto& pack : tables.packs) {
        frame_counts_.push_back(pack.frame_count);
    }
    const auto sealed_fences = tail.subspan(trailer_.pack_table_bytes, trailer_.fences_bytes);
    fences_ = decode_fences(
        opener_.open(format::kFencesSection, tail.last(format::kIndexTrailerBytes), sealed_fences),
        name());
    const auto sealed_filter = tail.first(trailer_.tables_bytes()).last(trailer_.filter_bytes);
    filter_ = IndexFilter::decode(opener_.open(format::kFilterSection, {}, sealed_filter), name());
}

IndexTables IndexReader::decode_tables(ByteView sealed) const {
    IndexTables tables;
    const auto packs = sealed.first(trailer_.pack_table_bytes);
    tables.packs = decode_pack_table(opener_.open(format::kPackTableSection, {}, packs), name());
    const auto replaced = sealed.subspan(
        std::size_t{trailer_.pack_table_bytes} + trailer_.fences_bytes, trailer_.replaced_bytes);
    tables.replaced = decode_replaced(opener_.open(format::kReplacedSection, {}, replaced), name());
    return tables;
}

std::uint64_t IndexReader::tables_offset() const {
    return trailer_.blob_bytes - trailer_.tables_bytes() - format::kIndexTrailerBytes;
}

IndexTables IndexReader::read_tables() const {
    Bytes sealed(trailer_.tables_bytes());
    backend_.get_range(name(), tables_offset(), sealed);
    return decode_tables(sealed);
}

std::uint32_t IndexReader::first_block_of(const content::ShortId& id) const {
    const auto place = std::lower_bound(fences_.begin(), fences_.end(), id);
    const auto block = static_cast<std::uint32_t>(place - fences_.begin());
    return block == 0 ? 0 : block - 1;
}

std::vector<IndexRecord> IndexReader::read_block(std::uint32_t block) const {
    if (block >= trailer_.blocks) {
        throw Error(ErrorCode::Internal, "an index segment has no such block");
    }
    const auto plain_bytes = trailer_.records_in(block) * format::kIndexRecordBytes;
    Bytes sealed(plain_bytes + format::kTagBytes);
    backend_.get_range(name(), trailer_.offset_of(block), sealed);
    auto records = decode_index_records(opener_.open(block, {}, sealed), frame_counts_, name());
    const bool is_last = block + 1 == trailer_.blocks;
    if (records.front().id != fences_[block] ||
        (!is_last && fences_[block + 1] < records.back().id)) {
        refuse(name(), "its fences are not those of its blocks");
    }
    return records;
}

void IndexReader::for_each(const std::function<void(const IndexRecord&)>& visit) const {
    for (std::uint32_t block = 0; block < trailer_.blocks; ++block) {
        for (const auto& record : read_block(block)) {
            visit(record);
        }
    }
}

void verify_index_segment(const Repository& repository,
                          const content::Digest& digest,
                          std::uint64_t blob_bytes) {
    IndexTables tables;
    const IndexReader reader(repository, digest, blob_bytes, tables);
    const auto blob = repository.backend().open(reader.name());
    content::Sha256 hash;
    Bytes piece;
    for (std::uint64_t at = 0; at < blob_bytes; at += piece.size()) {
        piece.resize(std::min<std::uint64_t>(kHashedBytes, blob_bytes - at));
        blob->read(at, piece);
        hash.update(piece);
    }
    if (hash.finish() != digest) {
        refuse(reader.name(), "its hash is not its name");
    }
    reader.for_each([&reader](const IndexRecord& record) {
        if (!reader.may_contain(record.id)) {
            refuse(reader.name(), concat("its filter does not know chunk ", record.id.hex()));
        }
    });
}

std::vector<ListedSegment> list_index_segments(const Repository& repository) {
    std::vector<ListedSegment> segments;
    repository.backend().list(kIndexFolder, [&segments](const backend::BlobInfo& info) {
        if (const auto digest = find_index_digest(info.name)) {
            segments.push_back({*digest, info.size});
        }
    });
    std::sort(segments.begin(), segments.end(), [](const auto& left, const auto& right) {
        return left.digest < right.digest;
    });
    return segments;
}

}  // namespace backup::repository
