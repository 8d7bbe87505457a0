// SPDX-License-Identifier: Apache-2.0
// Sessions, their ends, condemned packs and holds: the first byte chooses, the rest is the record
// as JSON inside a valid seal; and all of it the sealed blob as it is.
#include "core/content/compression.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "tests/fuzz/repository_world.hpp"

namespace {

using namespace backup;
using namespace backup::repository;

void decode(const Repository& repository, ByteView blob, unsigned which) {
    const std::string id(32, 'a');
    const std::string point(64, 'b');
    switch (which) {
        case 0:
            decode_session(repository, blob, id);
            break;
        case 1:
            decode_session_end(repository, blob, id);
            break;
        case 2:
            decode_generation(repository, blob, id);
            break;
        default:
            decode_hold(repository, blob, point);
            break;
    }
}

BlobKind kind_of(unsigned which) {
    return which < 2 ? BlobKind::Session : which == 2 ? BlobKind::Collection : BlobKind::Hold;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const ByteView input = std::as_bytes(std::span(data, size));
    const unsigned which = data[0] % 4;
    fuzz::RepositoryWorld world;
    fuzz::expect_refusal_or_success([&] { decode(world.repository, input, which); });
    BlobSealer sealer(world.id, world.keys, kind_of(which), world.random);
    Bytes blob = to_bytes(sealer.header());
    sealer.append_section(blob, 0, {}, content::compress_whole(input.subspan(1)));
    return fuzz::expect_refusal_or_success([&] { decode(world.repository, blob, which); });
}
