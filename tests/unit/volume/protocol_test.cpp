// SPDX-License-Identifier: Apache-2.0
#include "core/volume/protocol.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace backup::volume;
using backup::testing::error_code_of;
using backup::testing::error_of;
using backup::testing::SeededRandom;

namespace {

model::FileEntry full_entry() {
    model::FileEntry entry;
    entry.name = "a\nname";
    entry.type = model::FileType::Regular;
    entry.mode = 04755;
    entry.uid = 1000;
    entry.gid = 4'000'000'000U;
    entry.link_count = 3;
    entry.size = 1ULL << 40U;
    entry.mtime_ns = -5;
    entry.ctime_ns = 1'700'000'000'123'456'789;
    entry.inode = 42;
    entry.has_link_group = true;
    entry.is_racy = true;
    entry.xattrs = {{"security.capability", std::string("\0\1", 2)}, {"user.x", "y"}};
    return entry;
}

}  // namespace

TEST_CASE("a batch of entries survives the wire") {
    model::FileEntry link;
    link.name = "l";
    link.type = model::FileType::Symlink;
    link.link_target = "../somewhere";
    model::FileEntry root;
    root.type = model::FileType::Directory;
    const std::vector<WalkItem> items{EntryItem{root, std::nullopt, "half of it is missing"},
                                      EntryItem{full_entry(), 17, {}},
                                      EntryItem{link, std::nullopt, {}},
                                      WalkProblem{"a/b", "gone", false},
                                      DirectoryEnd{},
                                      WalkProblem{"a/c", "EIO", true},
                                      WalkProblem{"a/d", "mounted", false, true}};
    const auto decoded = decode_entries(encode_entries(items));
    REQUIRE(decoded.size() == 7);
    CHECK(std::get<EntryItem>(decoded[0]).problem == "half of it is missing");
    CHECK(std::get<EntryItem>(decoded[1]).entry == full_entry());
    CHECK(std::get<EntryItem>(decoded[1]).same_as == 17U);
    CHECK(std::get<EntryItem>(decoded[2]).entry == link);
    CHECK_FALSE(std::get<WalkProblem>(decoded[3]).is_loss);
    CHECK_FALSE(std::get<WalkProblem>(decoded[3]).is_file_system);
    CHECK(std::holds_alternative<DirectoryEnd>(decoded[4]));
    CHECK(std::get<WalkProblem>(decoded[5]).is_loss);
    CHECK(std::get<WalkProblem>(decoded[6]).is_file_system);
    CHECK_FALSE(std::get<WalkProblem>(decoded[6]).is_loss);
}

TEST_CASE("entries with impossible names, types and attributes are refused") {
    const auto refuses = [](auto change) {
        model::FileEntry entry = full_entry();
        change(entry);
        const Message message = encode_entries({EntryItem{entry, std::nullopt, {}}});
        return error_code_of([&] { return decode_entries(message); }) == ErrorCode::CorruptData;
    };
    CHECK(refuses([](auto& entry) { entry.name = ".."; }));
    CHECK(refuses([](auto& entry) { entry.name = "a/b"; }));
    CHECK(refuses([](auto& entry) { entry.name = std::string("a\0b", 3); }));
    CHECK(refuses([](auto& entry) { entry.name = std::string(256, 'x'); }));
    CHECK(refuses([](auto& entry) { entry.type = static_cast<model::FileType>(9); }));
    CHECK(refuses([](auto& entry) { entry.mode = 0100644; }));
    CHECK(refuses([](auto& entry) { entry.link_target = std::string(5000, 'x'); }));
    CHECK(refuses([](auto& entry) { std::swap(entry.xattrs[0], entry.xattrs[1]); }));
    CHECK(refuses([](auto& entry) { entry.xattrs[0].value = std::string(70'000, 'x'); }));
}

TEST_CASE("tasks survive the wire, and impossible ones are refused") {
    SeededRandom random;
    ReadTask task;
    random.fill(task.chunk_id_key);
    random.fill(task.chunker_key);
    task.path = "/volume";
    task.exclude = {"*.tmp", "cache/*"};
    task.is_block_device = true;
    const ReadTask read = decode_read_task(encode_read_task(task));
    CHECK(read.chunk_id_key == task.chunk_id_key);
    CHECK(read.chunker == task.chunker);
    CHECK(read.exclude == task.exclude);
    CHECK(read.is_block_device);
    CHECK_FALSE(read.crosses_file_systems);
    task.readers = 0;
    CHECK(error_code_of([&] { return decode_read_task(encode_read_task(task)); }) ==
          ErrorCode::CorruptData);
    WriteTask write{"/volume", "a/b", "name", {}};
    write.options.overwrites = true;
    write.options.restores_special_files = false;
    const WriteTask written = decode_write_task(encode_write_task(write));
    CHECK(written.options == write.options);
    CHECK(written.below == "a/b");
    write.name = "a/b";
    CHECK(error_code_of([&] { return decode_write_task(encode_write_task(write)); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("content and its answer survive the wire") {
    SeededRandom random;
    ContentBatch batch;
    batch.number = 7;
    ChunkItem chunk;
    random.fill(chunk.id.bytes);
    chunk.length = 4096;
    FileEnd end;
    end.size = 5000;
    end.mtime_ns = -1;
    end.changed_while_read = true;
    batch.items = {FileStart{3}, chunk, HoleItem{904}, end, FileStart{4}, InlineItem{"x"}};
    const ContentBatch read = decode_content(encode_content(batch));
    REQUIRE(read.items.size() == 6);
    CHECK(std::get<FileStart>(read.items[0]).number == 3);
    CHECK(std::get<ChunkItem>(read.items[1]).id == chunk.id);
    CHECK(std::get<HoleItem>(read.items[2]).length == 904);
    CHECK(std::get<FileEnd>(read.items[3]).changed_while_read);
    CHECK(std::get<FileEnd>(read.items[3]).mtime_ns == -1);
    CHECK(std::get<InlineItem>(read.items[5]).bytes == "x");
    const Missing missing = decode_missing(encode_missing({7, {true, false, true}}));
    CHECK(missing.send == std::vector<bool>{true, false, true});
}

TEST_CASE("frames survive the wire, and their table is checked") {
    SeededRandom random;
    content::FrameGroup group;
    group.frames = {{10, false, random.bytes(10)}, {20, true, random.bytes(5)}};
    content::PlacedChunk chunk;
    random.fill(chunk.id.bytes);
    chunk.first_frame = 1;
    chunk.offset = 3;
    chunk.length = 4;
    group.chunks = {chunk};
    const content::FrameGroup read = decode_frames(encode_frames(group));
    REQUIRE(read.frames.size() == 2);
    CHECK(read.frames[1].is_compressed);
    CHECK(read.frames[0].stored == group.frames[0].stored);
    REQUIRE(read.chunks.size() == 1);
    CHECK(read.chunks[0].id == chunk.id);
    CHECK(read.chunks[0].offset == 3);
    Message damaged = encode_frames(group);
    damaged.blobs.emplace_back();
    CHECK(error_code_of([&] { return decode_frames(damaged); }) == ErrorCode::CorruptData);
}

TEST_CASE("a failure keeps its code over the wire") {
    const Error error = error_of([]() -> int {
        throw_failure(
            encode_failure(Error(ErrorCode::NotFound, "no such directory").hint("look again")));
    });
    CHECK(error.code() == ErrorCode::NotFound);
    CHECK(error.message() == "no such directory");
    CHECK(error.hint() == "look again");
}

TEST_CASE("messages that are cut short are refused") {
    const Message whole = encode_entries({EntryItem{full_entry(), std::nullopt, {}}});
    for (std::size_t length = 1; length < whole.payload.size(); ++length) {
        Message cut = whole;
        cut.payload.resize(length);
        CHECK(error_code_of([&] { return decode_entries(cut); }) == ErrorCode::CorruptData);
    }
}
