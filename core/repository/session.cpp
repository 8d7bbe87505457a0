// SPDX-License-Identifier: Apache-2.0
#include "core/repository/session.hpp"

#include "core/base/error.hpp"
#include "core/base/process.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/session_store.hpp"

#include <algorithm>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::size_t kIdBytes = 16;
constexpr auto kBeatInterval = std::chrono::minutes(5);
constexpr int kMostRejoins = 3;

std::int64_t beat_time(Clock& clock) {
    return (clock.steady_now() + kBeatInterval).time_since_epoch().count();
}

[[noreturn]] void throw_deleted() {
    throw Error(ErrorCode::Incomplete,
                "this run slept while others completed its point and deleted it")
        .hint("run the backup again");
}

[[noreturn]] void throw_overtaken() {
    throw Error(ErrorCode::Incomplete,
                "a prune took this run for dead and removed content that it relies on")
        .hint("run the backup again: what is stored by now is not sent again");
}

}  // namespace

Session::Session(const Repository& repository,
                 Random& random,
                 Clock& clock,
                 OnDamagedGeneration on_damaged)
    : repository_(repository),
      random_(random),
      clock_(clock),
      on_damaged_(std::move(on_damaged)),
      next_beat_(beat_time(clock)),
      joined_(join()) {}

Session::~Session() {
    if (!is_ended_) {
        failure_of([this] { end(); });
    }
}

/// The generations are listed before: a collection that is not among them waits for this session.
/// And after: one that was made between its list of sessions and ours is obeyed.
Session::Joined Session::join() const {
    Joined joined;
    SessionRecord record;
    const auto before = list_generation_ids(repository_);
    if (!on_damaged_) {
        record.knows = before;
    }
    record.id = to_hex(random_.bytes(kIdBytes));
    record.host = host_name();
    record.pid = ::getpid();
    record.program = "kubectl-backup";
    record.started = clock_.now();
    repository_.backend().put(
        session_name(record.id), encode_session(repository_, record, random_), true);
    joined.id = record.id;
    const auto failure = failure_of([&] {
        const auto generations = list_generations(repository_, on_damaged_);
        joined.condemned = condemned_packs(generations);
        joined.saw_collection = !before.empty() || !generations.empty();
    });
    if (failure) {
        // Nobody else knows of it: a collection would wait for it in vain.
        failure_of([&] { leave(joined); });
        throw Error(*failure);
    }
    return joined;
}

void Session::leave(const Joined& joined) const {
    auto& backend = repository_.backend();
    backend.remove(session_name(joined.id));
    if (joined.beats > 0) {
        backend.remove(session_beat_name(joined.id, joined.beats));
    }
    backend.remove(session_end_name(joined.id));
}

/// Only when the session is gone: who still found that there has announced by now that this run may
/// be asleep; who does not find it takes its own announcement back.
void Session::remove_sleepers() const {
    if (!ticket_point_) {
        return;
    }
    std::vector<std::string> names;
    repository_.backend().list(kCompletesFolder, [&](const backend::BlobInfo& info) {
        if (find_sleepers_point(info.name) == ticket_point_) {
            names.push_back(info.name);
        }
    });
    for (const auto& name : names) {
        repository_.backend().remove(name);
    }
}

bool Session::is_condemned(const content::Digest& pack) const {
    return std::binary_search(joined_.condemned.begin(), joined_.condemned.end(), pack);
}

void Session::keep_alive() {
    if (clock_.steady_now().time_since_epoch().count() < next_beat_) {
        return;
    }
    const std::scoped_lock lock(beat_mutex_);
    if (clock_.steady_now().time_since_epoch().count() < next_beat_) {
        return;
    }
    auto& backend = repository_.backend();
    const auto before = joined_.beats;
    SessionRecord record;
    record.id = joined_.id;
    record.started = clock_.now();
    backend.put(session_beat_name(joined_.id, before + 1),
                encode_session(repository_, record, random_));
    ++joined_.beats;
    if (before > 0) {
        backend.remove(session_beat_name(joined_.id, before));
    }
    next_beat_ = beat_time(clock_);
}

void Session::commit(const std::string& point_name,
                     ByteView point,
                     std::span<const content::Digest> packs) {
    auto& backend = repository_.backend();
    if (!has_all(joined_, packs)) {
        throw Error(ErrorCode::Incomplete, "the repository has lost a pack that this run relies on")
            .hint("run the backup again: what was lost is stored again then");
    }
    ticket_point_ = content::sha256(point);
    for (int tries = 0; !put_ticket(point_name, point); ++tries) {
        if (tries == kMostRejoins) {
            throw_overtaken();
        }
        rejoin(packs);
    }
    // From here on the point is decided: whoever finds the ticket may do what follows.
    const bool is_mine = put_new(backend, point_name, point);
    backend.sync();
    if (is_mine) {
        check_own_point(point_name, packs);
    }
    is_ended_ = true;
    // The point is there: what is left of the session now is a matter for the next prune.
    failure_of([this] { end(); });
}

void Session::end() {
    leave(joined_);
    remove_sleepers();
    is_ended_ = true;
}

/// False: somebody has taken this session for dead.
bool Session::put_ticket(const std::string& point_name, ByteView point) const {
    auto& backend = repository_.backend();
    if (!put_session_end(repository_, joined_.id, {point_name, to_bytes(point)}, random_)) {
        return false;
    }
    backend.sync();
    if (backend.exists(session_name(joined_.id))) {
        return true;
    }
    // It was ended and swept away: a ticket alone means nothing to anybody.
    backend.remove(session_end_name(joined_.id));
    backend.remove(lost_ticket_name(joined_.id));
    return false;
}

void Session::rejoin(std::span<const content::Digest> packs) {
    auto joined = join();
    const auto before = std::exchange(joined_, std::move(joined));
    leave(before);
    if (!has_all(joined_, packs)) {
        throw_overtaken();
    }
}

bool Session::has_all(const Joined& joined, std::span<const content::Digest> packs) const {
    const auto present = list_present_packs(repository_);
    return std::all_of(packs.begin(), packs.end(), [&](const content::Digest& pack) {
        return std::binary_search(present.begin(), present.end(), pack) &&
               !std::binary_search(joined.condemned.begin(), joined.condemned.end(), pack);
    });
}

/// Somebody else may have completed the ticket before, or have found our point and kept it. Only
/// who deleted the point since can tell: what it needs may lie in other packs by now.
void Session::check_own_point(const std::string& point_name,
                              std::span<const content::Digest> packs) const {
    auto& backend = repository_.backend();
    if (backend.exists(tombstone_name(ticket_point_.value()))) {
        take_back(point_name);
        throw_deleted();
    }
    const auto lost = lost_ticket_name(joined_.id);
    if (backend.exists(session_name(joined_.id)) || !backend.exists(lost)) {
        return;
    }
    // Nobody could read the ticket, so what the point needs may have gone before it was there.
    const auto again = join();
    const bool is_whole = has_all(again, packs);
    if (!is_whole) {
        take_back(point_name);
    }
    leave(again);
    backend.remove(lost);
    if (!is_whole) {
        throw_overtaken();
    }
}

void Session::take_back(const std::string& point_name) const {
    repository_.backend().remove(point_name);
    repository_.backend().sync();
}

}  // namespace backup::repository
