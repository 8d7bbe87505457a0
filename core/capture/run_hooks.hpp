// SPDX-License-Identifier: Apache-2.0
// Runs the hooks around the reading of volumes. Whoever reads a volume passes through the gate; how
// volumes are spread over threads and helper pods is not known here.
//
// What is promised: of a group of volumes all pre hooks have ended before the first of them may be
// touched, no post hook begins before the last one was let go, and every pod whose pre hook began
// gets its post hooks, whatever fails or stops.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/base/retry.hpp"
#include "core/base/synchronized.hpp"
#include "core/capture/hook_plan.hpp"
#include "core/capture/run_command.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::capture {

struct HookGateContext {
    CommandRunner& runner;
    Clock& clock;
    Progress& progress;
    std::function<bool(std::chrono::nanoseconds, const std::stop_token&)> sleep = sleep_for;
};

/// All functions may be called from any thread.
class HookGate {
  public:
    /// Both must outlive the gate.
    HookGate(const HookGateContext& context, const HookPlan& plan);
    /// finish()
    ~HookGate();
    HookGate(const HookGate&) = delete;
    HookGate& operator=(const HookGate&) = delete;

    /// The hold of one volume on its groups. Made for each volume of the plan that is going to be
    /// read; the destructor lets go, whether it was entered or not.
    class Pass {
      public:
        Pass(Pass&& other) noexcept;
        Pass& operator=(Pass&&) = delete;
        ~Pass();

        /// As late as possible before the data is touched: runs the pre hooks, or waits while
        /// another volume of the group does. Why the volume must not be read (a pre hook that may
        /// not fail did: SkipReason::HookFailed), or nothing. Again: the same answer at once.
        /// Throws Interrupted.
        [[nodiscard]] std::optional<std::string> enter(const std::stop_token& stop);

        /// As soon as the data is read, or its snapshot cut. The last one of a group runs the post
        /// hooks before this returns. Never throws; what fails is in the records.
        void leave();

        bool has_left() const { return gate_ == nullptr; }

        /// Every pod with hooks that mounts the volume, and at least one, has run its pre hooks
        /// without an error: the volume is consistent for the application.
        bool is_frozen() const { return is_frozen_; }

      private:
        friend class HookGate;
        Pass(HookGate& gate, std::vector<std::size_t> groups, std::string claim);

        HookGate* gate_;
        std::vector<std::size_t> groups_;  // outermost first
        std::string claim_;
        std::size_t entered_ = 0;
        bool is_frozen_ = false;
        std::optional<std::string> refusal_;
        std::stop_token stop_;
    };

    /// Each volume once.
    Pass pass(std::string_view ns, std::string_view claim);

    /// Volumes are best read in this order: those of a group one behind the other, so that nothing
    /// is frozen longer than it must be.
    std::size_t rank_of(std::string_view ns, std::string_view claim) const;

    /// What is frozen for one is frozen for all with the same number; none: nothing is.
    std::optional<std::size_t> find_group(std::string_view ns, std::string_view claim) const;

    /// Runs the post hooks that are still due. Afterwards nothing may enter any more.
    void finish();

    /// In the order in which they began; call it after finish().
    std::vector<model::HookRecord> take_records();

  private:
    class Group;
    friend class Pass;

    std::vector<std::size_t> find_groups(std::string_view ns, std::string_view claim) const;

    HookGateContext context_;
    std::vector<std::unique_ptr<Group>> groups_;
    Synchronized<std::vector<model::HookRecord>> records_;
};

/// One hook as its record tells it: run, with what came of it. True when it ended well. Does not
/// throw, also not when stop was asked.
bool run_hook(const HookGateContext& context,
              const PlannedHook& hook,
              ByteSink* output,
              const std::stop_token& stop,
              model::HookRecord& record);

}  // namespace backup::capture
