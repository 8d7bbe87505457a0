// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_layout.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", reason));
}

/// A sealed section that holds entries of `entry` bytes.
bool is_table(std::uint32_t stored_bytes, std::size_t entry) {
    return stored_bytes >= format::kTagBytes && (stored_bytes - format::kTagBytes) % entry == 0;
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

/// Names and ids that stand one behind the other.
template <typename Entry, typename Project>
std::vector<Entry> decode_names(ByteView plain, std::string_view what, Project bytes_of) {
    std::vector<Entry> entries;
    ByteReader reader(plain, what);
    while (reader.remaining() != 0) {
        auto& out = bytes_of(entries.emplace_back());
        const auto bytes = reader.bytes(out.size());
        std::copy(bytes.begin(), bytes.end(), out.begin());
    }
    return entries;
}

}  // namespace

std::uint32_t blocks_for(std::uint64_t records) {
    return static_cast<std::uint32_t>((records + format::kRecordsPerBlock - 1) /
                                      format::kRecordsPerBlock);
}

std::uint32_t IndexTrailer::records_in(std::uint32_t block) const {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(
        format::kRecordsPerBlock, records - std::uint64_t{block} * format::kRecordsPerBlock));
}

std::uint64_t IndexTrailer::offset_of(std::uint32_t block) const {
    constexpr std::uint64_t block_bytes =
        format::kRecordsPerBlock * format::kIndexRecordBytes + format::kTagBytes;
    return format::kHeaderBytes + block * block_bytes;
}

Bytes encode_index_trailer(const IndexTrailer& trailer) {
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

IndexTrailer decode_index_trailer(ByteView bytes, std::uint64_t blob_bytes, std::string_view what) {
    ByteReader reader(bytes, what);
    IndexTrailer trailer;
    trailer.records = reader.number<std::uint64_t>();
    trailer.blocks = reader.number<std::uint32_t>();
    trailer.pack_table_bytes = reader.number<std::uint32_t>();
    trailer.fences_bytes = reader.number<std::uint32_t>();
    trailer.replaced_bytes = reader.number<std::uint32_t>();
    trailer.filter_bytes = reader.number<std::uint32_t>();
    reader.number<std::uint32_t>();
    trailer.blob_bytes = reader.number<std::uint64_t>();
    if (as_text(reader.bytes(format::kEndMark.size())) != format::kEndMark ||
        trailer.blob_bytes != blob_bytes || blob_bytes > format::kLargestIndexSegment) {
        refuse(what, "its end is missing");
    }
    const bool is_consistent =
        trailer.records <= blob_bytes / format::kIndexRecordBytes &&
        trailer.blocks == blocks_for(trailer.records) &&
        is_table(trailer.pack_table_bytes, format::kPackTableEntryBytes) &&
        is_table(trailer.replaced_bytes, format::kReplacedBytes) &&
        is_table(trailer.filter_bytes, 1) &&
        trailer.fences_bytes ==
            std::uint64_t{trailer.blocks} * format::kFenceBytes + format::kTagBytes &&
        format::kHeaderBytes + trailer.records * format::kIndexRecordBytes +
                std::uint64_t{trailer.blocks} * format::kTagBytes + trailer.tables_bytes() +
                format::kIndexTrailerBytes ==
            blob_bytes;
    if (!is_consistent) {
        refuse(what, "the lengths at its end disagree");
    }
    return trailer;
}

Bytes encode_index_records(const std::vector<IndexRecord>& records) {
    Bytes plain(records.size() * format::kIndexRecordBytes);
    auto* at = plain.data();
    for (const auto& record : records) {
        std::copy(record.id.bytes.begin(), record.id.bytes.end(), at);
        store_le(at + 16, record.pack);
        store_le(at + 20, record.first_frame);
        store_le(at + 24, record.offset);
        store_le(at + 28, record.length);
        at += format::kIndexRecordBytes;
    }
    return plain;
}

std::vector<IndexRecord> decode_index_records(ByteView plain,
                                              const std::vector<std::uint32_t>& frame_counts,
                                              std::string_view what) {
    std::vector<IndexRecord> records;
    records.reserve(plain.size() / format::kIndexRecordBytes);
    for (std::size_t at = 0; at < plain.size(); at += format::kIndexRecordBytes) {
        const auto record = decode_record(plain.data() + at);
        if (!records.empty() && record.id < records.back().id) {
            refuse(what, "its records are out of order");
        }
        if (record.pack >= frame_counts.size() || record.length == 0 ||
            record.length > content::kLargestChunkBytes ||
            record.first_frame >= frame_counts[record.pack]) {
            refuse(what, concat("its record of chunk ", record.id.hex(), " is impossible"));
        }
        records.push_back(record);
    }
    return records;
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

std::vector<content::ShortId> decode_fences(ByteView plain, std::string_view what) {
    auto fences = decode_names<content::ShortId>(
        plain, what, [](content::ShortId & id) -> auto& { return id.bytes; });
    if (!std::is_sorted(fences.begin(), fences.end())) {
        refuse(what, "its fences are out of order");
    }
    return fences;
}

std::vector<content::Digest> decode_replaced(ByteView plain, std::string_view what) {
    return decode_names<content::Digest>(
        plain, what, [](content::Digest & name) -> auto& { return name; });
}

}  // namespace backup::repository
