// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/settle.hpp"

#include "core/base/error.hpp"
#include "core/maintenance/completion.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/stored_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::chrono::nanoseconds kTicketRest = std::chrono::minutes(5);

class Settlement {
  public:
    Settlement(const Repository& repository, const SettleOptions& options, Random& random)
        : repository_(repository),
          options_(options),
          random_(random) {}

    SettledSessions run() {
        for (auto& session : list_sessions(repository_)) {
            if (session.record.id == options_.own_session) {
                continue;
            }
            auto& place = is_over(session) ? settled_.ended : settled_.open;
            // What never began and is young is just beginning, or just going.
            if (session.is_begun || &place == &settled_.ended) {
                place.push_back(std::move(session));
            }
        }
        if (settled_.completed + settled_.expired > 0) {
            repository_.backend().sync();
        }
        return std::move(settled_);
    }

  private:
    bool is_silent(const SessionState& session, std::chrono::nanoseconds time) const {
        return std::chrono::seconds(options_.now_seconds - session.last_sign_seconds) >= time;
    }

    bool is_over(SessionState& session) {
        const auto ticket_rest = std::min(kTicketRest, options_.timeout);
        if (!session.is_begun) {
            return is_silent(session, ticket_rest);
        }
        if (!session.has_end) {
            return is_silent(session, options_.timeout) && expire(session);
        }
        std::optional<SessionEnd> end;
        try {
            end = find_session_end(repository_, session.record.id);
        } catch (const Error& error) {
            const auto ticket = session_end_name(session.record.id);
            if (!is_damaged_record(repository_, ticket, error)) {
                throw;
            }
            settled_.problems.push_back({ticket, error.what(), error.code()});
            return is_silent(session, options_.timeout) && give_up(session);
        }
        if (!end || end->point_name.empty()) {
            return end.has_value();
        }
        return is_silent(session, ticket_rest) && complete(session, *end);
    }

    bool expire(SessionState& session) {
        if (options_.dry_run || !put_session_end(repository_, session.record.id, {}, random_)) {
            return false;
        }
        session.blobs.push_back(session_end_name(session.record.id));
        ++settled_.expired;
        return true;
    }

    /// Its writer may be asleep before its put, and nobody protects what its point needs from here
    /// on. So it has to see that at once: before it is looked what points there are.
    bool give_up(const SessionState& session) {
        if (!options_.dry_run) {
            auto& backend = repository_.backend();
            backend.put(lost_ticket_name(session.record.id), {});
            backend.sync();
            backend.remove(session_name(session.record.id));
            backend.sync();
        }
        return true;
    }

    bool complete(const SessionState& session, const SessionEnd& end) {
        auto& backend = repository_.backend();
        if (options_.dry_run) {
            return false;
        }
        const auto point = find_point_name(end.point_name).value().digest;
        CompletionNotice notice(repository_, point, random_);
        // Its writer may have woken since: then the point was there, and may be deleted by now.
        if (!backend.exists(session_name(session.record.id)) ||
            !notice.put_point(end.point_name, end.point)) {
            return true;
        }
        // Likewise, between these two. Only who deletes it can tell: that the session is gone, or
        // that content is condemned, is true also when its writer has just seen our point.
        if (backend.exists(tombstone_name(point))) {
            backend.remove(end.point_name);
            backend.sync();
        } else {
            ++settled_.completed;
        }
        return true;
    }

    const Repository& repository_;
    const SettleOptions& options_;
    Random& random_;
    SettledSessions settled_;
};

}  // namespace

SettledSessions settle_sessions(const Repository& repository,
                                const SettleOptions& options,
                                Random& random) {
    return Settlement(repository, options, random).run();
}

}  // namespace backup::maintenance
