// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_store.hpp"

#include "core/backend/forwarding_backend.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/index_reader.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <set>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    Repository repository = open_tiny_repository(backend, key);
    content::ChunkHasher hasher{repository.keys().chunk_id};
    std::set<std::string> damaged;

    /// Into a pack and a segment of its own.
    content::ShortId store(const Bytes& chunk) {
        return store_as(hasher(content::ChunkKind::Data, chunk), chunk);
    }

    content::ShortId store_as(const content::ChunkId& id, const Bytes& chunk) {
        content::FrameGroupBuilder builder(4096, 1, true);
        builder.add(id, content::ChunkKind::Data, chunk);
        PackPipeline pipeline(repository, random);
        pipeline.add(builder.take(), BlobKind::DataPack);
        pipeline.drain();
        pipeline.write_index();
        return id.short_id();
    }

    void damage_end(const std::string& name) { damage(name, backend.get(name).size() - 10); }

    void damage(const std::string& name, std::size_t at) {
        auto blob = backend.get(name);
        blob.at(at) ^= std::byte{1};
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

TEST_CASE("an index that leads to another chunk is an error, and no harm where another place is") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(9000);
    const auto id = fixture.store(chunk);
    const auto true_segment = list_index_segments(fixture.repository).front().digest;
    const auto other = fixture.store(fixture.random.bytes(9000));
    const auto place = *ChunkStore(fixture.repository).find(other);
    IndexSegment wrong;
    for (const auto& pack : ChunkStore(fixture.repository).list_packs()) {
        if (pack.name == place.pack) {
            wrong.packs.push_back(pack);
        }
    }
    wrong.records.push_back({id, 0, place.first_frame, place.offset, place.length});
    const bool has_true_place = GENERATE(false, true);
    if (!has_true_place) {
        wrong.replaced.push_back(true_segment);
    }
    const auto blob = encode_index(fixture.repository, wrong, fixture.random);
    fixture.backend.put(index_name(content::sha256(blob)), blob);

    ChunkStore chunks(fixture.repository);
    REQUIRE(chunks.find_all(id).size() == (has_true_place ? 2 : 1));
    Bytes whole;
    Bytes range(100);
    ByteChain collected;
    const std::vector<std::function<void()>> reads = {
        [&] { whole = chunks.read(id); },
        [&] {
            chunks.read_range({id, chunk.size(), 500}, range);
        },
        [&] {
            chunks.collect({id, chunk.size(), 500}, range.size(), collected);
        }};
    for (const auto& read : reads) {
        const auto failure = failure_of(read);
        CHECK(failure.has_value() == !has_true_place);
        if (failure) {
            CHECK(failure->code() == ErrorCode::CorruptData);
            CHECK_THAT(failure->what(), contains(id.hex()));
            CHECK_THAT(failure->what(), contains(pack_name(place.pack)));
        }
    }
    if (has_true_place) {
        const auto wanted = ByteView(chunk).subspan(500, range.size());
        CHECK((whole == chunk));
        CHECK(range == to_bytes(wanted));
        CHECK(to_bytes(collected.begin()->bytes) == to_bytes(wanted));
    }
}

TEST_CASE("a chunk whose pack was written under a wrong name is refused when it is read whole") {
    Fixture fixture;
    const auto lie = fixture.hasher(content::ChunkKind::Data, fixture.random.bytes(100));
    const auto id = fixture.store_as(lie, fixture.random.bytes(9000));
    ChunkStore chunks(fixture.repository);
    const auto error = error_of([&] { return chunks.read(id); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("other bytes than its name says"));
}

namespace {

Bytes to_bytes(const ByteChain& chain) {
    Bytes out;
    for (const auto& piece : chain) {
        append(out, piece.bytes);
    }
    return out;
}

}  // namespace

TEST_CASE("a piece that is the whole chunk has its name, or is refused") {
    Fixture fixture;
    const auto others = fixture.random.bytes(9000);
    const auto lie = fixture.hasher(content::ChunkKind::Data, fixture.random.bytes(9000));
    const auto id = fixture.store_as(lie, others);
    ChunkStore chunks(fixture.repository);
    const auto range = [&](std::uint64_t offset, std::size_t size) {
        Bytes out(size);
        chunks.read_range({id, 9000, offset}, out);
        return out;
    };
    const auto collect = [&](std::uint64_t offset, std::size_t size) {
        ByteChain out;
        chunks.collect({id, 9000, offset}, size, out);
        return to_bytes(out);
    };
    for (const auto& error :
         {error_of([&] { return range(0, 9000); }), error_of([&] { return collect(0, 9000); })}) {
        CHECK(error.code() == ErrorCode::CorruptData);
        CHECK_THAT(error.what(), contains("other bytes than its name says"));
        CHECK_THAT(error.what(), contains(pack_name(chunks.find(id)->pack)));
    }
    // A part has no name of its own.
    CHECK(range(0, 8999) == Bytes(others.begin(), others.end() - 1));
    CHECK(range(1, 8999) == Bytes(others.begin() + 1, others.end()));
    CHECK(collect(1, 8999) == Bytes(others.begin() + 1, others.end()));
}

TEST_CASE("where copies of a chunk have other bytes, the sound copy is taken") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(9000);
    const auto name = fixture.hasher(content::ChunkKind::Data, chunk);
    fixture.store_as(name, chunk);
    // Which copy is tried first is not said.
    const std::size_t length = GENERATE(4500U, 9000U, 10'000U);
    for (int i = 0; i < 5; ++i) {
        fixture.store_as(name, fixture.random.bytes(length));
    }
    ChunkStore chunks(fixture.repository);
    REQUIRE(chunks.find_all(name.short_id()).size() == 6);
    Bytes range(9000);
    chunks.read_range({name.short_id(), 9000, 0}, range);
    CHECK((range == chunk));
    ByteChain collected{{as_bytes("before"), nullptr}};
    chunks.collect({name.short_id(), 9000, 0}, 9000, collected);
    CHECK(as_text(collected.front().bytes) == "before");
    collected.erase(collected.begin());
    CHECK((to_bytes(collected) == chunk));
}

TEST_CASE("a chunk that is asked for by its whole name and kind has both, or is refused") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(9000);
    const auto id = fixture.hasher(content::ChunkKind::Metadata, chunk);
    fixture.store_as(id, chunk);
    ChunkStore chunks(fixture.repository);
    CHECK(chunks.read(id, content::ChunkKind::Metadata, 9000) == chunk);
    CHECK(error_code_of([&] { return chunks.read(id, content::ChunkKind::Page, 9000); }) ==
          ErrorCode::CorruptData);
    auto other = id;
    other.bytes.back() ^= std::byte{1};
    const auto error =
        error_of([&] { return chunks.read(other, content::ChunkKind::Metadata, 9000); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("other bytes than its name says"));
}

TEST_CASE("beside copies of other bytes two damaged ones still make a whole one") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(60'000);
    const auto name = fixture.hasher(content::ChunkKind::Data, chunk);
    for (const std::size_t place : {10'000U, 50'000U}) {
        fixture.store(chunk);
        std::set<std::string> packs;
        ChunkStore chunks(fixture.repository);
        for (const auto& location : chunks.find_all(name.short_id())) {
            packs.insert(pack_name(location.pack));
        }
        std::erase_if(packs,
                      [&](const auto& pack) { return !fixture.damaged.insert(pack).second; });
        REQUIRE(packs.size() == 1);
        fixture.damage(*packs.begin(), place);
    }
    for (int i = 0; i < 5; ++i) {
        fixture.store_as(name, fixture.random.bytes(60'000));
    }
    ChunkStore chunks(fixture.repository);
    REQUIRE(chunks.find_all(name.short_id()).size() == 7);
    Bytes range(60'000);
    chunks.read_range({name.short_id(), 60'000, 0}, range);
    CHECK((range == chunk));
    CHECK((chunks.read(name.short_id()) == chunk));
    ByteChain collected;
    chunks.collect({name.short_id(), 60'000, 0}, 60'000, collected);
    CHECK((to_bytes(collected) == chunk));
}

TEST_CASE("a chunk of another length than the file says is not given, whole or in part") {
    Fixture fixture;
    const auto name = fixture.hasher(content::ChunkKind::Data, fixture.random.bytes(9000));
    const std::size_t length = GENERATE(4500U, 10'000U);
    const auto id = fixture.store_as(name, fixture.random.bytes(length));
    ChunkStore chunks(fixture.repository);
    for (const std::size_t size : {100U, 4500U, 9000U}) {
        Bytes range(size);
        CHECK(error_of([&] {
                  return chunks.read_range({id, 9000, 0}, range), 0;
              }).code() == ErrorCode::CorruptData);
        ByteChain collected;
        CHECK(error_of([&] {
                  return chunks.collect({id, 9000, 0}, size, collected), 0;
              }).code() == ErrorCode::CorruptData);
    }
}

namespace {

/// Does not answer for one blob.
class StalledBackend : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    std::string stalled;

  protected:
    void pass(backend::StorageCall call,
              std::string_view blob,
              const std::function<void()>& effect) override {
        if (blob == stalled && call != backend::StorageCall::Exists) {
            throw Error(ErrorCode::TimedOut, "the storage does not answer");
        }
        ForwardingBackend::pass(call, blob, effect);
    }
};

}  // namespace

TEST_CASE("a storage that does not answer is told, whatever the other copies are") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(9000);
    const auto id = fixture.store(chunk);
    StalledBackend backend(fixture.backend);
    backend.stalled = pack_name(ChunkStore(fixture.repository).find(id)->pack);
    for (const std::size_t length : {4500U, 9000U, 9000U, 10'000U}) {
        fixture.store_as(fixture.hasher(content::ChunkKind::Data, chunk),
                         fixture.random.bytes(length));
    }
    const auto repository = open_tiny_repository(backend, fixture.key);
    ChunkStore chunks(repository);
    Bytes range(9000);
    CHECK(error_of([&] {
              return chunks.read_range({id, 9000, 0}, range), 0;
          }).code() == ErrorCode::TimedOut);
    CHECK(error_of([&] { return chunks.read(id); }).code() == ErrorCode::TimedOut);
}
