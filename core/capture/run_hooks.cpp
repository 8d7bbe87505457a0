// SPDX-License-Identifier: Apache-2.0
#include "core/capture/run_hooks.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace backup::capture {

namespace {

/// A post hook whose connection breaks is run again: an application that stays frozen is worse than
/// one that is thawed twice. A pre hook is not.
constexpr int kPostAttempts = 3;
constexpr std::chrono::milliseconds kPostPause{500};

bool is_broken_connection(ErrorCode code) {
    switch (code) {
        case ErrorCode::ExecFailed:
        case ErrorCode::Io:
        case ErrorCode::ClusterUnreachable:
        case ErrorCode::KubeThrottled:
        case ErrorCode::KubeServerError:
            return true;
        default:
            return false;
    }
}

std::string describe(const model::HookRecord& record) {
    return concat(to_lower(model::to_text(record.phase)),
                  " hook of pod ",
                  record.name_space,
                  "/",
                  record.pod);
}

void note_failure(const Error& failure, model::HookRecord& record) {
    record.outcome = failure.code() == ErrorCode::TimedOut ? model::HookOutcome::TimedOut
                                                           : model::HookOutcome::Failed;
    const std::string hint(failure.hint());
    record.message =
        printable(hint.empty() ? failure.what() : concat(failure.what(), " (", hint, ")"));
}

}  // namespace

bool run_hook(const HookGateContext& context,
              const PlannedHook& hook,
              ByteSink* output,
              const std::stop_token& stop,
              model::HookRecord& record) {
    record = hook.record;
    if (!hook.problem.empty()) {
        record.outcome = model::HookOutcome::Failed;
        record.message = hook.problem;
        return false;
    }
    context.progress.note(concat("running the ", describe(record)));
    CommandReport report;
    const auto begin = context.clock.steady_now();
    const auto failure = failure_of([&] {
        context.runner.run(
            {record.name_space, record.pod, record.container, record.command, hook.timeout, output},
            report,
            stop);
    });
    record.duration_ms += static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.steady_now() - begin)
            .count());
    // Windows has codes of 32 bits.
    record.exit_code = failure ? -1 : std::clamp(report.exit_code, 0, 255);
    record.output = std::move(report.tail);
    if (failure) {
        note_failure(*failure, record);
        return false;
    }
    if (report.exit_code != 0) {
        record.exit_code = std::max(record.exit_code, 1);
        record.outcome = model::HookOutcome::Failed;
        record.message = concat("exit code ", report.exit_code);
        return false;
    }
    record.outcome = model::HookOutcome::Succeeded;
    record.message.clear();
    return true;
}

/// Closed -> Opening -> Open -> Closing -> Done. Whoever moves it on runs the hooks without the
/// lock; the others wait.
class HookGate::Group {
  public:
    Group(const HookGroup& group,
          const HookGateContext& context,
          Synchronized<std::vector<model::HookRecord>>& records)
        : group_(group),
          context_(context),
          records_(records),
          left_to_come_(group.claims.size()) {}

    bool holds(std::string_view ns, std::string_view claim) const {
        return group_.ns == ns &&
               std::binary_search(group_.claims.begin(), group_.claims.end(), claim);
    }

    bool is_namespace_wide() const { return group_.is_namespace_wide; }

    /// Throws Interrupted; the caller has not entered then.
    void enter(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [this] { return phase_ != Phase::Opening; });
        throw_if_stopped(stop);
        if (phase_ == Phase::Closing || phase_ == Phase::Done) {
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        ++inside_;
        if (phase_ == Phase::Open) {
            return;
        }
        phase_ = Phase::Opening;
        lock.unlock();
        run_pre(stop);
        lock.lock();
        phase_ = Phase::Open;
        changed_.notify_all();
        if (stop.stop_requested()) {
            --inside_;
            close_if_due(lock, true);
            throw_if_stopped(stop);
        }
    }

    /// `has_entered`: enter() has returned. A stopped run gets no further volumes.
    void leave(bool has_entered, bool is_stopped) {
        std::unique_lock lock(mutex_);
        inside_ -= has_entered ? 1U : 0U;
        --left_to_come_;
        close_if_due(lock, is_stopped);
    }

    void finish() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return phase_ != Phase::Opening; });
        close_if_due(lock, true);
        changed_.wait(lock, [this] { return phase_ != Phase::Closing; });
        phase_ = Phase::Done;
    }

    struct Verdict {
        bool is_frozen = true;
        bool has_pods = false;
        std::optional<std::string> refusal;
    };

    /// For one volume, while the group is open.
    void judge(const std::string& claim, Verdict& verdict) const {
        for (std::size_t i = 0; i < group_.pods.size(); ++i) {
            const auto& pod = group_.pods[i];
            const auto& state = states_[i];
            const bool is_wide = group_.is_namespace_wide;
            if (!is_wide &&
                std::find(pod.claims.begin(), pod.claims.end(), claim) == pod.claims.end()) {
                continue;
            }
            verdict.has_pods = verdict.has_pods || (!is_wide && !pod.pre.empty());
            verdict.is_frozen = verdict.is_frozen && !state.has_failed;
            if (!is_wide && !verdict.refusal) {
                verdict.refusal = state.refusal;
            }
        }
    }

  private:
    enum class Phase { Closed, Opening, Open, Closing, Done };

    struct PodState {
        bool has_begun = false;
        bool has_failed = false;
        std::optional<std::string> refusal;
    };

    void run_pre(const std::stop_token& stop) {
        for (std::size_t i = 0; i < group_.pods.size() && !stop.stop_requested(); ++i) {
            auto& state = states_[i];
            state.has_begun = true;
            for (const auto& hook : group_.pods[i].pre) {
                if (stop.stop_requested()) {
                    break;
                }
                run_one_pre(hook, stop, state);
                if (state.refusal) {
                    break;
                }
            }
        }
    }

    void run_one_pre(const PlannedHook& hook, const std::stop_token& stop, PodState& state) {
        model::HookRecord record;
        if (!run_hook(context_, hook, nullptr, stop, record)) {
            state.has_failed = true;
            if (!record.may_fail) {
                state.refusal = concat("the ", describe(record), " failed: ", record.message);
            }
        }
        records_.lock()->push_back(std::move(record));
    }

    /// Its own stop: an interrupted run still thaws what it froze.
    void run_post(const PlannedHook& hook) {
        model::HookRecord record;
        for (int attempt = 1;; ++attempt) {
            std::optional<ErrorCode> code;
            WatchedRunner runner(context_.runner, code);
            const HookGateContext context{
                runner, context_.clock, context_.progress, context_.sleep};
            const auto spent = record.duration_ms;
            const bool is_done = run_hook(context, hook, nullptr, {}, record);
            record.duration_ms += spent;
            if (is_done || !code || !is_broken_connection(*code) || attempt == kPostAttempts) {
                break;
            }
            context_.sleep(kPostPause, {});
        }
        records_.lock()->push_back(std::move(record));
    }

    /// Keeps the code of what a command failed with.
    class WatchedRunner : public CommandRunner {
      public:
        WatchedRunner(CommandRunner& runner, std::optional<ErrorCode>& code)
            : runner_(runner),
              code_(code) {}

        void run(const CommandRequest& request,
                 CommandReport& report,
                 const std::stop_token& stop) override {
            if (const auto failure = failure_of([&] { runner_.run(request, report, stop); })) {
                code_ = failure->code();
                throw Error(*failure);
            }
        }

      private:
        CommandRunner& runner_;
        std::optional<ErrorCode>& code_;
    };

    void close_if_due(std::unique_lock<std::mutex>& lock, bool is_stopped) {
        const bool is_over = left_to_come_ == 0 || is_stopped;
        if (phase_ != Phase::Open || inside_ != 0 || !is_over) {
            return;
        }
        phase_ = Phase::Closing;
        lock.unlock();
        for (std::size_t i = group_.pods.size(); i-- > 0;) {
            if (states_[i].has_begun) {
                for (const auto& hook : group_.pods[i].post) {
                    run_post(hook);
                }
            }
        }
        lock.lock();
        phase_ = Phase::Done;
        changed_.notify_all();
    }

    const HookGroup& group_;
    const HookGateContext& context_;
    Synchronized<std::vector<model::HookRecord>>& records_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    Phase phase_ = Phase::Closed;
    std::size_t inside_ = 0;
    std::size_t left_to_come_;
    std::vector<PodState> states_{group_.pods.size()};
};

HookGate::HookGate(const HookGateContext& context, const HookPlan& plan) : context_(context) {
    for (const auto& group : plan.groups) {
        groups_.push_back(std::make_unique<Group>(group, context_, records_));
    }
    for (const auto& record : plan.not_run) {
        records_.lock()->push_back(record);
    }
}

HookGate::~HookGate() {
    finish();
}

std::vector<std::size_t> HookGate::find_groups(std::string_view ns, std::string_view claim) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        if (groups_[i]->holds(ns, claim)) {
            found.push_back(i);
        }
    }
    // Everybody enters in this order, so no two wait for each other.
    std::stable_sort(found.begin(), found.end(), [this](std::size_t a, std::size_t b) {
        return groups_[a]->is_namespace_wide() && !groups_[b]->is_namespace_wide();
    });
    return found;
}

HookGate::Pass HookGate::pass(std::string_view ns, std::string_view claim) {
    return {*this, find_groups(ns, claim), std::string(claim)};
}

std::size_t HookGate::rank_of(std::string_view ns, std::string_view claim) const {
    const auto groups = find_groups(ns, claim);
    return groups.empty() ? groups_.size() : groups.back();
}

/// The outermost: it is open as long as any other one is.
std::optional<std::size_t> HookGate::find_group(std::string_view ns, std::string_view claim) const {
    const auto groups = find_groups(ns, claim);
    return groups.empty() ? std::nullopt : std::optional(groups.front());
}

void HookGate::finish() {
    // Inner groups first, as when their volumes had been let go.
    for (const bool is_wide : {false, true}) {
        for (auto& group : groups_) {
            if (group->is_namespace_wide() == is_wide) {
                group->finish();
            }
        }
    }
}

std::vector<model::HookRecord> HookGate::take_records() {
    return std::exchange(*records_.lock(), {});
}

HookGate::Pass::Pass(HookGate& gate, std::vector<std::size_t> groups, std::string claim)
    : gate_(&gate),
      groups_(std::move(groups)),
      claim_(std::move(claim)) {}

HookGate::Pass::Pass(Pass&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)),
      groups_(std::move(other.groups_)),
      claim_(std::move(other.claim_)),
      entered_(other.entered_),
      is_frozen_(other.is_frozen_),
      refusal_(std::move(other.refusal_)),
      stop_(std::move(other.stop_)) {}

HookGate::Pass::~Pass() {
    leave();
}

std::optional<std::string> HookGate::Pass::enter(const std::stop_token& stop) {
    if (has_left() || entered_ == groups_.size()) {
        return refusal_;
    }
    stop_ = stop;
    Group::Verdict verdict;
    while (entered_ < groups_.size()) {
        auto& group = *gate_->groups_[groups_[entered_]];
        group.enter(stop);
        ++entered_;
        group.judge(claim_, verdict);
    }
    is_frozen_ = verdict.has_pods && verdict.is_frozen;
    refusal_ = verdict.refusal;
    return refusal_;
}

void HookGate::Pass::leave() {
    auto* const gate = std::exchange(gate_, nullptr);
    if (gate == nullptr) {
        return;
    }
    for (std::size_t i = groups_.size(); i-- > 0;) {
        gate->groups_[groups_[i]]->leave(i < entered_, stop_.stop_requested());
    }
}

}  // namespace backup::capture
