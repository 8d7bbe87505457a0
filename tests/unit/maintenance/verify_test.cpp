// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify.hpp"

#include "core/backend/forwarding_backend.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/parity_switch.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/sealed_blob.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/spoiled_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <atomic>
#include <functional>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    Files files = some_files(random);
    PointRecord point = write_point(open(), "point", files, random, clock);

    Repository open() { return open_tiny_repository(backend, key); }

    std::vector<Problem> verify(VerifyLevel level) {
        NullProgress progress;
        return verify_repository(open(), {.level = level}, progress).problems;
    }

    std::vector<Problem> warnings(VerifyLevel level = VerifyLevel::Quick) {
        NullProgress progress;
        const auto result = verify_repository(open(), {.level = level}, progress);
        CHECK(result.problems.empty());
        return result.warnings;
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        return names;
    }

    void replace(const std::string& name, ByteView bytes) {
        backend.remove(name);
        backend.put(name, bytes);
    }

    void flip(const std::string& name, std::size_t at, std::byte mask) {
        auto bytes = backend.get(name);
        bytes.at(at) ^= mask;
        replace(name, bytes);
    }

    /// What verify --read-data says, or why it could not even begin.
    std::vector<Problem> verify_or_refusal() {
        std::optional<Repository> repository;
        try {
            repository.emplace(open());
        } catch (const Error& error) {
            return {{"open", error.what(), error.code()}};
        }
        NullProgress progress;
        return verify_repository(*repository, {.level = VerifyLevel::ReadData}, progress).problems;
    }
};

bool names(const std::vector<Problem>& problems, const std::string& blob) {
    return std::any_of(problems.begin(), problems.end(), [&blob](const Problem& problem) {
        return (problem.subject + " " + problem.message).find(blob) != std::string::npos;
    });
}

/// A storage that fails a number of times, then works again.
class StumblingBackend : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    void stumble(std::string folder, std::size_t times, ErrorCode code) {
        folder_ = std::move(folder);
        code_ = code;
        times_ = times;
    }

    Bytes get(std::string_view name) override {
        fail(name);
        return ForwardingBackend::get(name);
    }

    void get_range(std::string_view name, std::uint64_t at, std::span<std::byte> out) override {
        fail(name);
        ForwardingBackend::get_range(name, at, out);
    }

    std::unique_ptr<backend::BlobReader> open(std::string_view name) override {
        fail(name);
        return std::make_unique<Reader>(*this, ForwardingBackend::open(name), name);
    }

    std::size_t times_left() const { return times_; }

  private:
    class Reader : public backend::BlobReader {
      public:
        Reader(StumblingBackend& storage,
               std::unique_ptr<backend::BlobReader> blob,
               std::string_view name)
            : storage_(storage),
              blob_(std::move(blob)),
              name_(name) {}

        void read(std::uint64_t offset, std::span<std::byte> out) override {
            storage_.fail(name_);
            blob_->read(offset, out);
        }

      private:
        StumblingBackend& storage_;
        std::unique_ptr<backend::BlobReader> blob_;
        std::string name_;
    };

    void fail(std::string_view name) {
        if (times_ > 0 && name.substr(0, folder_.size()) == folder_) {
            --times_;
            throw Error(code_, concat(name, ": the storage stumbled"));
        }
    }

    std::string folder_;
    ErrorCode code_ = ErrorCode::Io;
    std::atomic<std::size_t> times_{0};
};

/// Calls back when the stage begins.
class StageProgress : public NullProgress {
  public:
    StageProgress(std::string_view name, std::function<void()> action)
        : name_(name),
          action_(std::move(action)) {}

    void stage(std::string_view name) override {
        if (name == name_) {
            action_();
        }
    }

  private:
    std::string_view name_;
    std::function<void()> action_;
};

}  // namespace

TEST_CASE("a sound repository has no problems at any level") {
    Fixture fixture;
    for (const auto level : {VerifyLevel::Quick, VerifyLevel::Default, VerifyLevel::ReadData}) {
        const auto problems = fixture.verify(level);
        for (const auto& problem : problems) {
            UNSCOPED_INFO(problem.subject << ": " << problem.message);
        }
        CHECK(problems.empty());
    }
    NullProgress progress;
    const auto result =
        verify_repository(fixture.open(), {.level = VerifyLevel::ReadData}, progress);
    CHECK(result.points == 1);
    CHECK(result.packs == fixture.list("packs").size());
    CHECK(result.packs_read == result.packs);
    CHECK(result.chunks > 20);
    CHECK(result.bytes_read > 30'000);
    const auto none =
        verify_repository(fixture.open(), {.level = VerifyLevel::ReadData, .percent = 0}, progress);
    CHECK(none.packs_read == 0);
}

TEST_CASE("a flipped byte anywhere is found by verify --read-data, which names the blob") {
    Fixture fixture;
    std::vector<std::string> blobs{std::string(kConfigName)};
    for (const auto* folder : {"keys", "packs", "index", "points"}) {
        const auto found = fixture.list(folder);
        blobs.insert(blobs.end(), found.begin(), found.end());
    }
    REQUIRE(blobs.size() >= 8);
    for (const auto& blob : blobs) {
        const auto size = fixture.backend.size(blob);
        // Small blobs byte by byte; of long ones the clear ends and every so many bytes between.
        const std::size_t step = size < 300 ? 1 : size / 40 + 1;
        for (std::size_t at = 0; at < size; at += at < 100 || at + 50 > size ? 7 : step) {
            fixture.flip(blob, at, std::byte{0x40});
            const auto problems = fixture.verify_or_refusal();
            INFO(blob << " at " << at);
            CHECK(names(problems, blob));
            fixture.flip(blob, at, std::byte{0x40});
        }
    }
    CHECK(fixture.verify(VerifyLevel::ReadData).empty());
}

TEST_CASE("a missing or short pack is found at once, with the point that needs it") {
    Fixture fixture;
    for (const auto& pack : fixture.list("packs")) {
        const auto bytes = fixture.backend.get(pack);
        fixture.replace(pack, ByteView(bytes).first(bytes.size() - 1));
        CHECK(names(fixture.verify(VerifyLevel::Quick), pack));
        fixture.backend.remove(pack);
        const auto problems = fixture.verify(VerifyLevel::Quick);
        CHECK(names(problems, pack));
        CHECK(names(problems, "point"));
        fixture.backend.put(pack, bytes);
    }
    CHECK(fixture.verify(VerifyLevel::Quick).empty());
}

TEST_CASE("a lost index shows in every file that needs it") {
    Fixture fixture;
    const auto index = fixture.list("index");
    REQUIRE(index.size() == 1);
    fixture.backend.remove(index[0]);
    CHECK(names(fixture.verify(VerifyLevel::Default), "point"));
}

TEST_CASE("a file whose chunk is lost is named by its path") {
    Fixture fixture;
    for (const auto& pack : fixture.list("packs")) {
        const auto bytes = fixture.backend.get(pack);
        if (bytes[4] == static_cast<std::byte>(BlobKind::DataPack)) {
            fixture.backend.remove(pack);
        }
    }
    const auto problems = fixture.verify(VerifyLevel::Default);
    CHECK(names(problems, "point:/files/text"));
    CHECK(names(problems, "point:/files/dense"));
    CHECK_FALSE(names(problems, "point:/files/inline"));
}

TEST_CASE("stop ends the work") {
    Fixture fixture;
    std::stop_source stop;
    stop.request_stop();
    NullProgress progress;
    CHECK(error_code_of([&] {
              return verify_repository(fixture.open(), {}, progress, stop.get_token())
                  .problems.size();
          }) == ErrorCode::Interrupted);
}

TEST_CASE("bad sectors: verify names the files that lost something, and remembers the pack") {
    Fixture fixture;
    SpoiledBackend disk(fixture.backend);
    const auto repository = open_tiny_repository(disk, fixture.key);
    const auto verify = [&] {
        NullProgress progress;
        VerifyOptions options;
        options.level = VerifyLevel::ReadData;
        return verify_and_remember(
            repository, options, {fixture.clock, fixture.random, progress, {}});
    };
    CHECK(verify().problems.empty());
    ChunkStore chunks(repository);
    for (const auto& pack : chunks.list_packs()) {
        const auto name = pack_name(pack.name);
        constexpr std::uint64_t kSector = 4096;
        // The header; the tables.
        for (const auto sector : {std::uint64_t{0}, pack.frame_table_offset / kSector}) {
            INFO(name << " at " << sector);
            disk.spoil(name, sector * kSector, kSector);
            const auto result = verify();
            CHECK(names(result.problems, name));
            CHECK(names(result.problems, "cannot be read"));
            if (pack.kind == BlobKind::DataPack) {
                CHECK(names(result.problems, "point:/files/"));
            } else {
                CHECK(names(result.problems, "point"));
            }
            CHECK(result.damaged_points == std::vector<std::string>{fixture.point.point.id});
            CHECK(find_unsound_packs(repository) == std::set<content::Digest>{pack.name});
            // As after a replaced sector.
            const auto bytes = fixture.backend.get(name);
            disk.remove(name);
            disk.put(name, bytes);
            CHECK(verify().problems.empty());
            CHECK(find_unsound_packs(repository).empty());
        }
    }
}

TEST_CASE("a pack known to be damaged is told of, with its files, until it is read and sound") {
    Fixture fixture;
    const auto repository = fixture.open();
    NullProgress progress;
    const Surroundings surroundings{fixture.clock, fixture.random, progress, {}};
    const auto packs = ChunkStore(repository).list_packs();
    const auto pack = std::find_if(
        packs.begin(), packs.end(), [](const auto& one) { return one.kind == BlobKind::DataPack; });
    const auto name = pack_name(pack->name);
    fixture.flip(name, 200, std::byte{1});
    // The tables are whole: who does not read it finds nothing.
    CHECK(verify_and_remember(repository, {}, surroundings).problems.empty());
    const auto is_told = [&](const VerifyOptions& options) {
        const auto result = verify_and_remember(repository, options, surroundings);
        return names(result.problems, name) && names(result.problems, "point:/files/");
    };
    CHECK(is_told({.level = VerifyLevel::ReadData}));
    for (const auto level : {VerifyLevel::Default, VerifyLevel::ReadData}) {
        CHECK(is_told({.level = level, .percent = 1}));
        const auto checks = load_checks(repository);
        CHECK(damaged_points(checks) == std::set<std::string>{fixture.point.point.id});
        CHECK_FALSE(checks.packs.at(pack->name).is_sound);
    }
    fixture.flip(name, 200, std::byte{1});
    CHECK(verify_and_remember(repository, {}, surroundings).packs_read == 1);
    CHECK(damaged_points(load_checks(repository)).empty());
    CHECK(find_unsound_packs(repository).empty());
    CHECK(verify_and_remember(repository, {}, surroundings).packs_read == 0);
}

TEST_CASE("a hold whose point is not there is told of") {
    Fixture fixture;
    const auto repository = fixture.open();
    put_hold(repository, {fixture.point.point.id, "", "", fixture.clock.now()}, fixture.random);
    CHECK(fixture.verify(VerifyLevel::Quick).empty());
    fixture.backend.remove(fixture.list("points").at(0));
    CHECK(names(fixture.verify(VerifyLevel::Quick), fixture.list("holds").at(0)));
}

TEST_CASE("a damaged session is a warning: no point loses anything by it") {
    Fixture fixture;
    const auto repository = fixture.open();
    const std::string id(32, 'a');
    const auto record = encode_session(
        repository, {id, "host", 1, "program", fixture.clock.now(), {}}, fixture.random);
    const auto point = fixture.list("points").at(0);
    fixture.backend.put(session_name(id), record);
    fixture.backend.put(session_beat_name(id, 7), record);
    REQUIRE(put_session_end(repository, id, {point, fixture.backend.get(point)}, fixture.random));
    fixture.backend.put(lost_ticket_name(id), {});
    CHECK(fixture.warnings().empty());
    SpoiledBackend disk(fixture.backend);
    for (const auto& [blob, meaning] :
         {std::pair(session_name(id), "a prune waits for this run"),
          std::pair(session_beat_name(id, 7), "only its time counts"),
          std::pair(session_end_name(id), "that backup is to be run again")}) {
        const auto size = fixture.backend.size(blob);
        for (std::size_t at = 0; at < size; at += at < 100 ? 1 : size / 20) {
            INFO(blob << " at " << at);
            fixture.flip(blob, at, std::byte{4});
            const auto warnings = fixture.warnings();
            REQUIRE(warnings.size() == 1);
            CHECK(warnings[0].subject == blob);
            CHECK_THAT(warnings[0].message, contains(meaning));
            fixture.flip(blob, at, std::byte{4});
        }
        disk.spoil(blob, 0, 1);
        NullProgress progress;
        const auto result =
            verify_repository(open_tiny_repository(disk, fixture.key), {}, progress);
        CHECK(result.problems.empty());
        CHECK(names(result.warnings, blob));
        const auto bytes = fixture.backend.get(blob);
        disk.remove(blob);
        disk.put(blob, bytes);
    }
    CHECK(fixture.warnings(VerifyLevel::ReadData).empty());
}

TEST_CASE("packs without the parity that the repository asks for are a warning") {
    Fixture fixture;
    const auto repository = fixture.open();
    NullProgress progress;
    const Surroundings surroundings{fixture.clock, fixture.random, progress, {}};
    CHECK(fixture.warnings().empty());
    // Asked for, and not made yet.
    fixture.backend.put(kParityMark, {});
    const auto packs = fixture.list("packs").size();
    REQUIRE(packs > 1);
    CHECK(verify_repository(repository, {}, progress).packs_bare == packs);
    CHECK_THAT(fixture.warnings().at(0).message, contains(concat(packs, " packs have no parity")));
    turn_parity_on(repository, false, surroundings);
    CHECK(fixture.warnings().empty());
    // Lost.
    const auto lost = parity_name(find_pack_digest(fixture.list("packs").at(0)).value());
    fixture.backend.remove(lost);
    const auto warnings = fixture.warnings(VerifyLevel::ReadData);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].subject == "parity");
    CHECK_THAT(warnings[0].message, contains("1 pack has no parity: " + lost));
    CHECK_THAT(warnings[0].message, contains("repo parity on"));
    // Nobody heals what is on its way out.
    const auto pack = find_parity_pack(lost).value();
    put_generation(repository, {pack}, fixture.clock.now(), fixture.random);
    CHECK(fixture.warnings().empty());
    // Nor what was not asked for.
    fixture.backend.remove(fixture.list("gc").at(0));
    CHECK(fixture.warnings().size() == 1);
    fixture.backend.remove(kParityMark);
    CHECK(fixture.warnings().empty());
}

TEST_CASE("a storage that stumbles over a point leaves no mark on it") {
    Fixture fixture;
    StumblingBackend storage(fixture.backend);
    const auto repository = open_tiny_repository(storage, fixture.key);
    const auto& id = fixture.point.point.id;
    const auto verify = [&](std::string_view stage, std::size_t times, ErrorCode code) {
        StageProgress progress(stage, [&] { storage.stumble("packs/", times, code); });
        const auto result =
            verify_and_remember(repository, {}, {fixture.clock, fixture.random, progress, {}});
        storage.stumble("", 0, code);
        return result;
    };
    const auto is_sound = [&] {
        const auto checks = load_checks(repository);
        const auto found = checks.points.find(id);
        return found == checks.points.end() ? std::nullopt : std::optional(found->second.is_sound);
    };
    const auto code = GENERATE(ErrorCode::Io, ErrorCode::TimedOut);
    auto result = verify("trees", 1, code);
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].code == code);
    CHECK(result.damaged_points == std::vector<std::string>{id});
    CHECK(is_sound() == std::nullopt);
    CHECK(verify("", 0, code).problems.empty());
    CHECK(is_sound() == true);
    verify("trees", 1, code);
    CHECK(is_sound() == true);
    // What others can be read beside, and this not, is lost; that somebody waits for too long is
    // no sign of it.
    verify("trees", 1'000'000, code);
    CHECK(is_sound() == (code == ErrorCode::TimedOut));
    CHECK(verify("", 0, code).problems.empty());
    CHECK(is_sound() == true);
}

TEST_CASE("a storage that stumbles over the index leaves no mark on the points") {
    Fixture fixture;
    StumblingBackend storage(fixture.backend);
    const auto repository = open_tiny_repository(storage, fixture.key);
    NullProgress progress;
    const Surroundings surroundings{fixture.clock, fixture.random, progress, {}};
    storage.stumble("index/", 1, ErrorCode::Io);
    CHECK_FALSE(verify_and_remember(repository, {}, surroundings).problems.empty());
    CHECK(storage.times_left() == 0);
    CHECK(load_checks(repository).points.empty());
    // Gone for good, or damaged for good.
    const auto index = fixture.list("index").at(0);
    fixture.flip(index, fixture.backend.size(index) - 1, std::byte{1});
    CHECK_FALSE(verify_and_remember(repository, {}, surroundings).problems.empty());
    CHECK(damaged_points(load_checks(repository)) == std::set<std::string>{fixture.point.point.id});
}
