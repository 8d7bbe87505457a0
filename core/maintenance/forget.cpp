// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/forget.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/completion.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/forget_notice.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

/// The blobs by id.
std::map<std::string, std::string> find_blobs(const Repository& repository,
                                              std::span<const std::string> ids) {
    const std::set<std::string_view> wanted(ids.begin(), ids.end());
    std::map<std::string, std::string> blobs;
    repository.backend().list(kPointsFolder, [&](const backend::BlobInfo& info) {
        if (const auto name = find_point_name(info.name)) {
            if (auto id = to_hex(name->digest); wanted.contains(id)) {
                blobs.emplace(std::move(id), info.name);
            }
        }
    });
    return blobs;
}

/// A ticket must not bring the point back.
void remove_tickets(const Repository& repository, const std::map<std::string, std::string>& blobs) {
    for (const auto& session : list_sessions(repository)) {
        if (!session.has_end) {
            continue;
        }
        std::optional<SessionEnd> end;
        try {
            end = find_session_end(repository, session.record.id);
        } catch (const Error& error) {
            // A damaged ticket brings nothing back; prune says so.
            if (!is_damaged_record(repository, session_end_name(session.record.id), error)) {
                throw;
            }
        }
        const bool is_of_these =
            end && std::any_of(blobs.begin(), blobs.end(), [&](const auto& blob) {
                return blob.second == end->point_name;
            });
        if (is_of_these) {
            remove_session(repository, session);
        }
    }
}

/// Announces the end of points, also on a full disk.
class ForgetNotices {
  public:
    ForgetNotices(const Repository& repository,
                  const std::map<std::string, std::string>& blobs,
                  Random& random)
        : repository_(repository) {
        for (const auto& [id, blob] : blobs) {
            points_.push_back(content::parse_digest(id));
        }
        in_any_room([&] { notice_.emplace(repository, points_, random); });
    }

    /// Nothing keeps the points any more, and nobody who comes later finds their tickets.
    void decide() {
        in_any_room([this] { put_tombstones(repository_, points_); });
    }

    void end() {
        notice_->end();
        if (!has_reserve_) {
            repository_.backend().restore_reserve();
        }
    }

  private:
    template <typename Action>
    void in_any_room(Action action) {
        const auto failure = failure_of(action);
        if (!failure) {
            return;
        }
        const auto is_full = failure->code() == ErrorCode::NoSpace && has_reserve_;
        if (!is_full || repository_.backend().release_reserve() == 0) {
            throw Error(*failure);
        }
        has_reserve_ = false;
        action();
    }

    const Repository& repository_;
    std::vector<content::Digest> points_;
    std::optional<ForgetNotice> notice_;
    bool has_reserve_ = true;
};

}  // namespace

void refuse_held_points(const Repository& repository, std::span<const std::string> ids) {
    std::vector<std::string> refused;
    const auto held = list_held_points(repository);
    for (const auto& id : ids) {
        if (std::binary_search(held.begin(), held.end(), id)) {
            refused.push_back(id.substr(0, 12));
        }
    }
    if (!refused.empty()) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("under hold, and not removed: ", join(refused, ", ")))
            .hint("kubectl backup hold POINT --release gives a point free");
    }
}

std::vector<std::string> forget_points(const Repository& repository,
                                       std::span<const std::string> ids,
                                       Random& random) {
    auto& backend = repository.backend();
    refuse_held_points(repository, ids);
    const auto blobs = find_blobs(repository, ids);
    if (blobs.empty()) {
        // A run that died may have removed them, and left it to others to make that durable.
        backend.sync();
        return {};
    }
    ForgetNotices notices(repository, blobs, random);
    // Once more, behind the notice: a hold that is not there now sees it.
    refuse_held_points(repository, ids);
    remove_tickets(repository, blobs);
    notices.decide();
    std::vector<std::string> removed;
    for (const auto& [id, blob] : blobs) {
        backend.remove(blob);
        removed.push_back(id);
    }
    backend.sync();
    notices.end();
    return removed;
}

}  // namespace backup::maintenance
