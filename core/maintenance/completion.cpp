// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/completion.hpp"

#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/session_store.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kIdBytes = 16;

struct Tombstone {
    content::Digest point{};
    std::int64_t modified_seconds = 0;
};

std::vector<Tombstone> list_all(const Repository& repository) {
    std::vector<Tombstone> tombstones;
    repository.backend().list(kForgetsFolder, [&tombstones](const backend::BlobInfo& info) {
        if (const auto point = find_buried_point(info.name)) {
            tombstones.push_back({*point, info.modified_seconds});
        }
    });
    return tombstones;
}

std::set<content::Digest> list_announced(const Repository& repository) {
    std::set<content::Digest> points;
    repository.backend().list(kCompletesFolder, [&points](const backend::BlobInfo& info) {
        if (const auto point = find_completed_point(info.name)) {
            points.insert(*point);
        }
    });
    return points;
}

}  // namespace

CompletionNotice::CompletionNotice(const Repository& repository,
                                   const content::Digest& point,
                                   Random& random)
    : repository_(repository) {
    const auto id = to_hex(random.bytes(kIdBytes));
    name_ = completion_name(point, id);
    sleeper_name_ = sleeper_name(point, id);
    const auto failure = failure_of([this] {
        repository_.backend().put(sleeper_name_, {});
        repository_.backend().put(name_, {});
        repository_.backend().sync();
    });
    if (failure) {
        withdraw();
        throw Error(*failure);
    }
}

CompletionNotice::~CompletionNotice() {
    withdraw();
}

bool CompletionNotice::put_point(const std::string& blob, ByteView bytes) {
    bool is_mine = false;
    const auto failure = failure_of([&] { is_mine = put_new(repository_.backend(), blob, bytes); });
    // A put that fails may have done its work, but not one that found no room.
    if (failure ? failure->code() != ErrorCode::NoSpace : is_mine) {
        sleeper_name_.clear();
    }
    if (failure) {
        throw Error(*failure);
    }
    return is_mine;
}

void CompletionNotice::withdraw() {
    failure_of([this] { repository_.backend().remove(name_); });
    if (!sleeper_name_.empty()) {
        failure_of([this] { repository_.backend().remove(sleeper_name_); });
    }
}

void put_tombstones(const Repository& repository, std::span<const content::Digest> points) {
    auto& backend = repository.backend();
    const auto announced = list_announced(repository);
    bool is_any = false;
    for (const auto& point : points) {
        // Where lists lag an announcement may be there that is not seen yet.
        if (!backend.lists_at_once() || announced.contains(point)) {
            backend.put(tombstone_name(point), {});
            is_any = true;
        }
    }
    if (is_any) {
        backend.sync();
    }
}

std::vector<PointRecord> take_buried(const Repository& repository,
                                     std::vector<PointRecord>& points) {
    // Behind the list of points: as long as one can come back its tombstone stays.
    std::set<content::Digest> buried;
    for (const auto& tombstone : list_all(repository)) {
        buried.insert(tombstone.point);
    }
    const auto first =
        std::stable_partition(points.begin(), points.end(), [&](const PointRecord& record) {
            return !buried.contains(content::parse_digest(record.point.id));
        });
    std::vector<PointRecord> taken(std::make_move_iterator(first),
                                   std::make_move_iterator(points.end()));
    points.erase(first, points.end());
    return taken;
}

void remove_idle_tombstones(const Repository& repository, std::int64_t newest_seconds) {
    auto& backend = repository.backend();
    // In this order: who has announced nothing behind the tombstone has put what it puts.
    auto idle = list_all(repository);
    if (idle.empty()) {
        return;
    }
    const auto announced = list_announced(repository);
    std::erase_if(idle, [&](const Tombstone& tombstone) {
        return tombstone.modified_seconds > newest_seconds || announced.contains(tombstone.point);
    });
    std::set<content::Digest> points;
    for (const auto& tombstone : idle) {
        points.insert(tombstone.point);
    }
    std::vector<std::string> blobs;
    backend.list(kPointsFolder, [&](const backend::BlobInfo& info) {
        const auto name = find_point_name(info.name);
        if (name && points.contains(name->digest)) {
            blobs.push_back(info.name);
        }
    });
    for (const auto& blob : blobs) {
        backend.remove(blob);
    }
    backend.sync();
    for (const auto& point : points) {
        backend.remove(tombstone_name(point));
    }
}

}  // namespace backup::maintenance
