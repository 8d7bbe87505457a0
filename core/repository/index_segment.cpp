// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_segment.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <limits>

namespace backup::repository {

namespace {

struct Trailer {
    std::uint64_t records = 0;
    std::uint32_t blocks = 0;
    std::uint32_t pack_table_bytes = 0;  // stored, with the tag, as the three below
    std::uint32_t fences_bytes = 0;
    std::uint32_t replaced_bytes = 0;
    std::uint32_t filter_bytes = 0;
    std::uint64_t blob_bytes = 0;
};

[[noreturn]] void refuse(std::string_view what, std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", reason));
}

std::uint32_t sealed_size(std::uint64_t plain_bytes) {
    const auto size = plain_bytes + format::kTagBytes;
    if (size > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(ErrorCode::Internal, "a section of the index is too long");
    }
    return static_cast<std::uint32_t>(size);
}

std::uint32_t blocks_for(std::uint64_t records) {
    return static_cast<std::uint32_t>((records + format::kRecordsPerBlock - 1) /
                                      format::kRecordsPerBlock);
}

Bytes encode(const Trailer& trailer) {
    ByteWriter out;
    out.number(trailer.records);
    out.number(trailer.blocks);
    out.number(trailer.pack_table_bytes);
    out.number(trailer.fences_bytes);
    out.number(trailer.replaced_bytes);
    out.number(trailer.filter_bytes);
    out.number(std::uint32_t{0});
    out.number(trailer.blob_bytes);
    out.bytes(as_bytes(format::kEndMark));
    return out.take();
}

Trailer decode_trailer(ByteView bytes, std::uint64_t blob_bytes, std::string_view what) {
    ByteReader reader(bytes, what);
    Trailer trailer;
    trailer.records = reader.number<std::uint64_t>();
    trailer.blocks = reader.number<std::uint32_t>();
    trailer.pack_table_bytes = reader.number<std::uint32_t>();
    trailer.fences_bytes = reader.number<std::uint32_t>();
    trailer.replaced_bytes = reader.number<std::uint32_t>();
    trailer.filter_bytes = reader.number<std::uint32_t>();
    reader.number<std::uint32_t>();
    trailer.blob_bytes = reader.number<std::uint64_t>();
    if (as_text(reader.bytes(format::kEndMark.size())) != format::kEndMark ||
        trailer.blob_bytes != blob_bytes) {
        refuse(what, "its end is missing");
    }
    const auto blocks_bytes = trailer.records * format::kIndexRecordBytes +
                              std::uint64_t{trailer.blocks} * format::kTagBytes;
    const auto tables_bytes = std::uint64_t{trailer.pack_table_bytes} + trailer.fences_bytes +
                              trailer.replaced_bytes + trailer.filter_bytes;
    const bool is_consistent =
        trailer.records <= blob_bytes / format::kIndexRecordBytes &&
        trailer.blocks == blocks_for(trailer.records) &&
        trailer.fences_bytes ==
            std::uint64_t{trailer.blocks} * format::kFenceBytes + format::kTagBytes &&
        format::kHeaderBytes + blocks_bytes + tables_bytes + format::kIndexTrailerBytes ==
            blob_bytes;
    if (!is_consistent) {
        refuse(what, "the lengths at its end disagree");
    }
    return trailer;
}

void encode(const IndexRecord& record, std::byte* at) {
    std::copy(record.id.bytes.begin(), record.id.bytes.end(), at);
    store_le(at + 16, record.pack);
    store_le(at + 20, record.first_frame);
    store_le(at + 24, record.offset);
    store_le(at + 28, record.length);
}

IndexRecord decode_record(const std::byte* at) {
    IndexRecord record;
    std::copy_n(at, record.id.bytes.size(), record.id.bytes.begin());
    record.pack = load_le<std::uint32_t>(at + 16);
    record.first_frame = load_le<std::uint32_t>(at + 20);
    record.offset = load_le<std::uint32_t>(at + 24);
    record.length = load_le<std::uint32_t>(at + 28);
    return record;
}

Bytes encode_pack_table(const std::vector<IndexedPack>& packs) {
    ByteWriter out;
    for (const auto& pack : packs) {
        out.bytes(pack.name);
        out.bytes(pack.salt);
        out.number(pack.size);
        out.number(pack.frame_table_offset);
        out.number(pack.frame_table_bytes);
        out.number(pack.frame_count);
        out.number(static_cast<std::uint8_t>(pack.kind));
        out.bytes(std::array<std::byte, 7>{});
    }
    return out.take();
}

void check_pack(const IndexedPack& pack, std::string_view what) {
    const bool is_kind = pack.kind == BlobKind::DataPack || pack.kind == BlobKind::MetadataPack;
    const bool is_consistent =
        pack.size <= format::kLargestPack &&
        pack.frame_table_bytes ==
            std::uint64_t{pack.frame_count} * format::kFrameTableEntryBytes + format::kTagBytes &&
        pack.frame_table_offset >= format::kHeaderBytes &&
        pack.frame_table_offset <= format::kLargestPack &&
        pack.frame_table_offset + pack.frame_table_bytes + format::kPackTrailerBytes == pack.size;
    if (!is_kind || !is_consistent) {
        refuse(what, concat("its record of pack ", to_hex(pack.name), " is impossible"));
    }
}

std::vector<IndexedPack> decode_pack_table(ByteView plain, std::string_view what) {
    const auto copy_to = [](ByteView bytes, auto& out) {
        std::copy(bytes.begin(), bytes.end(), out.begin());
    };
    std::vector<IndexedPack> packs;
    packs.reserve(plain.size() / format::kPackTableEntryBytes);
    ByteReader reader(plain, what);
    while (reader.remaining() != 0) {
        IndexedPack pack;
        copy_to(reader.bytes(pack.name.size()), pack.name);
        copy_to(reader.bytes(pack.salt.size()), pack.salt);
        pack.size = reader.number<std::uint64_t>();
        pack.frame_table_offset = reader.number<std::uint64_t>();
        pack.frame_table_bytes = reader.number<std::uint32_t>();
        pack.frame_count = reader.number<std::uint32_t>();
        pack.kind = static_cast<BlobKind>(reader.number<std::uint8_t>());
        reader.bytes(7);
        check_pack(pack, what);
        packs.push_back(pack);
    }
    return packs;
}

std::vector<content::Digest> decode_replaced(ByteView plain, std::string_view what) {
    std::vector<content::Digest> replaced;
    ByteReader reader(plain, what);
    while (reader.remaining() != 0) {
        auto& name = replaced.emplace_back();
        const auto bytes = reader.bytes(name.size());
        std::copy(bytes.begin(), bytes.end(), name.begin());
    }
    return replaced;
}

/// Takes sealed sections off a blob one behind the other.
class SectionCursor {
  public:
    SectionCursor(const BlobOpener& opener, ByteView blob)
        : opener_(opener),
          rest_(blob.subspan(format::kHeaderBytes)) {}

    Bytes open(std::uint64_t section, std::uint64_t sealed_bytes, ByteView associated = {}) {
        if (sealed_bytes > rest_.size()) {
            refuse(opener_.what(), "it ends early");
        }
        const auto sealed = rest_.first(sealed_bytes);
        rest_ = rest_.subspan(sealed_bytes);
        return opener_.open(section, associated, sealed);
    }

  private:
    const BlobOpener& opener_;
    ByteView rest_;
};

void check_records(const IndexSegment& segment, std::string_view what) {
    const content::ShortId* before = nullptr;
    for (const auto& record : segment.records) {
        if (before != nullptr && record.id < *before) {
            refuse(what, "its records are out of order");
        }
        before = &record.id;
        if (record.pack >= segment.packs.size() || record.length == 0 ||
            record.length > content::kLargestChunkBytes ||
            record.first_frame >= segment.packs[record.pack].frame_count) {
            refuse(what, concat("its record of chunk ", record.id.hex(), " is impossible"));
        }
    }
}

void check_fences(const IndexSegment& segment, ByteView fences, std::string_view what) {
    for (std::size_t block = 0; block * format::kFenceBytes < fences.size(); ++block) {
        const auto& id = segment.records[block * format::kRecordsPerBlock].id;
        if (!std::equal(
                id.bytes.begin(), id.bytes.end(), fences.data() + block * format::kFenceBytes)) {
            refuse(what, "its fences are not those of its blocks");
        }
    }
}

}  // namespace

Bytes encode_index(const Repository& repository, const IndexSegment& segment, Random& random) {
    BlobSealer sealer(repository.id(), repository.keys(), BlobKind::Index, random);
    Bytes blob = to_bytes(sealer.header());
    Bytes fences;
    Bytes plain;
    Trailer trailer;
    trailer.records = segment.records.size();
    trailer.blocks = blocks_for(trailer.records);
    for (std::uint32_t block = 0; block < trailer.blocks; ++block) {
        const auto begin = std::size_t{block} * format::kRecordsPerBlock;
        const auto end = std::min(begin + format::kRecordsPerBlock, segment.records.size());
        plain.resize((end - begin) * format::kIndexRecordBytes);
        for (auto i = begin; i < end; ++i) {
            encode(segment.records[i], plain.data() + (i - begin) * format::kIndexRecordBytes);
        }
        append(fences, segment.records[begin].id.bytes);
        sealer.append_section(blob, block, {}, plain);
    }
    Bytes replaced;
    for (const auto& name : segment.replaced) {
        append(replaced, name);
    }
    const auto pack_table = encode_pack_table(segment.packs);
    trailer.pack_table_bytes = sealed_size(pack_table.size());
    trailer.fences_bytes = sealed_size(fences.size());
    trailer.replaced_bytes = sealed_size(replaced.size());
    trailer.filter_bytes = sealed_size(0);
    trailer.blob_bytes = std::uint64_t{blob.size()} + trailer.pack_table_bytes +
                         trailer.fences_bytes + trailer.replaced_bytes + trailer.filter_bytes +
                         format::kIndexTrailerBytes;
    const auto end = encode(trailer);
    sealer.append_section(blob, format::kPackTableSection, {}, pack_table);
    sealer.append_section(blob, format::kFencesSection, end, fences);
    sealer.append_section(blob, format::kReplacedSection, {}, replaced);
    sealer.append_section(blob, format::kFilterSection, {}, {});
    append(blob, end);
    return blob;
}

IndexSegment decode_index(const Repository& repository, ByteView blob, const std::string& what) {
    const BlobOpener opener(repository.id(), repository.keys(), BlobKind::Index, blob, what);
    if (blob.size() < format::kHeaderBytes + format::kIndexTrailerBytes) {
        refuse(what, "it ends early");
    }
    const auto end = blob.last(format::kIndexTrailerBytes);
    const auto trailer = decode_trailer(end, blob.size(), what);
    IndexSegment segment;
    segment.records.reserve(trailer.records);
    SectionCursor cursor(opener, blob);
    for (std::uint32_t block = 0; block < trailer.blocks; ++block) {
        const auto count = std::min<std::uint64_t>(format::kRecordsPerBlock,
                                                   trailer.records - segment.records.size());
        const auto plain =
            cursor.open(block, count * format::kIndexRecordBytes + format::kTagBytes);
        for (std::uint64_t i = 0; i < count; ++i) {
            segment.records.push_back(decode_record(plain.data() + i * format::kIndexRecordBytes));
        }
    }
    segment.packs =
        decode_pack_table(cursor.open(format::kPackTableSection, trailer.pack_table_bytes), what);
    const auto fences = cursor.open(format::kFencesSection, trailer.fences_bytes, end);
    segment.replaced =
        decode_replaced(cursor.open(format::kReplacedSection, trailer.replaced_bytes), what);
    cursor.open(format::kFilterSection, trailer.filter_bytes);
    check_records(segment, what);
    check_fences(segment, fences, what);
    return segment;
}

}  // namespace backup::repository
