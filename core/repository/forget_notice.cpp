// SPDX-License-Identifier: Apache-2.0
#include "core/repository/forget_notice.hpp"

#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"

#include <algorithm>
#include <set>

namespace backup::repository {

namespace {

constexpr std::size_t kIdBytes = 16;

struct ListedNotice {
    std::string blob;
    content::Digest point{};
};

std::vector<ListedNotice> list_notices(const Repository& repository) {
    std::vector<ListedNotice> notices;
    repository.backend().list(kForgetsFolder, [&notices](const backend::BlobInfo& info) {
        if (const auto point = find_forgotten_point(info.name)) {
            notices.push_back({info.name, *point});
        }
    });
    return notices;
}

}  // namespace

ForgetNotice::ForgetNotice(const Repository& repository,
                           std::span<const content::Digest> points,
                           Random& random)
    : repository_(repository),
      points_(points.begin(), points.end()) {
    const auto failure = failure_of([&] {
        const auto id = to_hex(random.bytes(kIdBytes));
        for (const auto& point : points_) {
            // First: a put that fails may have done its work.
            names_.push_back(forget_notice_name(point, id));
            repository_.backend().put(names_.back(), {});
        }
        repository_.backend().sync();
    });
    if (failure) {
        withdraw();
        throw Error(*failure);
    }
}

ForgetNotice::~ForgetNotice() {
    withdraw();
}

void ForgetNotice::withdraw() {
    for (const auto& name : names_) {
        failure_of([&] { repository_.backend().remove(name); });
    }
    names_.clear();
}

void ForgetNotice::end() {
    const std::set<content::Digest> gone(points_.begin(), points_.end());
    for (const auto& notice : list_notices(repository_)) {
        if (gone.contains(notice.point)) {
            repository_.backend().remove(notice.blob);
        }
    }
    names_.clear();
}

bool is_being_forgotten(const Repository& repository, const content::Digest& point) {
    const auto notices = list_notices(repository);
    const auto is_announced =
        std::any_of(notices.begin(), notices.end(), [&point](const ListedNotice& notice) {
            return notice.point == point;
        });
    // Behind the notices: they go only when a tombstone is there that is needed.
    return is_announced || repository.backend().exists(tombstone_name(point));
}

void remove_idle_notices(const Repository& repository) {
    // Before the points: what is announced about a point that is not there then is done.
    const auto notices = list_notices(repository);
    if (notices.empty()) {
        return;
    }
    std::set<content::Digest> there;
    repository.backend().list(kPointsFolder, [&there](const backend::BlobInfo& info) {
        if (const auto name = find_point_name(info.name)) {
            there.insert(name->digest);
        }
    });
    for (const auto& notice : notices) {
        if (!there.contains(notice.point)) {
            repository.backend().remove(notice.blob);
        }
    }
}

}  // namespace backup::repository
