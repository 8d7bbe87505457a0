// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_store.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/index_reader.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

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
    content::ChunkHasher hasher{repository.keys().chunk_id};

    /// Into a pack and a segment of its own.
    content::ShortId store(const Bytes& chunk) {
        content::FrameGroupBuilder builder(4096, 1, true);
        const auto id = hasher(content::ChunkKind::Data, chunk);
        builder.add(id, content::ChunkKind::Data, chunk);
        PackPipeline pipeline(repository, random);
        pipeline.add(builder.take(), BlobKind::DataPack);
        pipeline.drain();
        pipeline.write_index();
        return id.short_id();
    }

    void damage_end(const std::string& name) {
        auto blob = backend.get(name);
        blob.at(blob.size() - 10) ^= std::byte{1};
        backend.remove(name);
        backend.put(name, blob);
    }
};

}  // namespace

TEST_CASE("what only a damaged segment names is missing, and the error says so") {
    Fixture fixture;
    const auto lost = fixture.store(fixture.random.bytes(3000));
    const auto segment = index_name(list_index_segments(fixture.repository).front().digest);
    const auto chunk = fixture.random.bytes(3000);
    const auto kept = fixture.store(chunk);
    fixture.damage_end(segment);
    std::vector<std::string> told;
    ChunkStoreOptions options;
    options.on_damaged_index = [&told](const auto& blob, const Error&) { told.push_back(blob); };
    ChunkStore chunks(fixture.repository, options);
    chunks.refresh();
    CHECK(told == std::vector{segment});
    CHECK(chunks.read(kept) == chunk);
    const auto error = error_of([&] { return chunks.read(lost); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(
        error.what(),
        contains("chunk " + lost.hex() + " is in no index segment that can be read (1 cannot)"));
    CHECK_THAT(error_of([&] { return chunks.read({{std::byte{1}}}); }).what(),
               contains("is in no index segment"));
}
