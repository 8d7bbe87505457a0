// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_schedule.hpp"

#include "core/base/stop_on_signal.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace backup::capture {

ClaimSchedule::ClaimSchedule(std::vector<ClaimJob>& jobs,
                             const HookGate* hooks,
                             std::size_t copies_ahead)
    : copies_ahead_(copies_ahead) {
    const auto group_of = [hooks](const ClaimJob& job) {
        const auto& record = job.plan->record;
        return hooks == nullptr ? std::nullopt : hooks->find_group(record.name_space, record.claim);
    };
    std::map<std::size_t, std::vector<ClaimJob*>> copies;
    for (auto& job : jobs) {
        if (const auto group = group_of(job); group && is_copied(job)) {
            copies[*group].push_back(&job);
        }
    }
    auto state = state_.lock();
    for (auto& job : jobs) {
        const auto group = group_of(job);
        // Where the first of the group would be read.
        if (group && copies.contains(*group) && state->closed.insert(*group).second) {
            state->waiting.push_back({{copies.at(*group), nullptr}, group});
        }
        if (!group || !is_copied(job)) {
            state->waiting.push_back({{{}, &job}, group});
        }
    }
}

bool ClaimSchedule::may_begin(const State& state, const Item& item) const {
    const auto size = item.step.cut.size();
    if (size == 0) {
        return !item.group || !state.closed.contains(*item.group);
    }
    return state.copies == 0 || state.copies + size <= copies_ahead_;
}

/// Somebody waits, frozen, for this one to be read.
bool ClaimSchedule::is_held_up(const State& state, const Item& item) {
    return item.step.cut.empty() && item.group && state.begun.contains(*item.group);
}

std::optional<ClaimSchedule::Step> ClaimSchedule::find_step(State& state) const {
    const auto urgent = std::find_if(state.waiting.begin(),
                                     state.waiting.end(),
                                     [&](const Item& item) { return is_held_up(state, item); });
    if (urgent == state.waiting.end() && !state.cut.empty()) {
        auto* const job = state.cut.front();
        state.cut.pop_front();
        --state.copies;
        return Step{{}, job};
    }
    const auto found = urgent != state.waiting.end()
                           ? urgent
                           : std::find_if(state.waiting.begin(),
                                          state.waiting.end(),
                                          [&](const Item& item) { return may_begin(state, item); });
    if (found == state.waiting.end()) {
        return std::nullopt;
    }
    auto item = std::move(*found);
    state.waiting.erase(found);
    if (!item.step.cut.empty()) {
        state.closed.erase(*item.group);
        state.begun.insert(*item.group);
        state.copies += item.step.cut.size();
        ++state.steps_under_way;
    }
    return std::move(item.step);
}

std::optional<ClaimSchedule::Step> ClaimSchedule::take(const std::stop_token& stop) {
    std::optional<Step> step;
    auto state = state_.lock();
    const bool is_awaited = changed_.wait(state.guard(), stop, [&] {
        step = find_step(*state);
        return step || (state->waiting.empty() && state->steps_under_way == 0);
    });
    if (!is_awaited) {
        throw_if_stopped(stop);
    }
    // Room for further copies, or another volume of a group that has begun.
    changed_.notify_all();
    return step;
}

void ClaimSchedule::note_cut(const Step& step) {
    {
        auto state = state_.lock();
        --state->steps_under_way;
        for (auto* job : step.cut) {
            state->cut.push_back(job);
        }
        std::stable_partition(state->cut.begin(), state->cut.end(), [](const ClaimJob* job) {
            return job->cut_failure.has_value();
        });
    }
    changed_.notify_all();
}

}  // namespace backup::capture
