// SPDX-License-Identifier: Apache-2.0
// What the threads that read volumes do next. An application must not stay frozen while anything
// is read that need not be: the copies of all that is frozen together are cut in one step, before
// the first of them is read. Knows nothing of how either is done.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/capture/claim_job.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

namespace backup::capture {

/// Safe to be used from any thread.
class ClaimSchedule {
  public:
    /// Either copies that are to be cut together, or one volume to be read (with a copy that was
    /// cut already, or not).
    struct Step {
        std::vector<ClaimJob*> cut;
        ClaimJob* read = nullptr;
    };

    /// The jobs, in their order, must outlive this. Of cut copies at most `copies_ahead` wait to be
    /// read, or those of one group, however many they are. `hooks` may be null.
    ClaimSchedule(std::vector<ClaimJob>& jobs, const HookGate* hooks, std::size_t copies_ahead);

    /// Waits while there is nothing to do but may be; empty when there never will be. Throws
    /// Interrupted. First come the volumes of groups that have begun and are read themselves: for
    /// these their application is still frozen. Then what was cut (in front what could not be, for
    /// the same reason), then the next group or volume.
    std::optional<Step> take(const std::stop_token& stop);

    /// Once for each step with copies.
    void note_cut(const Step& step);

  private:
    struct Item {
        Step step;
        std::optional<std::size_t> group;  // of volumes that are frozen together
    };

    struct State {
        std::deque<Item> waiting;
        std::deque<ClaimJob*> cut;     // and not read
        std::set<std::size_t> closed;  // groups whose copies nobody has begun to cut
        std::set<std::size_t> begun;   // the others that have copies
        std::size_t steps_under_way = 0;
        std::size_t copies = 0;  // being cut, or cut and not read
    };

    bool may_begin(const State& state, const Item& item) const;
    std::optional<Step> find_step(State& state) const;
    static bool is_held_up(const State& state, const Item& item);

    const std::size_t copies_ahead_;
    Synchronized<State> state_;
    std::condition_variable_any changed_;
};

}  // namespace backup::capture
