// SPDX-License-Identifier: Apache-2.0
// The client half against movers that do not keep to the protocol (docs/mover.md).
#include "core/capture/capture_volume.hpp"

#include "core/base/task_group.hpp"
#include "core/capture/received_groups.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/volume/protocol.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::volume;
using backup::testing::error_code_of;
using backup::testing::FakeClock;
using backup::testing::SeededRandom;

namespace {

model::FileEntry entry(std::string name, model::FileType type, std::uint64_t size = 0) {
    model::FileEntry made;
    made.name = std::move(name);
    made.type = type;
    made.size = size;
    made.inode = 7;
    return made;
}

EntryItem directory(std::string name = {}) {
    return {entry(std::move(name), model::FileType::Directory), std::nullopt, {}};
}

EntryItem file(std::string name, std::uint64_t size) {
    return {entry(std::move(name), model::FileType::Regular, size), std::nullopt, {}};
}

struct Fixture {
    Fixture()
        : repository(backup::testing::open_tiny_repository(
              backend, backup::testing::init_tiny_repository(backend, random, clock))),
          chunks(repository),
          writer(repository, chunks, random, clock) {}

    /// Runs the client against a mover that says what `mover` says.
    std::optional<Error> failure_with(const std::function<void(Channel&)>& mover) {
        auto ends = make_local_channels(200);
        TaskGroup group;
        group.start([&](const std::stop_token&) {
            failure_of([&] { mover(*ends.mover); });
            // Whatever the client still says is heard, so that it never waits for us.
            failure_of([&] {
                while (ends.mover->receive({})) {
                }
            });
        });
        capture::VolumeCapture options{repository, writer, clock, source, previous};
        options.read_rate = read_rate;
        const auto failure =
            failure_of([&] { captured = capture::capture_volume(*ends.client, options, {}); });
        ends.client->abort();
        group.wait();
        return failure;
    }

    ErrorCode code_with(const std::function<void(Channel&)>& mover) {
        const auto failure = failure_with(mover);
        REQUIRE(failure);
        return failure->code();
    }

    Message frames_with(const content::ChunkId& id, ByteView bytes) {
        content::FrameGroupBuilder builder(4096, 1, true);
        builder.add(id, content::ChunkKind::Data, bytes);
        return encode_frames(builder.take());
    }

    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    repository::Repository repository;
    repository::ChunkStore chunks;
    repository::Writer writer;
    capture::VolumeSource source;
    std::optional<capture::PreviousVolume> previous;
    capture::ReadRate* read_rate = nullptr;
    capture::CapturedVolume captured;
};

Message content_of(std::uint64_t number, const std::vector<ContentItem>& items) {
    ContentBatch batch;
    batch.items.emplace_back(FileStart{number});
    for (const ContentItem& item : items) {
        batch.items.push_back(item);
    }
    return encode_content(batch);
}

FileEnd end_of(std::uint64_t size) {
    FileEnd end;
    end.size = size;
    return end;
}

}  // namespace

TEST_CASE("a mover compares its frames when nobody else does and the writer wants it") {
    Fixture fixture;
    const auto verifies_received = GENERATE(false, true);
    const auto verify_writes = GENERATE(false, true);
    repository::Writer writer(fixture.repository,
                              fixture.chunks,
                              fixture.random,
                              fixture.clock,
                              {.verify_writes = verify_writes});
    capture::VolumeCapture options{fixture.repository, writer, fixture.clock, {}, {}};
    options.verifies_received = verifies_received;
    auto ends = make_local_channels();
    TaskGroup group;
    group.start([&](const std::stop_token&) {
        failure_of([&] { capture::capture_volume(*ends.client, options, {}); });
    });
    const auto task = decode_read_task(*ends.mover->receive({}));
    CHECK(task.verify_frames == (verify_writes && !verifies_received));
    ends.mover->abort();
    group.wait();
}

TEST_CASE(
    "a mover hears its part of the rate before it is asked for anything, and when it changes") {
    Fixture fixture;
    capture::ReadRate rate(1000);
    capture::ReadRate::Share other(rate);
    other.begin();
    fixture.read_rate = &rate;
    const Bytes bytes = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, bytes);
    std::vector<std::uint64_t> limits;
    bool was_asked_too_early = false;
    const auto failure = fixture.failure_with([&](Channel& channel) {
        limits.push_back(decode_read_task(*channel.receive({})).read_limit);
        channel.send(encode_entries({directory(), file("a", 5000), DirectoryEnd{}}), {});
        const auto hear = [&] {
            const auto message = channel.receive({});
            if (type_of(*message) == MessageType::ReadLimit) {
                limits.push_back(decode_number(*message));
            }
            return type_of(*message);
        };
        while (hear() != MessageType::Wanted) {
        }
        was_asked_too_early = limits.size() < 2;
        other.end();
        while (limits.back() != 1000) {
            hear();
        }
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.send(fixture.frames_with(id, bytes), {});
        channel.send(encode_finished({10, 20, 30}), {});
        channel.finish({});
    });
    CHECK_FALSE(failure);
    CHECK_FALSE(was_asked_too_early);
    CHECK(limits.front() == 500);
    CHECK(limits.at(1) == 500);
    CHECK(capture::ReadRate::Share(rate).part() == 1000);
}

TEST_CASE("a mover that keeps to the protocol is believed") {
    Fixture fixture;
    const Bytes bytes = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, bytes);
    const auto failure = fixture.failure_with([&](Channel& channel) {
        channel.send(encode_entries({directory(),
                                     file("a", 5000),
                                     WalkProblem{"b", "EIO", true},
                                     WalkProblem{"mnt", "mounted", false},
                                     DirectoryEnd{}}),
                     {});
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.send(fixture.frames_with(id, bytes), {});
        channel.send(encode_finished({10, 20, 30}), {});
        channel.finish({});
    });
    CHECK_FALSE(failure);
    const auto& record = fixture.captured.record;
    CHECK(record.files == 1);
    CHECK(record.bytes == 5000);
    CHECK(record.used_inodes == 20);
    CHECK(record.unreadable == std::vector<std::string>{"b: EIO"});
    CHECK(record.message.find("mnt: mounted") != std::string::npos);
}

TEST_CASE("file systems that were left out are counted, other volumes are not") {
    Fixture fixture;
    fixture.source.other_volumes = {"cache"};
    const auto failure = fixture.failure_with([&](Channel& channel) {
        channel.send(encode_entries({directory(),
                                     file("a", 0),
                                     WalkProblem{"cache", "mounted", false, true},
                                     WalkProblem{"disk", "mounted", false, true},
                                     WalkProblem{"proc", "kernel", false},
                                     DirectoryEnd{}}),
                     {});
        channel.send(encode_finished({10, 20, 30, 5}), {});
        channel.finish({});
    });
    CHECK_FALSE(failure);
    const auto& record = fixture.captured.record;
    CHECK(record.file_systems_left_out == 1);
    CHECK(record.files_unreadable == 0);
    CHECK(record.reason == model::SkipReason::None);
    CHECK(record.message ==
          "cache: another volume is mounted here; disk: mounted; proc: kernel "
          "(3 left out)");
}

TEST_CASE("include globs that match nothing are no empty volume") {
    Fixture fixture;
    std::uint64_t dropped = 0;
    const auto record_of = [&] {
        const auto failure = fixture.failure_with([&](Channel& channel) {
            channel.send(encode_entries({directory(), DirectoryEnd{}}), {});
            channel.send(encode_finished({10, 20, 30, dropped}), {});
            channel.finish({});
        });
        CHECK_FALSE(failure);
        return fixture.captured.record;
    };
    CHECK(record_of().reason == model::SkipReason::None);
    dropped = 7;
    CHECK(record_of().reason == model::SkipReason::NoData);
    CHECK(record_of().message.find("match none of its 7 files") != std::string::npos);
}

TEST_CASE("globs with and without '/' in front are the same paths") {
    Fixture fixture;
    const backup::testing::TempDir root;
    root.write("uploads/a", "1");
    root.write("cache/b", "1");
    const auto record_of = [&](std::vector<std::string> include) {
        fixture.source.path = root.path().string();
        fixture.source.include = std::move(include);
        return capture::capture_directory(
                   {fixture.repository, fixture.writer, fixture.clock, fixture.source, {}}, {})
            .record;
    };
    for (const auto* glob : {"uploads", "/uploads", "./uploads/", "/uploads/*"}) {
        INFO(glob);
        CHECK(record_of({glob}).files == 1);
        CHECK(record_of({glob}).reason == model::SkipReason::None);
    }
    const auto none = record_of({"/uploadz"});
    CHECK(none.files == 0);
    CHECK(none.reason == model::SkipReason::NoData);
}

TEST_CASE("a file that was deleted meanwhile is told, but is no loss") {
    Fixture fixture;
    FileEnd gone;
    gone.is_gone = true;
    gone.unreadable = "open: No such file or directory";
    auto linked = file("linked", 5);
    linked.entry.link_count = 2;
    const auto failure = fixture.failure_with([&](Channel& channel) {
        channel.send(
            encode_entries({directory(), file("a", 5), file("b", 0), linked, DirectoryEnd{}}), {});
        channel.send(content_of(1, {gone}), {});
        channel.send(content_of(3, {gone}), {});
        channel.send(encode_finished({10, 20, 30}), {});
        channel.finish({});
    });
    CHECK_FALSE(failure);
    const auto& record = fixture.captured.record;
    CHECK(record.files == 2);
    CHECK(record.files_changed == 1);
    CHECK(record.changed == std::vector<std::string>{"a: deleted meanwhile"});
    // Another name of it may still have the content that could not be read.
    CHECK(record.unreadable == std::vector<std::string>{"linked: open: No such file or directory"});
}

TEST_CASE("content under the id of other content is refused") {
    Fixture fixture;
    const Bytes victim = fixture.random.bytes(5000);
    const Bytes planted = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, victim);
    CHECK(fixture.code_with([&](Channel& channel) {
        channel.send(encode_entries({directory(), file("a", 5000), DirectoryEnd{}}), {});
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.send(fixture.frames_with(id, planted), {});
        channel.send(encode_finished({}), {});
        channel.finish({});
    }) == ErrorCode::CorruptData);
    CHECK_FALSE(fixture.writer.is_known(id.short_id()));
}

TEST_CASE("chunks nobody asked for are refused") {
    Fixture fixture;
    const Bytes bytes = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, bytes);
    CHECK(fixture.code_with([&](Channel& channel) {
        channel.send(fixture.frames_with(id, bytes), {});
    }) == ErrorCode::CorruptData);
}

TEST_CASE("a tree that is none is refused") {
    Fixture fixture;
    const auto refuses = [&](std::vector<WalkItem> items) {
        const ErrorCode code = fixture.code_with([&](Channel& channel) {
            channel.send(encode_entries(items), {});
            channel.finish({});
        });
        return code == ErrorCode::CorruptData;
    };
    CHECK(refuses({file("a", 1)}));
    CHECK(refuses({DirectoryEnd{}}));
    CHECK(refuses({directory(), directory()}));
    CHECK(refuses({directory(), file("a", 0), file("a", 0), DirectoryEnd{}}));
    CHECK(refuses({directory(), directory("b"), DirectoryEnd{}, file("a", 0), DirectoryEnd{}}));
    CHECK(refuses({directory(), DirectoryEnd{}, DirectoryEnd{}}));
    EntryItem link = file("b", 1);
    link.same_as = 0;
    CHECK(refuses({directory(), link, DirectoryEnd{}}));
}

TEST_CASE("parts that do not make up a file are refused") {
    Fixture fixture;
    content::ChunkId id;
    id.bytes.fill(std::byte{1});
    const auto refuses = [&](std::uint64_t number, std::vector<ContentItem> items) {
        const ErrorCode code = fixture.code_with([&](Channel& channel) {
            channel.send(encode_entries({directory(), file("a", 100), DirectoryEnd{}}), {});
            channel.send(content_of(number, items), {});
            channel.finish({});
        });
        return code == ErrorCode::CorruptData;
    };
    CHECK(refuses(1, {ChunkItem{id, 99}, end_of(100)}));
    CHECK(refuses(1, {InlineItem{"abc"}, HoleItem{97}, end_of(100)}));
    CHECK(refuses(1, {HoleItem{1}, HoleItem{~std::uint64_t{0}}, end_of(0)}));
    CHECK(refuses(1, {ChunkItem{{}, 100}, end_of(100)}));
    CHECK(refuses(1, {InlineItem{std::string(60'000, 'x')}, end_of(60'000)}));
    CHECK(refuses(0, {end_of(0)}));
    CHECK(refuses(2, {end_of(0)}));
}

TEST_CASE("a mover that sends more entries than it may is refused") {
    Fixture fixture;
    CHECK(fixture.code_with([&](Channel& channel) {
        channel.send(encode_entries({directory(), file("waits", 100)}), {});
        for (std::size_t i = 0; i <= kEntryBatchWindow; ++i) {
            channel.send(encode_entries({file("z" + std::to_string(1000 + i), 0)}), {});
        }
    }) == ErrorCode::CorruptData);
}

TEST_CASE("a volume that failed can be tried again with the same writer") {
    Fixture fixture;
    const Bytes bytes = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, bytes);
    const auto entries = encode_entries({directory(), file("a", 5000), DirectoryEnd{}});
    CHECK(fixture.code_with([&](Channel& channel) {
        channel.send(entries, {});
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.finish({});
    }) == ErrorCode::MoverFailed);
    CHECK_FALSE(fixture.failure_with([&](Channel& channel) {
        channel.send(entries, {});
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.send(fixture.frames_with(id, bytes), {});
        channel.send(encode_finished({}), {});
        channel.finish({});
    }));
    CHECK(fixture.captured.record.bytes == 5000);
}

TEST_CASE("what fails at the other side is no failure of this one") {
    for (const auto code : {ErrorCode::Io,
                            ErrorCode::Interrupted,
                            ErrorCode::NoSpace,
                            ErrorCode::ReadOnly,
                            ErrorCode::Internal}) {
        Fixture fixture;
        const auto failure = fixture.failure_with(
            [&](Channel& channel) { channel.send(encode_failure(Error(code, "its disk")), {}); });
        REQUIRE(failure);
        CHECK(failure->code() == ErrorCode::MoverFailed);
        CHECK(failure->message() == "its disk");
    }
    Fixture fixture;
    CHECK(fixture.code_with([&](Channel& channel) {
        channel.send(encode_failure(Error(ErrorCode::NotFound, "nothing there")), {});
    }) == ErrorCode::NotFound);
}

namespace {

/// The pages of a repository that was damaged.
class DamagedPages : public repository::PageSource {
  public:
    Bytes get(const content::ShortId&) override { throw Error(ErrorCode::CorruptData, "damaged"); }

    void get_range(const repository::ChunkPiece&, std::span<std::byte>) override {
        throw Error(ErrorCode::CorruptData, "damaged");
    }
};

}  // namespace

TEST_CASE("a damaged tree of the point before costs time, not the backup") {
    Fixture fixture;
    repository::TreeReader reader(std::make_shared<DamagedPages>(), {}, {}, {});
    capture::PreviousVolume previous{&reader, {}};
    previous.entry.attributes.type = model::FileType::Directory;
    fixture.previous = previous;
    const Bytes bytes = fixture.random.bytes(5000);
    const auto id =
        content::ChunkHasher(fixture.repository.keys().chunk_id)(content::ChunkKind::Data, bytes);
    CHECK_FALSE(fixture.failure_with([&](Channel& channel) {
        channel.send(encode_entries({directory(), file("a", 5000), DirectoryEnd{}}), {});
        channel.send(content_of(1, {ChunkItem{id, 5000}, end_of(5000)}), {});
        channel.send(fixture.frames_with(id, bytes), {});
        channel.send(encode_finished({}), {});
        channel.finish({});
    }));
    CHECK(fixture.captured.record.bytes == 5000);
    CHECK(fixture.captured.record.files_unchanged == 0);
}
