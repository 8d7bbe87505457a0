// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_volumes.hpp"

#include "core/base/each_at_once.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/claim_failure.hpp"
#include "core/capture/claim_groups.hpp"
#include "core/capture/claim_job.hpp"
#include "core/capture/claim_mover.hpp"
#include "core/capture/claim_schedule.hpp"
#include "core/capture/mover_slots.hpp"
#include "core/capture/volume_reader.hpp"
#include "core/capture/volume_stand_in.hpp"
#include "core/volume/leftovers.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <tuple>
#include <utility>

namespace backup::capture {

namespace {

/// Each is a thread that waits for the storage.
constexpr std::size_t kCutsAtOnce = 16;
/// Each is a list of pods.
constexpr std::size_t kNamespacesAtOnce = 8;

using JobsByNamespace = std::map<std::string, std::vector<ClaimJob>>;

class ClaimReader {
  public:
    ClaimReader(const ClaimVolumesContext& context, const std::stop_token& stop)
        : context_(context),
          copies_{context.client, context.owner, context.clock, context.progress},
          stop_(stop) {}

    /// One job for each volume that is to be read; those of one pod follow each other.
    std::vector<ClaimJob> plan_jobs(const std::vector<PlannedVolume>& plans,
                                    std::vector<ClaimVolume>& results) {
        std::vector<ClaimJob> jobs;
        JobsByNamespace live;
        for (std::size_t i = 0; i < plans.size(); ++i) {
            if (plans[i].record.method.empty()) {
                continue;
            }
            ClaimJob job;
            job.plan = &plans[i];
            job.result = &results[i];
            job.pass = pass(plans[i]);
            if (plans[i].record.method == "live" && plans[i].pod.empty()) {
                live[plans[i].record.name_space].push_back(std::move(job));
            } else {
                jobs.push_back(std::move(job));
            }
        }
        find_facts(live);
        for (auto& [ns, claims] : live) {
            add_live(ns, std::move(claims), jobs);
        }
        order_by_hooks(jobs);
        return jobs;
    }

    /// At the same time, so that their application goes on as soon as can be.
    void cut(const std::vector<ClaimJob*>& jobs, const std::stop_token& stop) const {
        std::atomic<std::size_t> next = 0;
        const auto cut_some = [&] {
            for (std::size_t at = next++; at < jobs.size(); at = next++) {
                cut(*jobs[at], stop);
            }
        };
        TaskGroup others;
        for (std::size_t i = 1; i < std::min(jobs.size(), kCutsAtOnce); ++i) {
            others.start([&](const std::stop_token&) { cut_some(); });
        }
        cut_some();
        others.wait();
    }

    void read(ClaimJob& job, const std::stop_token& stop) const {
        auto& record = job.result->record;
        const auto failure = failure_of([&] { read_or_throw(job, stop); });
        if (job.pass) {
            job.pass->leave();
        }
        if (!failure) {
            if (job.pass && job.pass->is_frozen()) {
                record.consistency = "application";
            }
            return;
        }
        if (stop.stop_requested() || ends_the_run(failure->code())) {
            throw Error(*failure);
        }
        job.result->captured.reset();
        record_failure(context_.client, job, *failure, stop);
    }

    /// What nobody came to read: the run has ended otherwise. First the applications, then what
    /// was made.
    void abandon(std::vector<ClaimJob>& jobs) const {
        std::vector<VolumeStandIn*> copies;
        for (auto& job : jobs) {
            job.pass.reset();
            if (job.copy) {
                copies.push_back(job.copy.get());
            }
        }
        const auto close_at = [&](std::size_t at, const std::stop_token&) {
            if (const auto problem = failure_of([&] { copies[at]->close(); })) {
                context_.client.log().warn("capture",
                                           volume::leftover_problem({}, *problem).message);
            }
        };
        // Whoever asks to stop wants them closed, too.
        each_at_once(copies.size(), kCutsAtOnce, close_at, {});
    }

  private:
    std::shared_ptr<HookGate::Pass> pass(const PlannedVolume& plan) const {
        return context_.hooks == nullptr ? nullptr
                                         : std::make_shared<HookGate::Pass>(context_.hooks->pass(
                                               plan.record.name_space, plan.record.claim));
    }

    std::size_t rank_of(const ClaimJob& job) const {
        const auto& record = job.plan->record;
        return context_.hooks->rank_of(record.name_space, record.claim);
    }

    /// What is frozen together is read together; what has one mover too.
    void order_by_hooks(std::vector<ClaimJob>& jobs) const {
        if (context_.hooks == nullptr) {
            return;
        }

        // Of each mover: the rank of its first volume, and its place among movers. Volumes without
        // a mover come first within a rank.
        struct Turn {
            std::size_t rank = 0;
            std::size_t place = 0;
        };

        std::map<const SharedMover*, Turn> turns;
        for (const auto& job : jobs) {
            if (job.mover) {
                const Turn last{rank_of(job), turns.size() + 1};
                auto& turn = turns.try_emplace(job.mover.get(), last).first->second;
                turn.rank = std::min(turn.rank, last.rank);
            }
        }
        const auto key = [&](const ClaimJob& job) {
            const auto own = rank_of(job);
            const auto turn = job.mover ? turns.at(job.mover.get()) : Turn{own, 0};
            return std::tuple(turn.rank, turn.place, own);
        };
        std::stable_sort(jobs.begin(), jobs.end(), [&key](const ClaimJob& a, const ClaimJob& b) {
            return key(a) < key(b);
        });
    }

    void find_facts(JobsByNamespace& live) const {
        std::vector<JobsByNamespace::value_type*> entries;
        for (auto& entry : live) {
            entries.push_back(&entry);
        }
        const auto look = [&](std::size_t at, const std::stop_token& stop) {
            find_facts(entries[at]->first, entries[at]->second, stop);
        };
        each_at_once(entries.size(), kNamespacesAtOnce, look, stop_);
    }

    void add_live(const std::string& ns,
                  std::vector<ClaimJob> claims,
                  std::vector<ClaimJob>& jobs) {
        std::vector<volume::ClaimFacts> facts;
        std::vector<std::size_t> positions;
        for (std::size_t i = 0; i < claims.size(); ++i) {
            if (claims[i].failure) {
                jobs.push_back(std::move(claims[i]));
            } else {
                facts.push_back(*claims[i].facts);
                positions.push_back(i);
            }
        }
        for (const auto& group : group_claims(facts)) {
            MoverOrder order;
            order.ns = ns;
            for (const auto at : group) {
                order.claims.push_back(facts[at]);
            }
            const auto mover = group.size() == 1 ? nullptr : share(std::move(order), group.size());
            for (const auto at : group) {
                auto& job = claims[positions[at]];
                job.mover = mover;
                jobs.push_back(std::move(job));
            }
        }
    }

    /// A namespace that cannot be looked at, and a claim that went away, must not cost the others.
    void find_facts(const std::string& ns,
                    std::vector<ClaimJob>& claims,
                    const std::stop_token& stop) const {
        std::vector<std::string> names;
        for (const auto& job : claims) {
            names.push_back(job.plan->record.claim);
        }
        std::vector<volume::ClaimLook> looks;
        const auto failure =
            failure_of([&] { looks = volume::look_at_claims(context_.client, ns, names, stop); });
        if (failure && failure->code() == ErrorCode::Interrupted) {
            throw Error(*failure);
        }
        for (std::size_t i = 0; i < claims.size(); ++i) {
            auto& job = claims[i];
            job.failure = failure ? failure : looks[i].failure;
            if (job.failure) {
                continue;
            }
            job.facts = std::move(looks[i].facts);
            if (!job.plan->node.empty()) {
                // A folder of one cluster node, whatever the claim says about sharing.
                job.facts->is_shared = false;
            }
        }
    }

    std::shared_ptr<SharedMover> share(MoverOrder order, std::size_t users) const {
        return std::make_shared<SharedMover>(
            [this, order = std::move(order)](const SharedMover::Complain& complain) {
                auto told = order;
                told.on_leftover = complain;
                const auto start = [&] { return start_claim_mover(context_, told, stop_); };
                return slots_.start(order.ns, start, stop_);
            },
            users);
    }

    void read_or_throw(ClaimJob& job, const std::stop_token& stop) const {
        if (job.failure) {
            throw Error(*job.failure);
        }
        const auto& record = job.plan->record;
        context_.progress.note(concat("reading volume ", record.name_space, "/", record.claim));
        if (record.method != "live") {
            read_stand_in(job, stop);
            return;
        }
        const auto& name = job.plan->pod.empty() ? record.claim : job.plan->pod_volume;
        const bool is_used = !job.plan->pod.empty() ||
                             (job.facts && (job.facts->consumer || !job.facts->is_use_known));
        const VolumeToRead volume{*job.plan, name, is_used, job.pass.get()};
        if (!job.mover) {
            read_alone(own_order(job), volume, job, stop);
            return;
        }
        const auto failure =
            failure_of([&] { read_through(context_, *job.mover, volume, *job.result, stop); });
        const bool is_start = failure && job.mover->has_failed();
        job.has_no_mover = is_start;
        note_leftovers(job, job.mover->leave());
        if (is_start && !stop.stop_requested() && may_start_alone(*failure)) {
            job.result->record.reason = model::SkipReason::None;
            read_alone(own_order(job), volume, job, stop);
        } else if (failure) {
            throw Error(*failure);
        }
    }

    /// One volume that hangs keeps a whole pod from starting; what is refused stays refused.
    static bool may_start_alone(const Error& failure) {
        return failure.code() == ErrorCode::MoverFailed;
    }

    MoverOrder own_order(const ClaimJob& job) const {
        MoverOrder order;
        order.ns = job.plan->record.name_space;
        order.pod = job.plan->pod;
        order.pod_volume = job.plan->pod_volume;
        if (!job.facts) {
            return order;
        }
        order.claims = {*job.facts};
        if (is_held(*job.facts)) {
            order.pod = job.facts->consumer->pod;
            order.pod_volume = job.facts->consumer->volume;
        }
        return order;
    }

    void read_alone(const MoverOrder& order,
                    const VolumeToRead& volume,
                    ClaimJob& job,
                    const std::stop_token& stop) const {
        const auto mover = share(order, 1);
        const VolumeToRead named{volume.plan,
                                 order.pod.empty() ? volume.claim : order.pod_volume,
                                 volume.is_used,
                                 volume.pass};
        const auto failure =
            failure_of([&] { read_through(context_, *mover, named, *job.result, stop); });
        job.has_no_mover = failure && mover->has_failed();
        note_leftovers(job, mover->leave());
        if (failure) {
            throw Error(*failure);
        }
    }

    std::unique_ptr<VolumeStandIn> make_copy(const PlannedVolume& plan,
                                             const std::stop_token& stop) const {
        return context_.make_stand_in ? context_.make_stand_in(plan, stop)
                                      : make_stand_in(copies_, plan, stop);
    }

    /// A copy that cannot be had or mounted is a warning where the volume itself may be read.
    void read_stand_in(ClaimJob& job, const std::stop_token& stop) const {
        const auto failure = failure_of([&] { read_copy(job, stop); });
        if (!failure) {
            return;
        }
        if (stop.stop_requested() || ends_the_run(failure->code())) {
            throw Error(*failure);
        }
        auto& result = *job.result;
        if (result.record.reason == model::SkipReason::HookFailed) {
            throw Error(*failure);
        }
        if (!job.plan->may_fall_back) {
            const bool is_told = result.record.reason != model::SkipReason::None;
            result.record.reason =
                is_told ? result.record.reason : model::SkipReason::SnapshotFailed;
            throw Error(*failure);
        }
        read_instead(job, *failure, stop);
    }

    /// The volume itself instead of its copy.
    void read_instead(ClaimJob& job, const Error& failure, const std::stop_token& stop) const {
        auto& result = *job.result;
        auto live = *job.plan;
        const auto text = concat("no ", live.record.method, ": ", printable(failure.what()));
        live.record.method = "live";
        live.record.message = concat(text, "; read live instead");
        result.record = live.record;
        result.warnings.push_back(concat(
            "volume ", live.record.name_space, "/", live.record.claim, " is read live: ", text));
        context_.client.log().warn("capture", result.warnings.back());
        job.facts = volume::get_claim_facts(
            context_.client, live.record.name_space, live.record.claim, stop);
        if (job.pass && job.pass->has_left()) {
            job.pass.reset();  // the application went on when its copy was cut
        }
        const VolumeToRead volume{
            live, live.record.claim, job.facts->consumer.has_value(), job.pass.get()};
        read_alone(own_order(job), volume, job, stop);
    }

    std::unique_ptr<VolumeStandIn> make_frozen_copy(ClaimJob& job,
                                                    const std::stop_token& stop) const {
        if (!job.pass) {
            return make_copy(*job.plan, stop);
        }
        if (const auto refusal = job.pass->enter(stop)) {
            job.result->record.reason = model::SkipReason::HookFailed;
            throw refused_by_hook(*refusal);
        }
        auto stand_in = make_copy(*job.plan, stop);
        job.pass->leave();
        return stand_in;
    }

    /// What cannot be had is told when it is to be read. An application that is to be read live
    /// instead stays frozen for it.
    void cut(ClaimJob& job, const std::stop_token& stop) const {
        job.cut_failure = failure_of([&] { job.copy = make_frozen_copy(job, stop); });
        const bool is_refused = job.result->record.reason == model::SkipReason::HookFailed;
        if (job.cut_failure && (is_refused || !job.plan->may_fall_back)) {
            job.pass->leave();
        }
    }

    std::unique_ptr<VolumeStandIn> take_copy(ClaimJob& job, const std::stop_token& stop) const {
        if (job.cut_failure) {
            throw Error(*job.cut_failure);
        }
        return job.copy ? std::move(job.copy) : make_frozen_copy(job, stop);
    }

    void read_copy(ClaimJob& job, const std::stop_token& stop) const {
        const auto stand_in = take_copy(job, stop);
        const auto failure = failure_of([&] {
            const auto name = stand_in->open(stop);
            MoverOrder order;
            order.ns = job.plan->record.name_space;
            order.claims = {stand_in->facts(stop)};
            const bool is_used = order.claims.front().consumer.has_value();
            read_alone(order, {*job.plan, name, is_used}, job, stop);
        });
        std::string complaint;
        if (failure && !stop.stop_requested()) {
            complaint = stand_in->find_complaint(stop);
        }
        if (const auto problem = failure_of([&] { stand_in->close(); })) {
            note_leftovers(job, {*problem});
        }
        if (failure) {
            throw Error(failure->code(),
                        complaint.empty() ? failure->message()
                                          : concat(failure->message(), ": ", complaint));
        }
    }

    /// A warning as well: the message belongs to a record that may be replaced, and to one that
    /// may be Protected.
    void note_leftovers(ClaimJob& job, const std::vector<Error>& problems) const {
        const auto& source = job.plan->record;
        for (const auto& problem : problems) {
            const auto text = concat("what was made for reading it could not be removed: ",
                                     printable(problem.what()),
                                     " ('kubectl backup cleanup -n ",
                                     source.name_space,
                                     "' removes it)");
            auto& message = job.result->record.message;
            message += concat(message.empty() ? "" : "; ", text);
            job.result->warnings.push_back(
                concat("volume ", source.name_space, "/", source.claim, ": ", text));
            context_.client.log().warn("capture", job.result->warnings.back());
        }
    }

    const ClaimVolumesContext& context_;
    const StandInContext copies_;
    const std::stop_token& stop_;
    mutable MoverSlots slots_;
};

}  // namespace

std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& given,
                                        const std::vector<PlannedVolume>& plans,
                                        const std::stop_token& stop) {
    std::vector<ClaimVolume> results;
    for (const auto& plan : plans) {
        results.push_back({plan.record, std::nullopt});
    }
    ReadRate rate(given.read_limit);
    auto context = given;
    context.read_rate = &rate;
    volume::NodeImages node_images;
    context.node_images = &node_images;
    TaskGroup tasks(stop);
    const auto token = tasks.stop_token();
    ClaimReader reader(context, token);
    auto jobs = reader.plan_jobs(plans, results);
    ClaimSchedule schedule(jobs, context.hooks, context.at_once);
    for (unsigned i = 0; i < context.at_once; ++i) {
        tasks.start([&](const std::stop_token& stopping) {
            while (const auto step = schedule.take(stopping)) {
                if (step->read != nullptr) {
                    reader.read(*step->read, stopping);
                } else {
                    reader.cut(step->cut, stopping);
                    schedule.note_cut(*step);
                }
            }
        });
    }
    const auto failure = failure_of([&] { tasks.wait(); });
    if (failure) {
        reader.abandon(jobs);
        throw Error(*failure);
    }
    return results;
}

std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& context,
                                        const std::vector<model::VolumeRecord>& plans,
                                        const std::stop_token& stop) {
    std::vector<PlannedVolume> volumes;
    for (const auto& record : plans) {
        auto& volume = volumes.emplace_back();
        volume.record = record;
    }
    return capture_claims(context, volumes, stop);
}

}  // namespace backup::capture
