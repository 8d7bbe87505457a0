// SPDX-License-Identifier: Apache-2.0
#include "core/repository/point_store.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
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

    PointRecord record() {
        PointRecord record;
        record.point.name = "nightly";
        record.point.created = parse_rfc3339("2026-11-20T10:00:00Z");
        record.point.finished = parse_rfc3339("2026-11-20T10:05:00Z");
        record.point.status = model::PointStatus::Warnings;
        record.point.description = "before the upgrade";
        record.point.tags = {{"team", "shop"}, {"empty", ""}};
        record.point.cluster = {"uid", "https://127.0.0.1:6443", "v1.36.0"};
        record.point.namespaces = {"shop", "stock"};
        record.point.host = "host";
        record.point.program = "kubectl-backup 0.1.0";
        record.point.previous = std::string(64, 'a');
        record.point.statistics = {1, 2, 3, 4, 5, 6, 7};
        random.fill(record.root.page.bytes);
        record.root.slot = 4;
        record.pages.resize(2);
        random.fill(record.pages[1].first.bytes);
        record.pages[1].second = 0xffffffff;
        record.packs.resize(1);
        return record;
    }

    void store(const PointRecord& record) {
        const auto blob = encode_point(repository, record, random);
        backend.put(point_name(record.point.created, content::sha256(blob)), blob);
    }
};

}  // namespace

TEST_CASE("a record comes back as it was") {
    Fixture fixture;
    const auto record = fixture.record();
    const auto read =
        decode_point(fixture.repository, encode_point(fixture.repository, record, fixture.random));
    CHECK(read.point == record.point);
    CHECK(read.root == record.root);
    CHECK(read.pages == record.pages);
    CHECK(read.ledger == record.ledger);
    CHECK(read.packs == record.packs);
    PointRecord empty;
    CHECK(decode_point(fixture.repository, encode_point(fixture.repository, empty, fixture.random))
              .point == empty.point);
}

TEST_CASE("points are listed oldest first, with their ids") {
    Fixture fixture;
    CHECK(list_points(fixture.repository).empty());
    auto record = fixture.record();
    for (const auto* time : {"2026-11-20T12:00:00Z",
                             "2026-11-19T12:00:00.000000002Z",
                             "2026-11-19T12:00:00.000000001Z",
                             "2026-11-21T12:00:00Z"}) {
        record.point.name = time;
        record.point.created = parse_rfc3339(time);
        fixture.store(record);
    }
    fixture.backend.put("points/notes.txt", as_bytes("not a point"));
    const auto points = list_points(fixture.repository);
    REQUIRE(points.size() == 4);
    CHECK(points[0].point.name == "2026-11-19T12:00:00.000000001Z");
    CHECK(points[1].point.name == "2026-11-19T12:00:00.000000002Z");
    CHECK(points[3].point.name == "2026-11-21T12:00:00Z");
    CHECK(points[0].point.id.size() == 64);
    CHECK(fixture.backend.exists("points/20261119T120000Z-" + points[0].point.id));
}

TEST_CASE("a damaged point is reported and the others are listed") {
    Fixture fixture;
    auto record = fixture.record();
    fixture.store(record);
    const auto blob = encode_point(fixture.repository, record, fixture.random);
    auto damaged = blob;
    damaged.back() ^= std::byte{1};
    const auto name = point_name(record.point.created, content::sha256(blob));
    fixture.backend.put(name, damaged);
    const auto error = error_of([&] { return list_points(fixture.repository).size(); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains(name));
    std::vector<std::string> seen;
    const auto points = list_points(
        fixture.repository,
        [&seen](const std::string& blob_name, const Error&) { seen.push_back(blob_name); });
    CHECK(points.size() == 1);
    CHECK(seen == std::vector<std::string>{name});
}

TEST_CASE("many points, which several threads load, are listed like few") {
    Fixture fixture;
    auto record = fixture.record();
    for (int i = 0; i < 100; ++i) {
        record.point.name = concat("point-", i);
        record.point.created += std::chrono::seconds(1);
        fixture.store(record);
    }
    const auto points = list_points(fixture.repository);
    REQUIRE(points.size() == 100);
    for (std::size_t i = 0; i < points.size(); ++i) {
        CHECK(points[i].point.name == concat("point-", i));
    }
    const auto damaged =
        point_name(points[40].point.created, content::parse_digest(points[40].point.id));
    fixture.backend.remove(damaged);
    fixture.backend.put(damaged, as_bytes("damaged"));
    std::vector<std::string> told;
    const auto left =
        list_points(fixture.repository,
                    [&told](const std::string& name, const Error&) { told.push_back(name); });
    CHECK(left.size() == 99);
    CHECK(told == std::vector{damaged});
    CHECK(error_code_of([&] { return list_points(fixture.repository); }) == ErrorCode::CorruptData);
}

TEST_CASE("a point under another time is damage") {
    Fixture fixture;
    const auto record = fixture.record();
    const auto blob = encode_point(fixture.repository, record, fixture.random);
    fixture.backend.put(point_name(parse_rfc3339("2030-01-01T00:00:00Z"), content::sha256(blob)),
                        blob);
    CHECK(error_code_of([&] { return list_points(fixture.repository).size(); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("a stream is read back, within its limit") {
    Fixture fixture;
    ChunkStore chunks(fixture.repository);
    const auto bytes = fixture.random.bytes(100'000);
    Stream stream;
    {
        Writer writer(fixture.repository, chunks, fixture.random, fixture.clock);
        stream = writer.add_stream(bytes);
        CHECK(writer.add_stream({}).empty());
        writer.commit(fixture.record());
    }
    CHECK(stream.size() > 5);
    CHECK(chunks.refresh());
    CHECK(read_stream(chunks, stream, bytes.size()) == bytes);
    CHECK(error_code_of([&] { return read_stream(chunks, stream, bytes.size() - 1); }) ==
          ErrorCode::CorruptData);
    stream[0].second += 1;
    CHECK(error_code_of([&] { return read_stream(chunks, stream, 1'000'000); }) ==
          ErrorCode::CorruptData);
}
