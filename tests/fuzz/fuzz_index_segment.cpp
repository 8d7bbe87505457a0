// SPDX-License-Identifier: Apache-2.0
// An index segment: with valid seals around the fuzzed sections, so that they are reached.
#include "core/repository/index_segment.hpp"
#include "tests/fuzz/repository_world.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    fuzz::RepositoryWorld world;
    fuzz::expect_refusal_or_success([&] { decode_index(world.repository, input, "index"); });
    if (size < format::kIndexTrailerBytes) {
        return 0;
    }
    BlobSealer sealer(world.id, world.keys, BlobKind::Index, world.random);
    Bytes blob = to_bytes(sealer.header());
    const auto trailer = input.last(format::kIndexTrailerBytes);
    auto rest = input.first(size - format::kIndexTrailerBytes);
    const auto seal = [&](std::uint64_t section, std::size_t length, ByteView associated) {
        length = std::min(length, rest.size());
        sealer.append_section(blob, section, associated, rest.first(length));
        rest = rest.subspan(length);
    };
    const auto records = std::min<std::uint64_t>(load_le<std::uint64_t>(trailer.data()), 2048);
    const auto length_at = [&](std::size_t at) {
        return std::size_t{load_le<std::uint32_t>(trailer.data() + at)} - format::kTagBytes;
    };
    if (records != 0) {
        seal(0, records * format::kIndexRecordBytes, {});
    }
    seal(format::kPackTableSection, length_at(12), {});
    seal(format::kFencesSection, length_at(16), trailer);
    seal(format::kReplacedSection, length_at(20), {});
    seal(format::kFilterSection, length_at(24), {});
    append(blob, trailer);
    return fuzz::expect_refusal_or_success([&] { decode_index(world.repository, blob, "index"); });
}
