// SPDX-License-Identifier: Apache-2.0
#include "core/volume/leftovers.hpp"

#include "core/base/json.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/kube/list.hpp"
#include "core/volume/container_leftovers.hpp"
#include "core/volume/copy_leftovers.hpp"
#include "core/volume/mover_api.hpp"

#include <algorithm>
#include <map>

namespace backup::volume {

namespace {

struct Verdict {
    bool is_dead = false;
    std::string reason;
};

struct Found {
    Json object;
    MoverOwner owner;
    std::string ns;
    std::string name;
    std::string uid;
};

Found read_found(const Json& object) {
    Found found;
    found.object = object;
    found.ns = object.text_at({"metadata", "namespace"});
    found.name = object.text_at({"metadata", "name"});
    found.uid = object.text_at({"metadata", "uid"});
    found.owner = parse_owner(object.text_at({"metadata", "labels", kRunLabel}),
                              object.text_at({"metadata", "annotations", kOwnerAnnotation}));
    return found;
}

class Cleaner {
  public:
    Cleaner(kube::Client& client, const CleanUpOptions& options)
        : client_(client),
          options_(options) {}

    CleanUpResult run() {
        if (options_.namespaces.empty()) {
            clean("");
        }
        for (const auto& ns : options_.namespaces) {
            clean(ns);
        }
        const CopyJudge judge{[this](const MoverOwner& owner) { return judge_copy_owner(owner); },
                              clock()};
        clean_containers(
            client_, options_, judge, make_end_container(client_, options_.stop), result_);
        clean_copies(client_, options_, judge, result_);
        return std::move(result_);
    }

  private:
    Clock& clock() { return options_.clock == nullptr ? own_clock_ : *options_.clock; }

    void clean(const std::string& ns);
    std::optional<std::vector<Found>> list(const model::ApiResource& resource,
                                           const std::string& ns);
    Verdict judge_pod(const Found& pod);
    Verdict judge_foreign_pod(const Found& pod);
    Verdict judge_map(const Found& map);
    std::optional<CopyVerdict> judge_copy_owner(const MoverOwner& owner) const;
    std::optional<Verdict> judge_owner(const MoverOwner& owner) const;
    bool is_young(const Found& found);
    void settle(const model::ApiResource& resource, const Found& found, Verdict verdict);
    void add_problem(std::string subject, const Error& error);

    kube::Client& client_;
    const CleanUpOptions& options_;
    SystemClock own_clock_;
    MoverApi api_;
    CleanUpResult result_;
    /// Namespace and program of the pods that stay: their ConfigMaps stay too.
    std::set<std::pair<std::string, std::string>> used_programs_;
    /// Runs that have a pod which stays.
    std::set<std::string> live_runs_;
};

void Cleaner::add_problem(std::string subject, const Error& error) {
    result_.problems.push_back(leftover_problem(std::move(subject), error));
}

std::optional<std::vector<Found>> Cleaner::list(const model::ApiResource& resource,
                                                const std::string& ns) {
    std::vector<Found> found;
    kube::ListOptions options;
    options.ns = ns;
    options.label_selector = kMoverSelector;
    // ConfigMaps of 1 MiB each: few in an answer.
    options.page_size = 20;
    options.stop = options_.stop;
    const auto failure = failure_of([&] {
        kube::list_objects(client_,
                           resource,
                           options,
                           {[&](std::string_view item) {
                                Json object = parse_json(item);
                                object.erase("binaryData");
                                found.push_back(read_found(object));
                            },
                            [&] { found.clear(); }});
    });
    if (!failure) {
        return found;
    }
    if (failure->code() != ErrorCode::Forbidden && failure->code() != ErrorCode::KubeNotFound) {
        throw Error(*failure);
    }
    add_problem(ns.empty() ? resource.plural + " of all namespaces"
                           : concat(resource.plural, " in namespace ", ns),
                *failure);
    return std::nullopt;
}

/// What is known without looking at the object itself.
std::optional<Verdict> Cleaner::judge_owner(const MoverOwner& owner) const {
    if (owner.run_id == options_.self.run_id || options_.spared_runs.contains(owner.run_id)) {
        return Verdict{false, "its run goes on"};
    }
    switch (state_of(owner, options_.self)) {
        case OwnerState::Dead:
            return Verdict{true, concat("its process ", owner.pid, " is gone")};
        case OwnerState::Alive:
            if (options_.force) {
                return Verdict{true, concat("forced, although its process ", owner.pid, " runs")};
            }
            return Verdict{false, concat("its process ", owner.pid, " runs")};
        case OwnerState::Unknown:
            break;
    }
    return std::nullopt;
}

std::optional<CopyVerdict> Cleaner::judge_copy_owner(const MoverOwner& owner) const {
    if (const auto verdict = judge_owner(owner)) {
        return CopyVerdict{verdict->is_dead, verdict->reason};
    }
    if (live_runs_.contains(owner.run_id) && !options_.force) {
        return CopyVerdict{false, "a mover pod of its run is there"};
    }
    return std::nullopt;
}

bool Cleaner::is_young(const Found& found) {
    const auto created = found.object.text_at({"metadata", "creationTimestamp"});
    TimePoint since{};
    const auto failure = failure_of([&] { since = parse_rfc3339(created); });
    return !failure && clock().now() - since < options_.older_than;
}

/// A mover pod ends by itself soon after the last process in it, and each process ends when its
/// client is silent: what runs has a client, what has ended has none.
Verdict Cleaner::judge_foreign_pod(const Found& pod) {
    const auto phase = pod.object.text_at({"status", "phase"});
    const auto host = pod.owner.host.empty() ? std::string("an unknown machine") : pod.owner.host;
    if (phase == "Succeeded" || phase == "Failed") {
        return {true, "it has ended"};
    }
    if (phase != "Running") {
        return is_young(pod) ? Verdict{false, concat("a run on ", host, " may be starting it")}
                             : Verdict{true, "it has never started"};
    }
    return {false,
            concat("it belongs to a run on ", host, " and ends by itself when that is gone")};
}

Verdict Cleaner::judge_pod(const Found& pod) {
    if (const auto verdict = judge_owner(pod.owner)) {
        return *verdict;
    }
    auto verdict = judge_foreign_pod(pod);
    if (!verdict.is_dead && options_.force) {
        return {true, concat("forced, although ", verdict.reason)};
    }
    return verdict;
}

Verdict Cleaner::judge_map(const Found& map) {
    const auto program = map.object.text_at({"metadata", "labels", kProgramLabel});
    if (used_programs_.contains({map.ns, program})) {
        return {false, "a mover pod uses it"};
    }
    if (const auto verdict = judge_owner(map.owner)) {
        return *verdict;
    }
    if (is_young(map) && !options_.force) {
        return {false, concat("a run on ", map.owner.host, " may be starting")};
    }
    return {true, "no mover pod uses it"};
}

void Cleaner::settle(const model::ApiResource& resource, const Found& found, Verdict verdict) {
    Leftover leftover{to_lower(resource.kind),
                      found.ns,
                      found.name,
                      found.owner.run_id,
                      found.owner.host,
                      verdict.is_dead,
                      std::move(verdict.reason)};
    if (verdict.is_dead) {
        kube::DeleteOptions options;
        options.uid = found.uid;
        options.dry_run = options_.dry_run;
        options.stop = options_.stop;
        if (&resource == &api_.pods) {
            options.grace_period_seconds = 0;
        }
        const auto failure = failure_of([&] {
            client_.remove({resource, found.ns, found.name}, options);
        });
        if (failure && failure->code() == ErrorCode::Interrupted) {
            throw Error(*failure);
        }
        if (failure) {
            leftover.is_removed = false;
            leftover.reason = "it could not be removed";
            add_problem(concat(leftover.kind, " ", found.ns, "/", found.name), *failure);
        }
    }
    const auto phase = found.object.text_at({"status", "phase"});
    if (!leftover.is_removed && phase != "Succeeded" && phase != "Failed") {
        if (&resource == &api_.pods) {
            live_runs_.insert(found.owner.run_id);
        }
        used_programs_.insert(
            {found.ns, found.object.text_at({"metadata", "labels", kProgramLabel})});
    }
    result_.leftovers.push_back(std::move(leftover));
}

void Cleaner::clean(const std::string& ns) {
    // Without the pods nobody can say which ConfigMaps are in use.
    const auto pods = list(api_.pods, ns);
    if (!pods) {
        return;
    }
    for (const auto& pod : *pods) {
        settle(api_.pods, pod, judge_pod(pod));
    }
    const auto maps = list(api_.config_maps, ns);
    for (const auto& map : maps.value_or(std::vector<Found>{})) {
        settle(api_.config_maps, map, judge_map(map));
    }
}

}  // namespace

Problem leftover_problem(std::string subject, const Error& error) {
    const std::string hint(error.hint());
    return {std::move(subject),
            hint.empty() ? error.what() : concat(error.what(), " (", hint, ")"),
            error.code()};
}

CleanUpResult clean_up(kube::Client& client, const CleanUpOptions& options) {
    auto result = Cleaner(client, options).run();
    std::ranges::stable_sort(result.leftovers, {}, &Leftover::ns);
    return result;
}

}  // namespace backup::volume
