// SPDX-License-Identifier: Apache-2.0
// The config: the blob as it is, and its JSON inside a valid seal.
#include "core/repository/config.hpp"
#include "tests/fuzz/repository_world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    fuzz::RepositoryWorld world;
    fuzz::expect_refusal_or_success([&] { decode_config(input, world.id, world.keys); });
    BlobSealer sealer(world.id, world.keys, BlobKind::Config, world.random);
    Bytes blob = to_bytes(sealer.header());
    sealer.append_section(blob, 0, {}, input);
    return fuzz::expect_refusal_or_success([&] { decode_config(blob, world.id, world.keys); });
}
