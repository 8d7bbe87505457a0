// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/prune.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/census.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/choose.hpp"
#include "core/maintenance/completion.hpp"
#include "core/maintenance/mark.hpp"
#include "core/maintenance/repack.hpp"
#include "core/maintenance/settle.hpp"
#include "core/maintenance/sweep.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/forget_notice.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/session.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr auto kLaggingGrace = std::chrono::hours(1);
constexpr int kMostTries = 8;

// Pages are read once and in the order of the points: a large cache would hold what is done with.
constexpr std::uint64_t kPageCacheBytes = std::uint64_t{16} << 20U;

[[noreturn]] void throw_too_busy() {
    throw Error(ErrorCode::Incomplete, "the repository changes faster than it can be read")
        .hint("run it again when fewer others work on the repository");
}

class Pruning {
  public:
    Pruning(const Repository& repository,
            const PruneOptions& options,
            const Surroundings& surroundings)
        : repository_(repository),
          options_(options),
          random_(surroundings.random),
          surroundings_{surroundings.clock, random_, surroundings.progress, surroundings.stop} {}

    PruneResult run() {
        std::optional<Session> session;
        if (!options_.dry_run) {
            session.emplace(repository_, random_, surroundings_.clock);
            own_session_ = session->id();
        }
        surroundings_.progress.stage("points");
        look_at_clock();
        settle();
        unsound_ = find_unsound_packs(repository_);
        ChunkStoreOptions for_pages;
        for_pages.frame_cache_bytes = kPageCacheBytes;
        chunks_.emplace(repository_, for_pages);
        marker_.emplace(*chunks_);
        mark_points();
        if (options_.dry_run) {
            foresee();
            return std::move(result_);
        }
        sweep_ripe();
        condemn(*session);
        // Its new packs are in the index now, and needed; the sweep must not wait for ourselves.
        session->end();
        own_session_.clear();
        sweep_ripe();
        for (const auto& ended : settled_.ended) {
            remove_session(repository_, ended);
        }
        remove_idle_notices(repository_);
        remove_tombstones();
        repository_.backend().sync();
        return std::move(result_);
    }

  private:
    std::vector<Generation> list_condemned() {
        auto generations = list_generations(repository_);
        condemned_ = condemned_packs(generations);
        return generations;
    }

    /// The storage's own clock: when it says our own session was put, or else the latest sign.
    void look_at_clock() {
        for (const auto& session : list_sessions(repository_)) {
            if (session.record.id == own_session_ || own_session_.empty()) {
                now_seconds_ = std::max(now_seconds_, session.last_sign_seconds);
            }
        }
    }

    void settle() {
        settled_ = settle_sessions(
            repository_,
            {own_session_, now_seconds_, options_.session_timeout, options_.dry_run},
            random_);
        result_.points_completed = settled_.completed;
        result_.sessions_expired = settled_.expired;
        result_.problems = settled_.problems;
    }

    /// Every point of one list. Those that come later are of sessions that are waited for, or that
    /// rely on nothing condemned. Points that vanish stay marked: that keeps too much, never too
    /// little.
    void mark_points() {
        points_ = list_points(
            repository_,
            [this](const std::string& blob, const Error& error) {
                if (error.code() != ErrorCode::NotFound && !is_left_out(blob)) {
                    throw Error(error.code(),
                                concat("nobody knows what ", blob, " needs: ", error.what()))
                        .hint("kubectl backup delete removes a point that is damaged");
                }
            },
            points_);
        drop_buried();
        std::erase_if(points_, [this](const PointRecord& record) {
            return options_.without_points.contains(record.point.id);
        });
        // After the list: the index a point needs was there before it.
        chunks_->refresh();
        std::erase_if(points_, [this](const PointRecord& record) {
            throw_if_stopped(surroundings_.stop);
            surroundings_.progress.advance(1, 0);
            return !mark_point(record);
        });
        // A point that was removed by a run that died must not come back after a power cut.
        repository_.backend().sync();
        result_.points = points_.size();
    }

    bool is_left_out(const std::string& blob) const {
        const auto name = find_point_name(blob);
        return name && options_.without_points.contains(to_hex(name->digest));
    }

    void remove_tombstones() const {
        const auto rest = grace();
        const auto newest = now_seconds_ - std::chrono::ceil<std::chrono::seconds>(rest).count();
        remove_idle_tombstones(
            repository_, rest > rest.zero() ? newest : std::numeric_limits<std::int64_t>::max());
    }

    /// What somebody who slept has put again, though it was deleted, is not there.
    void drop_buried() {
        for (const auto& record : take_buried(repository_, points_)) {
            if (!options_.dry_run) {
                repository_.backend().remove(
                    point_name(record.point.created, content::parse_digest(record.point.id)));
            }
        }
    }

    /// False when the point is gone by now, and what only it needed with it.
    bool mark_point(const PointRecord& record) {
        try {
            marker_->mark(record, surroundings_.stop);
            return true;
        } catch (const Error& error) {
            const auto blob =
                point_name(record.point.created, content::parse_digest(record.point.id));
            const bool can_vanish =
                error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::NotFound;
            if (!can_vanish || repository_.backend().exists(blob)) {
                throw;
            }
            return false;
        }
    }

    /// Valid until the next point is marked.
    Census take_census() {
        surroundings_.progress.stage("index");
        for (int tries = 1; tries <= kMostTries; ++tries) {
            Census census(repository_,
                          {marker_->live_chunks(), marker_->listed_packs(), condemned_, unsound_},
                          surroundings_.stop);
            if (census.lost_chunks() == 0) {
                return census;
            }
            // Points that vanished stay marked, and another prune may have removed what only they
            // needed: then it is not lost.
            const auto before = marker_->points();
            mark_points();
            if (marker_->begun() > points_.size()) {
                marker_.emplace(*chunks_);
                mark_points();
            } else if (marker_->points() == before) {
                return census;
            }
        }
        throw_too_busy();
    }

    void note(const Census& census) {
        result_.live_chunks = census.live_chunks();
        result_.lost_chunks = census.lost_chunks();
        if (result_.packs == 0) {
            for (const auto& use : census.packs()) {
                result_.packs += use.is_present ? 1U : 0U;
                result_.bytes += use.stored_bytes;
            }
        }
        if (points_.empty() && result_.packs > 0 && !options_.allow_no_points) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("the repository has no point, but ", result_.packs, " packs"))
                .hint("--to-nothing removes them all, when that is what you want");
        }
    }

    /// What has to be old before it counts that a list did not show something.
    std::chrono::nanoseconds grace() const {
        return options_.grace.value_or(repository_.backend().lists_at_once()
                                           ? std::chrono::nanoseconds(0)
                                           : std::chrono::nanoseconds(kLaggingGrace));
    }

    bool is_ripe(const Generation& generation, const std::vector<SessionState>& open) {
        const auto rest = grace();
        const auto age = std::chrono::seconds(now_seconds_ - generation.modified_seconds);
        if (rest > rest.zero() && age < rest) {
            result_.is_resting = true;
            return false;
        }
        bool is_awaited = true;
        for (const auto& session : open) {
            const auto& knows = session.record.knows;
            if (std::find(knows.begin(), knows.end(), generation.id) == knows.end()) {
                is_awaited = false;
                waiting_for_.insert_or_assign(session.record.id, session.record);
            }
        }
        return is_awaited;
    }

    /// Sessions that are at work now; those that were settled at the start have ended.
    std::vector<SessionState> list_open() {
        std::set<std::string> ended{own_session_};
        for (const auto& session : settled_.ended) {
            ended.insert(session.record.id);
        }
        std::vector<SessionState> open;
        for (auto& session : list_sessions(repository_)) {
            if (session.is_begun && !ended.contains(session.record.id)) {
                open.push_back(std::move(session));
            }
        }
        return open;
    }

    void sweep_ripe() {
        for (int tries = 1; !try_sweep_ripe(); ++tries) {
            if (tries == kMostTries) {
                throw_too_busy();
            }
        }
    }

    /// The order matters: generations, sessions, points, index, packs (docs/format.md section 9).
    /// False when the index changed while it was swept.
    bool try_sweep_ripe() {
        // First, so that every session that does not know one of them is in the list or has ended.
        auto generations = list_condemned();
        const auto open = list_open();
        waiting_for_.clear();
        result_.is_resting = false;
        std::vector<Generation> ripe;
        for (auto& generation : generations) {
            if (is_ripe(generation, open)) {
                ripe.push_back(std::move(generation));
            }
        }
        mark_points();
        const auto census = take_census();
        note(census);
        const auto condemned = condemned_packs(ripe);
        const auto removable = choose_removable(census, condemned);
        // Once more: the names of packs that a sweep beside us has written down to be forgiven are
        // those that points list which were there before it. (The census keeps its own decisions.)
        mark_points();
        if (!are_there_still(ripe)) {
            return false;
        }
        try {
            surroundings_.progress.stage("sweep");
            const auto swept = sweep(repository_, census, removable, surroundings_);
            result_.packs_removed += swept.packs;
            result_.bytes_removed += swept.bytes;
            result_.segments_removed += swept.segments_removed;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NotFound) {
                throw;
            }
            return false;
        }
        remove_generations(ripe, removable);
        note_waiting(census, removable);
        return true;
    }

    /// Only when all of its packs are gone: as long as one is there it has to stay condemned.
    void remove_generations(const std::vector<Generation>& ripe,
                            const std::set<content::Digest>& removed) {
        remove_replaced(ripe);
        for (const auto& generation : ripe) {
            const bool is_done = std::all_of(
                generation.packs.begin(), generation.packs.end(), [&removed](const auto& pack) {
                    return removed.contains(pack);
                });
            if (is_done) {
                repository_.backend().remove(generation_name(generation.id));
            }
        }
        repository_.backend().sync();
    }

    /// Damaged ones: everybody knows now what is in their place, and obeys it. They go before it.
    void remove_replaced(const std::vector<Generation>& ripe) const {
        std::set<std::string> ids;
        for (const auto& generation : ripe) {
            ids.insert(generation.replaces.begin(), generation.replaces.end());
        }
        for (const auto& id : ids) {
            repository_.backend().remove(generation_name(id));
        }
        if (!ids.empty()) {
            repository_.backend().sync();
        }
    }

    /// Asked when it is decided which packs go: what a repair puts in the place of a damaged one
    /// need not name those that a sweep has not decided about (docs/format.md section 9).
    bool are_there_still(const std::vector<Generation>& ripe) const {
        const auto now = ripe.empty() ? ripe : list_generations(repository_);
        return std::all_of(ripe.begin(), ripe.end(), [&now](const Generation& generation) {
            return std::any_of(now.begin(), now.end(), [&generation](const Generation& other) {
                return other.id == generation.id;
            });
        });
    }

    void note_waiting(const Census& census, const std::set<content::Digest>& swept) {
        result_.packs_waiting = 0;
        result_.bytes_waiting = 0;
        for (const auto& pack : condemned_) {
            const auto* const use = census.find(pack);
            if (use != nullptr && use->is_present && !swept.contains(pack)) {
                ++result_.packs_waiting;
                result_.bytes_waiting += use->stored_bytes;
            }
        }
        result_.waiting_for.clear();
        for (const auto& [id, session] : waiting_for_) {
            result_.waiting_for.push_back(session);
        }
    }

    void condemn(Session& session) {
        list_condemned();
        const auto census = take_census();
        note(census);
        const auto choice = choose(census, repository_.parameters().pack_bytes, options_);
        auto packs = choice.dead;
        if (!choice.repack.empty()) {
            surroundings_.progress.stage("repack");
            auto repacked =
                repack(repository_, *chunks_, census, choice.repack, surroundings_, session);
            result_.bytes_repacked += repacked.copied_bytes;
            for (const auto& pack : repacked.emptied) {
                if (census.find(pack)->is_condemned) {
                    ++result_.packs_rescued;
                } else {
                    ++result_.packs_repacked;
                    packs.push_back(pack);
                }
            }
            for (auto& problem : repacked.problems) {
                result_.problems.push_back(std::move(problem));
            }
        }
        note_condemned(census, packs);
        if (!packs.empty()) {
            put_generation(repository_, std::move(packs), surroundings_.clock.now(), random_);
            repository_.backend().sync();
        }
    }

    void note_condemned(const Census& census, const std::vector<content::Digest>& packs) {
        for (const auto& pack : packs) {
            ++result_.packs_condemned;
            result_.bytes_condemned += census.find(pack)->stored_bytes;
        }
    }

    void foresee() {
        const auto generations = list_condemned();
        const auto open = list_open();
        for (const auto& generation : generations) {
            is_ripe(generation, open);
        }
        const auto census = take_census();
        note(census);
        const auto choice = choose(census, repository_.parameters().pack_bytes, options_);
        auto packs = choice.dead;
        for (const auto* const use : choice.repack) {
            result_.bytes_repacked += use->kept_bytes;
            if (use->is_condemned) {
                ++result_.packs_rescued;
            } else {
                ++result_.packs_repacked;
                packs.push_back(use->pack.name);
            }
        }
        note_condemned(census, packs);
        note_waiting(census, {});
    }

    const Repository& repository_;
    const PruneOptions& options_;
    SharedRandom random_;
    const Surroundings surroundings_;
    std::string own_session_;
    std::int64_t now_seconds_ = 0;
    SettledSessions settled_;
    std::optional<ChunkStore> chunks_;
    std::optional<Marker> marker_;
    std::vector<PointRecord> points_;
    std::vector<content::Digest> condemned_;
    std::set<content::Digest> unsound_;
    std::map<std::string, SessionRecord> waiting_for_;
    PruneResult result_;
};

/// Runs it; on a full disk once more in the room that was kept for this, with few copies, and then
/// without any: a prune needs little to remove what nobody needs.
PruneResult prune_in_any_room(const Repository& repository,
                              const PruneOptions& options,
                              const Surroundings& surroundings) {
    auto careful = options;
    for (int tries = 0;; ++tries) {
        PruneResult result;
        const auto failure =
            failure_of([&] { result = Pruning(repository, careful, surroundings).run(); });
        if (!failure) {
            result.is_space_short = tries > 0;
            return result;
        }
        if (failure->code() != ErrorCode::NoSpace || options.dry_run || tries == 2) {
            throw Error(*failure);
        }
        surroundings.progress.note("the disk is full: little is copied in this run");
        careful.most_copied = tries == 0 ? repository.backend().release_reserve() / 2 : 0;
    }
}

}  // namespace

PruneResult prune_repository(const Repository& repository,
                             const PruneOptions& options,
                             const Surroundings& surroundings) {
    PruneResult result;
    std::optional<Error> failure;
    int tries = 0;
    do {
        failure =
            failure_of([&] { result = prune_in_any_room(repository, options, surroundings); });
        // Another prune took away what this one had just listed: it begins anew.
    } while (failure && failure->code() == ErrorCode::NotFound && ++tries < kMostTries);
    if (failure) {
        throw Error(*failure);
    }
    if (!options.dry_run) {
        repository.backend().restore_reserve();
    }
    return result;
}

}  // namespace backup::maintenance
