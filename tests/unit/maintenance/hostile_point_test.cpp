// SPDX-License-Identifier: Apache-2.0
// Points whose trees lie, as whoever holds the key can write them.
#include "core/maintenance/mark.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/page_encoder.hpp"
#include "core/repository/tree_builder.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

EntryDraft directory(const std::string& name, const PageTarget& target) {
    EntryDraft draft;
    draft.attributes.name = name;
    draft.attributes.type = model::FileType::Directory;
    draft.target = target;
    return draft;
}

EntryDraft file_of(const std::string& name, const content::ShortId& chunk, std::uint64_t bytes) {
    EntryDraft draft;
    draft.attributes.name = name;
    draft.attributes.size = bytes;
    draft.content.extents = {{chunk, bytes}};
    return draft;
}

EntryDraft lost_file(const std::string& name) {
    content::ShortId missing;
    missing.bytes.fill(std::byte{7});
    return file_of(name, missing, 10);
}

DirectoryDraft with_entries(std::vector<EntryDraft> entries) {
    DirectoryDraft draft;
    draft.all_entries = entries.size();
    for (const auto& entry : entries) {
        draft.subdirectories += entry.attributes.type == model::FileType::Directory ? 1U : 0U;
    }
    draft.entries = std::move(entries);
    return draft;
}

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));
    ChunkStore chunks{repository};
    Writer writer{repository, chunks, random, clock};

    PageTarget put(const DirectoryDraft& draft) {
        const auto page = encode_page({&draft});
        return {writer.add_chunk(content::ChunkKind::Page, page).short_id(), 0};
    }

    PointRecord commit(const PageTarget& root) {
        PointRecord record;
        record.point.name = "point";
        record.point.created = clock.now();
        record.root = {*root.page, root.slot};
        record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
        return writer.commit(record);
    }

    std::vector<Problem> verify() {
        NullProgress progress;
        return verify_repository(repository, {.level = VerifyLevel::Default}, progress).problems;
    }

    /// Each of `length` directories has two names for the next one.
    PageTarget put_doubling(PageTarget below, int length) {
        for (int i = 0; i < length; ++i) {
            below = put(with_entries({directory("a", below), directory("b", below)}));
        }
        return below;
    }
};

}  // namespace

TEST_CASE("directories that have two names each are walked once") {
    Fixture fixture;
    const auto record = fixture.commit(fixture.put_doubling(fixture.put(with_entries({})), 40));
    CHECK(fixture.verify().empty());
    fixture.chunks.refresh();
    Marker marker(fixture.chunks);
    marker.mark(record, {});
    CHECK(marker.pages_read() == 41);
}

TEST_CASE("damage that is met on very many ways is named, and the walk ends") {
    Fixture fixture;
    const auto damaged = fixture.put(with_entries({lost_file("x")}));
    fixture.commit(fixture.put_doubling(damaged, 40));
    const auto problems = fixture.verify();
    REQUIRE(problems.size() > 1000);
    CHECK_THAT(problems.front().subject, contains("/a/a/a/"));
    CHECK_THAT(problems.back().message, contains("more are not told"));
}

TEST_CASE("a second point that shares damage names it, too") {
    Fixture fixture;
    const auto damaged = fixture.put(with_entries({lost_file("x")}));
    const auto shared = fixture.put(with_entries({directory("damaged", damaged)}));
    fixture.commit(fixture.put(with_entries({directory("one", shared)})));
    fixture.clock.advance(std::chrono::minutes(1));
    Writer second(fixture.repository, fixture.chunks, fixture.random, fixture.clock);
    const auto root = with_entries({directory("again", damaged), directory("two", shared)});
    const auto page = encode_page({&root});
    PointRecord record;
    record.point.name = "later";
    record.point.created = fixture.clock.now();
    record.root = {second.add_chunk(content::ChunkKind::Page, page).short_id(), 0};
    record.ledger = second.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));
    second.commit(record);
    std::vector<std::string> subjects;
    for (const auto& problem : fixture.verify()) {
        subjects.push_back(problem.subject);
    }
    CHECK(subjects == std::vector<std::string>{
                          "point:/one/damaged/x", "later:/again/x", "later:/two/damaged/x"});
}

TEST_CASE("a tree that is deeper than any backup is named") {
    Fixture fixture;
    // One page: each directory stands behind the one that contains it.
    std::vector<DirectoryDraft> drafts;
    for (int i = 0; i < 30'000; ++i) {
        drafts.push_back(with_entries({directory("d", {std::nullopt, 1})}));
    }
    drafts.push_back(with_entries({}));
    std::vector<const DirectoryDraft*> all;
    for (const auto& draft : drafts) {
        all.push_back(&draft);
    }
    const auto page = encode_page(all);
    fixture.commit({fixture.writer.add_chunk(content::ChunkKind::Page, page).short_id(), 0});
    const auto problems = fixture.verify();
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0].message, contains("too deeply"));
}

TEST_CASE("a list of packs that is not in order is named") {
    Fixture fixture;
    auto record = fixture.commit(fixture.put(with_entries({})));
    fixture.chunks.refresh();
    std::swap(record.pages, record.packs);
    record.packs = {record.pages[0], record.pages[0]};
    Marker marker(fixture.chunks);
    CHECK(error_code_of([&] {
              marker.mark(record, {});
              return 0;
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a file that says another length of its chunk is named") {
    Fixture fixture;
    const auto chunk =
        fixture.writer.add_chunk(content::ChunkKind::Data, fixture.random.bytes(3000)).short_id();
    fixture.commit(fixture.put(with_entries({file_of("longer", chunk, 3001),
                                             file_of("right", chunk, 3000),
                                             file_of("shorter", chunk, 2999)})));
    const auto problems = fixture.verify();
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].subject == "point:/longer");
    CHECK(problems[1].subject == "point:/shorter");
}
