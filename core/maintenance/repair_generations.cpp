// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repair_generations.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/maintenance/completion.hpp"
#include "core/maintenance/mark.hpp"
#include "core/maintenance/quarantine.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

/// Packs in which a needed chunk lies that the index names in no other: no sweep has decided to
/// remove one of these. What cannot be read of a point makes them fewer, which costs copies only.
std::set<content::Digest> find_sole_places(const Repository& repository,
                                           const Surroundings& surroundings) {
    auto points = list_points(repository, [](const std::string&, const Error&) {});
    take_buried(repository, points);
    ChunkStore chunks(repository);
    Marker marker(chunks);
    for (const auto& record : points) {
        failure_of([&] { marker.mark(record, surroundings.stop); });
        throw_if_stopped(surroundings.stop);
        surroundings.progress.advance(1, 0);
    }
    std::set<content::Digest> sole;
    for (const auto& id : marker.live_chunks()) {
        const auto places = chunks.find_all(id);
        const auto is_first = [&places](const ChunkLocation& place) {
            return place.pack == places.front().pack;
        };
        if (!places.empty() && std::all_of(places.begin(), places.end(), is_first)) {
            sole.insert(places.front().pack);
        }
    }
    return sole;
}

}  // namespace

GenerationState look_at_generations(const Repository& repository) {
    GenerationState state;
    const auto on_damaged = [&](const std::string& blob, const Error& error) {
        if (!is_damaged_record(repository, blob, error)) {
            throw Error(error);
        }
        state.damaged.push_back(blob);
    };
    state.condemned = condemned_packs(list_generations(repository, on_damaged));
    return state;
}

void replace_generations(const Repository& repository,
                         const std::vector<std::string>& damaged,
                         const std::map<content::Digest, std::uint64_t>& packs,
                         const Surroundings& surroundings) {
    if (damaged.empty()) {
        return;
    }
    surroundings.progress.stage("points");
    const auto sole = find_sole_places(repository, surroundings);
    std::vector<content::Digest> condemned;
    for (const auto& [pack, size] : packs) {
        if (!sole.contains(pack)) {
            condemned.push_back(pack);
        }
    }
    std::vector<std::string> ids;
    for (const auto& blob : damaged) {
        ids.push_back(find_generation_id(blob).value());
        copy_to_quarantine(repository.backend(), blob);
    }
    put_generation(repository,
                   std::move(condemned),
                   surroundings.clock.now(),
                   surroundings.random,
                   std::move(ids));
    repository.backend().sync();
}

}  // namespace backup::maintenance
