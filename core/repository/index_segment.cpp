// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_segment.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/index_filter.hpp"
#include "core/repository/index_layout.hpp"
#include "core/repository/index_writer.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

[[noreturn]] void refuse(std::string_view what, std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", reason));
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

void check_records(const IndexSegment& segment,
                   const std::vector<content::ShortId>& fences,
                   const IndexFilter& filter,
                   std::string_view what) {
    for (std::size_t i = 0; i < segment.records.size(); ++i) {
        const auto& id = segment.records[i].id;
        if (i % format::kRecordsPerBlock == 0 && fences[i / format::kRecordsPerBlock] != id) {
            refuse(what, "its fences are not those of its blocks");
        }
        if (i != 0 && id < segment.records[i - 1].id) {
            refuse(what, "its records are out of order");
        }
        if (!filter.may_contain(id)) {
            refuse(what, concat("its filter does not know chunk ", id.hex()));
        }
    }
}

}  // namespace

Bytes encode_index(const Repository& repository, const IndexSegment& segment, Random& random) {
    Bytes blob;
    IndexEncoder encoder(repository, random, [&blob](ByteView bytes) { append(blob, bytes); });
    for (const auto& record : segment.records) {
        encoder.add(record);
    }
    encoder.finish(segment.packs, segment.replaced);
    return blob;
}

IndexSegment decode_index(const Repository& repository, ByteView blob, const std::string& what) {
    const BlobOpener opener(repository.id(), repository.keys(), BlobKind::Index, blob, what);
    if (blob.size() < format::kHeaderBytes + format::kIndexTrailerBytes) {
        refuse(what, "it ends early");
    }
    const auto end = blob.last(format::kIndexTrailerBytes);
    const auto trailer = decode_index_trailer(end, blob.size(), what);
    SectionCursor cursor(opener, blob);
    Bytes plain;
    for (std::uint32_t block = 0; block < trailer.blocks; ++block) {
        append(plain,
               cursor.open(block,
                           std::uint64_t{trailer.records_in(block)} * format::kIndexRecordBytes +
                               format::kTagBytes));
    }
    IndexSegment segment;
    segment.packs =
        decode_pack_table(cursor.open(format::kPackTableSection, trailer.pack_table_bytes), what);
    const auto fences =
        decode_fences(cursor.open(format::kFencesSection, trailer.fences_bytes, end), what);
    segment.replaced =
        decode_replaced(cursor.open(format::kReplacedSection, trailer.replaced_bytes), what);
    const auto filter =
        IndexFilter::decode(cursor.open(format::kFilterSection, trailer.filter_bytes), what);
    std::vector<std::uint32_t> frame_counts;
    for (const auto& pack : segment.packs) {
        frame_counts.push_back(pack.frame_count);
    }
    segment.records = decode_index_records(plain, frame_counts, what);
    check_records(segment, fences, filter, what);
    return segment;
}

}  // namespace backup::repository
