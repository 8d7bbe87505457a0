// SPDX-License-Identifier: Apache-2.0
// What verify remembers: the sealed blob as it is, and its record as JSON inside a valid seal.
#include "core/content/compression.hpp"
#include "core/maintenance/checks.hpp"
#include "tests/fuzz/repository_world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    fuzz::RepositoryWorld world;
    fuzz::expect_refusal_or_success(
        [&] { maintenance::decode_checks(world.repository, input, "checks"); });
    BlobSealer sealer(world.id, world.keys, BlobKind::Checks, world.random);
    Bytes blob = to_bytes(sealer.header());
    sealer.append_section(blob, 0, {}, content::compress_whole(input));
    return fuzz::expect_refusal_or_success(
        [&] { maintenance::decode_checks(world.repository, blob, "checks"); });
}
