// SPDX-License-Identifier: Apache-2.0
#include "core/repository/adopt_packs.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/index_writer.hpp"
#include "core/repository/pack_tables.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::size_t kRecordsAtOnce = std::size_t{1} << 17U;

bool is_no_use(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat ||
           error.code() == ErrorCode::NotFound;
}

std::optional<PackTables> find_tables(const Repository& repository, const ListedPack& pack) {
    std::optional<PackTables> tables;
    const auto failure =
        failure_of([&] { tables = read_pack_tables(repository, pack.name, pack.size); });
    if (failure && !is_no_use(*failure)) {
        throw Error(*failure);
    }
    return tables;
}

void add(IndexSegment& segment, const PackTables& tables) {
    const auto number = static_cast<std::uint32_t>(segment.packs.size());
    segment.packs.push_back(tables.pack);
    for (const auto& chunk : tables.chunks) {
        segment.records.push_back(
            {chunk.id.short_id(), number, chunk.first_frame, chunk.offset, chunk.length});
    }
}

content::Digest put(const Repository& repository, IndexSegment segment, Random& random) {
    std::sort(segment.records.begin(),
              segment.records.end(),
              [](const IndexRecord& left, const IndexRecord& right) { return left.id < right.id; });
    IndexWriter index(repository, random);
    for (const auto& pack : segment.packs) {
        index.add_pack(pack);
    }
    for (const auto& record : segment.records) {
        index.add(record);
    }
    return index.commit();
}

/// Whoever wrote the packs may have died before their names were durable: a list of the very folder
/// makes the next sync answer for them.
void look_into_folders(backend::Backend& backend, std::span<const ListedPack> packs) {
    std::set<std::string> folders;
    for (const auto& pack : packs) {
        const auto name = pack_name(pack.name);
        folders.insert(name.substr(0, name.rfind('/')));
    }
    for (const auto& folder : folders) {
        backend.list(folder, [](const backend::BlobInfo&) {});
    }
}

}  // namespace

std::vector<content::Digest> adopt_packs(const Repository& repository,
                                         std::span<const ListedPack> packs,
                                         Random& random) {
    std::vector<content::Digest> segments;
    if (packs.empty()) {
        return segments;
    }
    auto& backend = repository.backend();
    look_into_folders(backend, packs);
    backend.sync();
    IndexSegment segment;
    for (const auto& pack : packs) {
        if (const auto tables = find_tables(repository, pack)) {
            add(segment, *tables);
        }
        if (segment.records.size() >= kRecordsAtOnce) {
            segments.push_back(put(repository, std::exchange(segment, {}), random));
        }
    }
    if (!segment.packs.empty()) {
        segments.push_back(put(repository, std::move(segment), random));
    }
    backend.sync();
    return segments;
}

}  // namespace backup::repository
