// SPDX-License-Identifier: Apache-2.0
// The tables of a pack as they are after decryption: authentic, yet perhaps made by a hostile
// writer.
#include "core/repository/pack_layout.hpp"
#include "tests/fuzz/repository_world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    return fuzz::expect_refusal_or_success([&] {
        if (size < format::kPackTrailerBytes) {
            return;
        }
        const auto trailer = input.last(format::kPackTrailerBytes);
        decode_trailer(trailer, load_le<std::uint64_t>(trailer.data() + 16), "pack");
        const auto tables = input.first(size - format::kPackTrailerBytes);
        const auto split =
            tables.size() / 2 / format::kFrameTableEntryBytes * format::kFrameTableEntryBytes;
        const auto end =
            split == 0 ? format::kHeaderBytes : load_le<std::uint32_t>(tables.data() + split - 8);
        const auto frames = decode_frame_table(tables.first(split), end, "pack");
        for (const auto& chunk : decode_chunk_table(tables.subspan(split), frames, "pack")) {
            if (chunk.first_frame >= frames.size()) {
                std::abort();
            }
        }
    });
}
