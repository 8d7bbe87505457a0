// SPDX-License-Identifier: Apache-2.0
// Compressed frames, and the groups a mover sends.
#include "core/content/frame_group.hpp"
#include "tests/fuzz/repository_world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    fuzz::expect_refusal_or_success([&] {
        Bytes out(size == 0 ? 0 : data[0] * 64U);
        content::Decompressor().decompress(input, out);
    });
    fuzz::expect_refusal_or_success([&] { content::decompress_whole(input, 1U << 20U); });
    return fuzz::expect_refusal_or_success([&] {
        content::FrameGroup group;
        ByteReader reader(input, "group");
        while (reader.remaining() >= 16) {
            const auto is_frame = (reader.number<std::uint32_t>() & 1U) != 0;
            const auto first = reader.number<std::uint32_t>();
            const auto second = reader.number<std::uint32_t>();
            const auto third = reader.number<std::uint32_t>();
            if (is_frame) {
                group.frames.push_back({first, (third & 1U) != 0, Bytes(second & 0xfffU)});
            } else {
                group.chunks.push_back({{}, content::ChunkKind::Data, first, second, third});
            }
        }
        content::check_group(group, content::kLargestFrameBytes);
    });
}
