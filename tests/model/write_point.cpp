// SPDX-License-Identifier: Apache-2.0
#include "tests/model/write_point.hpp"

#include "core/base/json.hpp"
#include "core/repository/tree_builder.hpp"

namespace backup::model_test {

namespace {

using namespace repository;

struct Piece {
    content::ChunkId id;
    ByteView bytes;
};

struct CutFiles {
    std::map<std::string, FileContent> contents;
    std::vector<Piece> pieces;
};

model::FileEntry entry_of(const std::string& name, std::size_t size) {
    model::FileEntry entry;
    entry.name = name;
    entry.mode = 0644;
    entry.size = size;
    return entry;
}

model::FileEntry directory_of(const std::string& name) {
    auto entry = entry_of(name, 0);
    entry.type = model::FileType::Directory;
    return entry;
}

CutFiles cut(const Repository& repository, const testing::Files& files) {
    const content::Chunker chunker(repository.keys().chunker, repository.parameters().chunker);
    content::ChunkHasher hasher(repository.keys().chunk_id);
    CutFiles result;
    for (const auto& [name, file] : files) {
        auto& content = result.contents[name];
        if (file.size() <= repository.parameters().inline_limit_bytes) {
            content.inline_bytes = std::string(as_text(file));
            continue;
        }
        std::uint64_t end = 0;
        for (ByteView rest = file; !rest.empty();) {
            const bool is_last = rest.size() < chunker.parameters().max_bytes;
            const auto bytes = rest.first(chunker.next_cut(rest, is_last));
            const auto id = hasher(content::ChunkKind::Data, bytes);
            end += bytes.size();
            content.extents.push_back({id.short_id(), end});
            result.pieces.push_back({id, bytes});
            rest = rest.subspan(bytes.size());
        }
    }
    return result;
}

BuiltTree build_tree(Writer& writer, const testing::Files& files, const CutFiles& cut_files) {
    TreeBuilder tree(writer);
    tree.begin_directory(directory_of(""));
    tree.begin_directory(directory_of("files"));
    for (const auto& [name, bytes] : files) {
        tree.add(entry_of(name, bytes.size()), cut_files.contents.at(name));
    }
    tree.end_directory();
    tree.end_directory();
    return tree.finish();
}

}  // namespace

PointRecord write_in_order(const Repository& repository,
                           const std::string& name,
                           const testing::Files& files,
                           Random& random,
                           Clock& clock) {
    ChunkStore chunks(repository);
    Writer writer(repository, chunks, random, clock);
    const auto cut_files = cut(repository, files);
    const auto built = build_tree(writer, files, cut_files);
    std::vector<const Piece*> unknown;
    for (const auto& piece : cut_files.pieces) {
        if (writer.claim(piece.id.short_id())) {
            unknown.push_back(&piece);
        }
    }
    PointRecord record;
    record.point.name = name;
    record.point.created = clock.now();
    record.root = built.root;
    record.pages = writer.add_stream(encode_page_table(built.pages));
    record.ledger = writer.add_stream(as_bytes(format_json(model::to_json(model::Ledger{}))));

    content::FrameGroupBuilder group(repository.parameters().frame_bytes, 1, true);
    for (const auto* piece : unknown) {
        group.add(piece->id, content::ChunkKind::Data, piece->bytes);
        if (group.plain_bytes() >= repository.parameters().pack_bytes / 2) {
            writer.add_group(group.take(), PackKind::Data);
        }
    }
    writer.add_group(group.take(), PackKind::Data);
    return writer.commit(std::move(record));
}

}  // namespace backup::model_test
