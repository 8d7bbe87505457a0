// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_repository.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_reader.hpp"

namespace backup::testing {

namespace {

using namespace repository;

model::FileEntry directory_entry(std::string name) {
    model::FileEntry entry;
    entry.name = std::move(name);
    entry.type = model::FileType::Directory;
    entry.mode = 0755;
    return entry;
}

/// Cuts and stores one file as a capture would.
class FileStore {
  public:
    FileStore(const Repository& repository, Writer& writer)
        : writer_(writer),
          inline_limit_(repository.parameters().inline_limit_bytes),
          chunker_(repository.keys().chunker, repository.parameters().chunker),
          hasher_(repository.keys().chunk_id),
          group_(repository.parameters().frame_bytes, 1, true) {}

    FileContent store(ByteView bytes) {
        FileContent content;
        if (bytes.size() <= inline_limit_) {
            content.inline_bytes = std::string(as_text(bytes));
            return content;
        }
        std::uint64_t end = 0;
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
            if (group_.plain_bytes() > (16U << 10U)) {
                flush();
            }
        }
        return content;
    }

    void flush() { writer_.add_group(group_.take(), PackKind::Data); }

  private:
    Writer& writer_;
    std::uint32_t inline_limit_;
    content::Chunker chunker_;
    content::ChunkHasher hasher_;
    content::FrameGroupBuilder group_;
};

void read_directory(TreeReader& tree,
                    const DirectoryRef& directory,
                    const std::string& prefix,
                    Files& files) {
    std::vector<TreeEntry> entries;
    tree.list(directory, 0, [&entries](const TreeEntry& entry) {
        entries.push_back(entry);
        return true;
    });
    for (const auto& entry : entries) {
        const auto path = prefix + entry.attributes.name;
        if (entry.attributes.type == model::FileType::Directory) {
            read_directory(tree, entry.directory, path + "/", files);
            continue;
        }
        auto& bytes = files[path];
        bytes.resize(entry.attributes.size);
        if (tree.read(entry, 0, bytes) != bytes.size()) {
            throw Error(ErrorCode::CorruptData, path + " is shorter than its size");
        }
    }
}

}  // namespace

Parameters tiny_parameters() {
    Parameters parameters;
    parameters.chunker = {1U << 10U, 4U << 10U, 16U << 10U};
    parameters.frame_bytes = 4U << 10U;
    parameters.pack_bytes = 32U << 10U;
    parameters.inline_limit_bytes = 64;
    return parameters;
}

KeyFile init_tiny_repository(backend::Backend& backend, Random& random, Clock& clock) {
    const auto fresh = make_new_repository(random);
    init_repository(backend, fresh, tiny_parameters(), std::nullopt, random, clock);
    return fresh.key_file;
}

Repository open_tiny_repository(backend::Backend& backend, const KeyFile& key) {
    Secret secret;
    secret.key_file = key;
    return open_repository(backend, secret);
}

PointRecord write_point(const Repository& repository,
                        const std::string& name,
                        const Files& files,
                        Random& random,
                        Clock& clock) {
    ChunkStore chunks(repository);
    Writer writer(repository, chunks, random, clock);
    FileStore store(repository, writer);
    TreeBuilder tree(writer);
    tree.begin_directory(directory_entry(""));
    tree.begin_directory(directory_entry("files"));
    for (const auto& [path, bytes] : files) {
        model::FileEntry entry;
        entry.name = path;
        entry.mode = 0644;
        entry.size = bytes.size();
        tree.add(entry, store.store(bytes));
    }
    store.flush();
    tree.end_directory();
    tree.end_directory();
    const auto built = tree.finish();

    PointRecord record;
    record.point.name = name;
    record.point.created = clock.now();
    record.point.statistics.files = built.files;
    record.point.statistics.directories = built.directories;
    record.root = built.root;
    Bytes pages;
    for (const auto& page : built.pages) {
        append(pages, page.bytes);
    }
    record.pages = writer.add_stream(pages);
    model::Ledger ledger;
    ledger.warnings.push_back(name);
    record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(ledger))));
    return writer.commit(std::move(record));
}

Files read_files(const Repository& repository, const PointRecord& record) {
    ChunkStore chunks(repository);
    const auto tree = TreeReader::open(chunks, record);
    Files files;
    read_directory(*tree, tree->root(), "", files);
    Files below;
    for (auto& [path, bytes] : files) {
        below.emplace(path.substr(std::string_view("files/").size()), std::move(bytes));
    }
    return below;
}

Files some_files(SeededRandom& random) {
    Files files;
    files.emplace("dense", random.bytes(30'000));
    files.emplace("empty", Bytes());
    files.emplace("inline", random.bytes(20));
    Bytes text;
    while (text.size() < 50'000) {
        append(text, as_bytes(concat("line ", text.size(), " of a log\n")));
    }
    files.emplace("text", std::move(text));
    for (int i = 0; i < 12; ++i) {
        files.emplace(concat("small", 10 + i), random.bytes(100 + random.below(900)));
    }
    return files;
}

}  // namespace backup::testing
