// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repair_index.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/maintenance/quarantine.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/salvage.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kRecordsAtOnce = std::size_t{1} << 18U;

IndexSegment load(const Repository& repository,
                  const std::string& blob,
                  const content::Digest& name) {
    return decode_index(
        repository,
        get_named_blob(repository.backend(), blob, name, format::kLargestIndexSegment),
        blob);
}

}  // namespace

std::vector<IndexedPack> IndexState::packs() const {
    std::map<content::Digest, IndexedPack> all;
    for (const auto& segment : segments) {
        for (const auto& pack : segment.packs) {
            all.emplace(pack.name, pack);
        }
    }
    std::vector<IndexedPack> list;
    for (const auto& [name, pack] : all) {
        list.push_back(pack);
    }
    return list;
}

IndexState look_at_index(const Repository& repository, const std::stop_token& stop) {
    std::vector<std::string> names;
    repository.backend().list(
        kIndexFolder, [&names](const backend::BlobInfo& info) { names.push_back(info.name); });
    std::sort(names.begin(), names.end());
    IndexState state;
    for (const auto& name : names) {
        throw_if_stopped(stop);
        const auto digest = find_index_digest(name);
        if (!digest) {
            continue;
        }
        try {
            state.segments.push_back({name, *digest, load(repository, name, *digest).packs});
        } catch (const Error& error) {
            if (is_damage(repository.backend(), name, format::kLargestIndexSegment, error)) {
                state.damaged.push_back(name);
            } else if (error.code() != ErrorCode::NotFound) {
                throw;
            }
        }
    }
    return state;
}

void IndexRepair::add(const PackTables& tables) {
    const auto number = static_cast<std::uint32_t>(fresh_.packs.size());
    fresh_.packs.push_back(tables.pack);
    for (const auto& chunk : tables.chunks) {
        fresh_.records.push_back(
            {chunk.id.short_id(), number, chunk.first_frame, chunk.offset, chunk.length});
    }
    if (fresh_.records.size() >= kRecordsAtOnce) {
        put(std::exchange(fresh_, {}));
    }
}

std::uint64_t IndexRepair::finish(const IndexState& state, const std::set<content::Digest>& dead) {
    auto& backend = repository_.backend();
    std::vector<std::string> old;
    for (const auto& segment : state.segments) {
        const bool is_touched =
            std::any_of(segment.packs.begin(), segment.packs.end(), [&dead](const auto& pack) {
                return dead.contains(pack.name);
            });
        if (is_touched) {
            rewrite(segment, dead);
            old.push_back(segment.blob);
        }
    }
    if (!fresh_.packs.empty() || !dead.empty()) {
        fresh_.replaced.insert(fresh_.replaced.end(), dead.begin(), dead.end());
        put(std::exchange(fresh_, {}));
    }
    backend.sync();
    for (const auto& blob : state.damaged) {
        copy_to_quarantine(backend, blob);
        old.push_back(blob);
    }
    for (const auto& blob : old) {
        backend.remove(blob);
    }
    backend.sync();
    return written_;
}

void IndexRepair::rewrite(const IndexState::Segment& segment,
                          const std::set<content::Digest>& dead) {
    throw_if_stopped(surroundings_.stop);
    auto loaded = load(repository_, segment.blob, segment.name);
    IndexSegment kept;
    kept.replaced = std::move(loaded.replaced);
    kept.replaced.push_back(segment.name);
    std::vector<std::uint32_t> numbers(loaded.packs.size());
    for (std::size_t i = 0; i < loaded.packs.size(); ++i) {
        numbers[i] = static_cast<std::uint32_t>(kept.packs.size());
        if (!dead.contains(loaded.packs[i].name)) {
            kept.packs.push_back(loaded.packs[i]);
        }
    }
    for (auto record : loaded.records) {
        if (!dead.contains(loaded.packs[record.pack].name)) {
            record.pack = numbers[record.pack];
            kept.records.push_back(record);
        }
    }
    put(std::move(kept));
}

void IndexRepair::put(IndexSegment segment) {
    std::sort(segment.records.begin(),
              segment.records.end(),
              [](const IndexRecord& left, const IndexRecord& right) { return left.id < right.id; });
    const auto blob = encode_index(repository_, segment, surroundings_.random);
    // What it names is durable first.
    repository_.backend().sync();
    repository_.backend().put(index_name(content::sha256(blob)), blob);
    ++written_;
}

}  // namespace backup::maintenance
