// SPDX-License-Identifier: Apache-2.0
// Writes the golden repository: every kind of entry and content the format has, in two points that
// share most of it. Deterministic but for the compressor's version.
#include "core/backend/directory_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/writer.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/test_repository.hpp"

#include <iostream>

namespace {

using namespace backup;
using namespace backup::repository;
using model::FileEntry;
using model::FileType;

constexpr std::uint64_t kSeed = 20261120;
constexpr std::int64_t kTime = 1'795'000'000'123'456'789;

FileEntry make_entry(std::string name, FileType type, std::uint32_t mode) {
    FileEntry entry;
    entry.name = std::move(name);
    entry.type = type;
    entry.mode = mode;
    entry.uid = 1000;
    entry.gid = 2000;
    entry.mtime_ns = kTime;
    entry.ctime_ns = kTime + 1;
    return entry;
}

class PointMaker {
  public:
    PointMaker(const Repository& repository, Random& random, Clock& clock)
        : repository_(repository),
          clock_(clock),
          chunks_(repository),
          writer_(repository, chunks_, random, clock),
          hasher_(repository.keys().chunk_id),
          chunker_(repository.keys().chunker, repository.parameters().chunker),
          group_(repository.parameters().frame_bytes, 1, true),
          tree_(writer_) {}

    void open(const std::string& name) {
        tree_.begin_directory(make_entry(name, FileType::Directory, 0755));
    }

    void close() { tree_.end_directory(); }

    void add_file(const std::string& name, ByteView bytes) {
        add_file(make_entry(name, FileType::Regular, 0644), bytes);
    }

    void add_file(FileEntry entry, ByteView bytes) {
        entry.size = bytes.size();
        FileContent content;
        if (bytes.size() <= repository_.parameters().inline_limit_bytes) {
            content.inline_bytes = std::string(as_text(bytes));
        } else {
            add_extents(content, bytes);
        }
        tree_.add(entry, content);
    }

    /// Data, then a hole, then data.
    void add_sparse_file(const std::string& name, ByteView first, ByteView second) {
        auto entry = make_entry(name, FileType::Regular, 0600);
        FileContent content;
        add_extents(content, first);
        content.extents.push_back({{}, std::uint64_t{1} << 40U});
        add_extents(content, second);
        entry.size = content.extents.back().end;
        tree_.add(entry, content);
    }

    void add(const FileEntry& entry) { tree_.add(entry, {}); }

    void commit(const std::string& name) {
        writer_.add_group(group_.take(), PackKind::Data);
        const auto built = tree_.finish();
        PointRecord record;
        record.point.name = name;
        record.point.created = clock_.now();
        record.point.description = "a point of the golden repository";
        record.point.tags = {{"made", "once"}};
        record.point.cluster = {"uid", "https://127.0.0.1:6443", "v1.36.0"};
        record.point.namespaces = {"shop"};
        record.point.host = "host";
        record.point.program = "kubectl-backup";
        record.point.statistics.files = built.files;
        record.point.statistics.directories = built.directories;
        record.point.statistics.bytes = built.bytes;
        record.root = built.root;
        record.pages = writer_.add_stream(encode_page_table(built.pages));
        model::Ledger ledger;
        ledger.warnings = {"a warning"};
        ledger.lists.push_back({.resource = "pods", .scope = "shop"});
        record.ledger = writer_.add_stream(as_bytes(format_json(model::to_json(ledger))));
        writer_.commit(std::move(record));
    }

  private:
    void add_extents(FileContent& content, ByteView bytes) {
        auto end = content.extents.empty() ? 0 : content.extents.back().end;
        while (!bytes.empty()) {
            const bool is_last = bytes.size() < chunker_.parameters().max_bytes;
            const auto chunk = bytes.first(chunker_.next_cut(bytes, is_last));
            const auto id = hasher_(content::ChunkKind::Data, chunk);
            if (writer_.claim(id.short_id())) {
                group_.add(id, content::ChunkKind::Data, chunk);
            }
            end += chunk.size();
            content.extents.push_back({id.short_id(), end});
            bytes = bytes.subspan(chunk.size());
        }
    }

    const Repository& repository_;
    Clock& clock_;
    ChunkStore chunks_;
    Writer writer_;
    content::ChunkHasher hasher_;
    content::Chunker chunker_;
    content::FrameGroupBuilder group_;
    TreeBuilder tree_;
};

Bytes text_of(std::size_t size) {
    Bytes bytes;
    for (std::size_t line = 0; bytes.size() < size; ++line) {
        append(bytes, as_bytes(concat("line ", line, " of a log that compresses well\n")));
    }
    bytes.resize(size);
    return bytes;
}

void add_objects(PointMaker& point) {
    point.open("objects");
    point.open("namespaces");
    point.open("shop");
    point.open("configmaps");
    point.add_file("settings", as_bytes(R"({"apiVersion":"v1","kind":"ConfigMap"})"));
    for (int i = 0; i < 3; ++i) {
        point.close();
    }
    point.close();
}

/// Names in byte order, as a walk would bring them.
void add_special_entries(PointMaker& point) {
    auto device = make_entry("block-device", FileType::BlockDevice, 0660);
    device.device_major = 8;
    device.device_minor = 1;
    point.add(device);
    device = make_entry("character-device", FileType::CharacterDevice, 0666);
    device.device_major = 1;
    device.device_minor = 3;
    point.add(device);
    point.add_file("empty", {});
    point.add(make_entry("fifo", FileType::Fifo, 0600));
    auto link = make_entry("hard-link-1", FileType::Regular, 0644);
    link.inode = 42;
    link.link_count = 2;
    link.has_link_group = true;
    point.add_file(link, as_bytes("one file, two names"));
    link.name = "hard-link-2";
    point.add_file(link, as_bytes("one file, two names"));
    point.open("large-directory");
    for (int i = 0; i < 2000; ++i) {
        point.add_file(concat("file-", 10'000 + i), as_bytes(concat("content ", i)));
    }
    point.close();
    auto symlink = make_entry("link", FileType::Symlink, 0777);
    symlink.link_target = "../elsewhere/\xff\xfe";
    symlink.size = symlink.link_target.size();
    point.add(symlink);
    auto odd = make_entry("odd \n\xff name", FileType::Regular, 04755);
    odd.mtime_ns = -1;
    odd.changed_while_read = true;
    odd.is_racy = true;
    odd.xattrs = {{"security.capability", std::string("\0\1\2", 3)}, {"user.origin", "test"}};
    point.add_file(odd, as_bytes("odd"));
}

void add_volume(PointMaker& point, testing::SeededRandom& random, std::size_t log_bytes) {
    point.open("volumes");
    point.open("shop");
    point.open("data");
    add_special_entries(point);
    point.add_file("random", random.bytes(40'000));
    point.add(make_entry("socket", FileType::Socket, 0755));
    point.add_sparse_file("sparse", random.bytes(5000), text_of(3000));
    point.add_file("text", text_of(log_bytes));
    auto unreadable = make_entry("unreadable", FileType::Regular, 0);
    unreadable.size = 12;
    unreadable.content_unreadable = true;
    point.add(unreadable);
    for (int i = 0; i < 3; ++i) {
        point.close();
    }
}

void write_golden_point(const Repository& repository,
                        const std::string& name,
                        std::size_t log_bytes,
                        testing::FakeClock& clock) {
    testing::SeededRandom random(kSeed + log_bytes);
    testing::SeededRandom content(kSeed);
    PointMaker point(repository, random, clock);
    point.open("");
    add_objects(point);
    add_volume(point, content, log_bytes);
    point.close();
    point.commit(name);
    clock.advance(std::chrono::hours(24));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_golden_repository DIRECTORY\n";
        return 2;
    }
    const std::string directory = argv[1];
    testing::SeededRandom random(kSeed);
    testing::FakeClock clock;
    backend::DirectoryBackend backend(directory);
    const auto fresh = make_new_repository(random);
    write_file_atomically(directory + ".key", as_bytes(format_key_file(fresh.key_file)), 0644);
    init_repository(backend, fresh, testing::tiny_parameters(), "golden", random, clock);
    const auto repository = testing::open_tiny_repository(backend, fresh.key_file);
    write_golden_point(repository, "first", 400'000, clock);
    write_golden_point(repository, "second", 450'000, clock);
    return 0;
}
