// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_segment.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));

    IndexSegment segment(std::size_t records) {
        IndexSegment segment;
        for (unsigned i = 0; i < 3; ++i) {
            IndexedPack pack;
            random.fill(pack.name);
            random.fill(pack.salt);
            pack.frame_count = 100;
            pack.frame_table_bytes = 100 * 8 + 16;
            pack.frame_table_offset = 5000 + i;
            pack.size = pack.frame_table_offset + pack.frame_table_bytes + 32;
            pack.kind = i == 0 ? BlobKind::MetadataPack : BlobKind::DataPack;
            segment.packs.push_back(pack);
        }
        for (std::size_t i = 0; i < records; ++i) {
            IndexRecord record;
            random.fill(record.id.bytes);
            record.pack = static_cast<std::uint32_t>(i % 3);
            record.first_frame = static_cast<std::uint32_t>(i % 100);
            record.offset = static_cast<std::uint32_t>(i);
            record.length = 1 + static_cast<std::uint32_t>(i);
            segment.records.push_back(record);
        }
        std::sort(segment.records.begin(),
                  segment.records.end(),
                  [](const auto& left, const auto& right) { return left.id < right.id; });
        return segment;
    }

    IndexSegment decode(ByteView blob) const { return decode_index(repository, blob, "index/x"); }

    ErrorCode code_of(const IndexSegment& segment) {
        return error_code_of([&] { return decode(encode_index(repository, segment, random)); });
    }
};

}  // namespace

TEST_CASE("segments of any size come back as they were") {
    Fixture fixture;
    for (const std::size_t records : {0U, 1U, 2047U, 2048U, 2049U, 5000U}) {
        auto segment = fixture.segment(records);
        segment.replaced.resize(records % 3);
        const auto blob = encode_index(fixture.repository, segment, fixture.random);
        const auto read = fixture.decode(blob);
        CHECK(read.records == segment.records);
        CHECK(read.packs == segment.packs);
        CHECK(read.replaced == segment.replaced);
    }
}

TEST_CASE("every changed byte and every missing end of a segment is noticed") {
    Fixture fixture;
    const auto blob = encode_index(fixture.repository, fixture.segment(5), fixture.random);
    for (std::size_t i = 0; i < blob.size(); ++i) {
        auto damaged = blob;
        damaged[i] ^= std::byte{0x81};
        const auto code = error_code_of([&] { return fixture.decode(damaged); });
        CHECK((code == ErrorCode::CorruptData || code == ErrorCode::UnknownFormat));
        CHECK(error_code_of([&] { return fixture.decode(ByteView(blob).first(i)); }) ==
              ErrorCode::CorruptData);
    }
}

TEST_CASE("impossible records are refused even when they are authentic") {
    Fixture fixture;
    const auto corrupt = ErrorCode::CorruptData;
    auto segment = fixture.segment(10);
    std::swap(segment.records[0], segment.records[9]);
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.records[3].pack = 3;
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.records[3].first_frame = 100;
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.records[3].length = 0;
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.packs[1].size += 1;
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.packs[1].kind = BlobKind::Point;
    CHECK(fixture.code_of(segment) == corrupt);
    segment = fixture.segment(10);
    segment.packs[1].frame_count = 0xffffffff;
    CHECK(fixture.code_of(segment) == corrupt);
}
