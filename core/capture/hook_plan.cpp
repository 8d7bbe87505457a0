// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook_plan.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::array<std::string_view, 2> kGroupMarks = {"kubectl-backup/volume-group",
                                                         "velero.io/volume-group"};

using ClaimName = std::pair<std::string, std::string>;  // namespace, claim

PlannedHook plan_one(const HookPod& pod, const HookSpec& spec, model::HookPhase phase) {
    PlannedHook planned;
    auto& record = planned.record;
    record.name_space = pod.subject.ns;
    record.pod = pod.name;
    record.container = spec.container;
    record.command = spec.command;
    record.phase = phase;
    record.outcome = model::HookOutcome::NotRun;
    record.may_fail = spec.may_fail;
    record.origin = spec.origin;
    record.exit_code = -1;
    planned.timeout = spec.timeout;
    planned.problem = spec.problem;
    const auto& containers = pod.containers;
    if (record.container.empty() && !containers.empty()) {
        record.container = containers.front();
    } else if (planned.problem.empty() &&
               std::find(containers.begin(), containers.end(), record.container) ==
                   containers.end()) {
        planned.problem = concat("the pod runs no container '", printable(record.container), "'");
    }
    record.message = planned.problem;
    return planned;
}

/// Sets of volumes that belong together, each known by one of them.
class VolumeSets {
  public:
    explicit VolumeSets(const std::vector<HookVolume>& volumes) {
        std::map<ClaimName, ClaimName> first_of_group;
        for (const auto& volume : volumes) {
            const ClaimName name{volume.ns, volume.claim};
            parents_.emplace(name, name);
            namespaces_.insert(volume.ns);
            if (!volume.group.empty()) {
                join(first_of_group.try_emplace({volume.ns, volume.group}, name).first->second,
                     name);
            }
        }
    }

    bool contains(const ClaimName& name) const { return parents_.contains(name); }

    bool has_namespace(const std::string& ns) const { return namespaces_.contains(ns); }

    void join(const ClaimName& a, const ClaimName& b) { parents_[find(a)] = find(b); }

    ClaimName find(ClaimName name) const {
        while (parents_.at(name) != name) {
            name = parents_.at(name);
        }
        return name;
    }

    /// Which are in the set of `name`, sorted; all of the namespace when `name` has no claim.
    std::vector<std::string> members(const ClaimName& name) const {
        std::vector<std::string> claims;
        for (const auto& [member, parent] : parents_) {
            if (member.first == name.first && (name.second.empty() || find(member) == name)) {
                claims.push_back(member.second);
            }
        }
        return claims;
    }

  private:
    std::map<ClaimName, ClaimName> parents_;
    std::set<std::string> namespaces_;
};

class Planner {
  public:
    Planner(const std::vector<HookVolume>& volumes, const HookOptions& options)
        : sets_(volumes),
          options_(options) {}

    HookPlan plan(std::vector<HookPod> pods) {
        std::sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) {
            return std::tie(a.subject.ns, a.name) < std::tie(b.subject.ns, b.name);
        });
        for (const auto& pod : pods) {
            add(pod);
        }
        make_groups();
        return std::move(plan_);
    }

  private:
    struct Member {
        FrozenPod pod;
        ClaimName any_claim;  // no claim: of the whole namespace
    };

    void add(const HookPod& pod) {
        auto found = find_pod_hooks(pod.subject, options_.rules);
        for (const auto& warning : found.warnings) {
            plan_.warnings.push_back(concat("pod ", pod.subject.ns, "/", pod.name, ": ", warning));
        }
        if (found.output && pod.is_stored && options_.stores_outputs) {
            add_output(pod, *found.output);
        }
        if (!found.hooks.is_empty()) {
            add_hooks(pod, found.hooks);
        }
    }

    void add_hooks(const HookPod& pod, const HookSet& hooks) {
        const auto& ns = pod.subject.ns;
        Member member;
        member.any_claim.first = ns;
        for (const auto& claim : pod.claims) {
            const ClaimName name{ns, claim};
            if (!sets_.contains(name)) {
                continue;
            }
            if (!member.pod.claims.empty()) {
                sets_.join(member.any_claim, name);
            }
            member.any_claim = name;
            member.pod.claims.push_back(claim);
        }
        const bool is_of_namespace = member.pod.claims.empty();
        if (is_of_namespace && !(pod.is_stored && sets_.has_namespace(ns))) {
            return;
        }
        for (const auto& spec : hooks.pre) {
            member.pod.pre.push_back(plan_one(pod, spec, model::HookPhase::Pre));
        }
        for (const auto& spec : hooks.post) {
            member.pod.post.push_back(plan_one(pod, spec, model::HookPhase::Post));
        }
        if (options_.is_off) {
            leave_out(member.pod.pre);
            leave_out(member.pod.post);
        } else {
            members_.push_back(std::move(member));
        }
    }

    void add_output(const HookPod& pod, const OutputSpec& output) {
        const auto& owner = pod.owner_uid;
        if (!owner.empty() && !owners_.insert({pod.subject.ns, owner}).second) {
            return;
        }
        PlannedOutput planned;
        planned.hook = plan_one(pod, output.hook, model::HookPhase::Command);
        if (options_.is_off) {
            std::vector<PlannedHook> hooks{std::move(planned.hook)};
            leave_out(hooks);
            return;
        }
        planned.file_name = (owner.empty() ? pod.name : pod.owner_name) + output.extension;
        if (!files_.insert({pod.subject.ns, planned.file_name}).second) {
            // A StatefulSet and a Deployment of one name; a pod's name is there only once.
            planned.file_name = concat(pod.name, ".pod", output.extension);
            files_.insert({pod.subject.ns, planned.file_name});
        }
        plan_.outputs.push_back(std::move(planned));
    }

    /// A person said so: no more than a warning.
    void leave_out(std::vector<PlannedHook>& hooks) {
        for (auto& hook : hooks) {
            hook.record.may_fail = true;
            hook.record.message = "--no-hooks";
            plan_.not_run.push_back(std::move(hook.record));
        }
    }

    void make_groups() {
        std::map<ClaimName, HookGroup> groups;
        for (auto& member : members_) {
            const bool is_wide = member.any_claim.second.empty();
            const auto name = is_wide ? member.any_claim : sets_.find(member.any_claim);
            auto& group = groups[name];
            if (group.pods.empty()) {
                group.ns = name.first;
                group.claims = sets_.members(name);
                group.is_namespace_wide = is_wide;
            }
            group.pods.push_back(std::move(member.pod));
        }
        for (auto& [name, group] : groups) {
            plan_.groups.push_back(std::move(group));
        }
    }

    VolumeSets sets_;
    const HookOptions& options_;
    HookPlan plan_;
    std::vector<Member> members_;
    std::set<std::pair<std::string, std::string>> owners_;
    std::set<std::pair<std::string, std::string>> files_;
};

}  // namespace

std::string find_volume_group(const model::Labels& labels, const model::Labels& annotations) {
    for (const auto mark : kGroupMarks) {
        for (const auto* map : {&annotations, &labels}) {
            const auto found = map->find(mark);
            if (found != map->end() && !found->second.empty()) {
                return found->second;
            }
        }
    }
    return {};
}

std::vector<model::HookRecord> HookPlan::records() const {
    std::vector<model::HookRecord> all;
    for (const auto& output : outputs) {
        all.push_back(output.hook.record);
    }
    for (const auto& group : groups) {
        for (const auto& pod : group.pods) {
            for (const auto& hook : pod.pre) {
                all.push_back(hook.record);
            }
        }
        for (auto pod = group.pods.rbegin(); pod != group.pods.rend(); ++pod) {
            for (const auto& hook : pod->post) {
                all.push_back(hook.record);
            }
        }
    }
    all.insert(all.end(), not_run.begin(), not_run.end());
    return all;
}

std::vector<model::HookRecord> find_unrun(const HookPlan& plan,
                                          const std::vector<model::HookRecord>& records) {
    const auto key_of = [](const model::HookRecord& record) {
        return std::tuple(record.name_space,
                          record.pod,
                          record.container,
                          record.phase,
                          record.command,
                          record.origin);
    };
    std::map<decltype(key_of(records.front())), std::size_t> run;
    std::set<std::pair<std::string, std::string>> begun;
    for (const auto& record : records) {
        ++run[key_of(record)];
        begun.emplace(record.name_space, record.pod);
    }
    HookPlan groups;
    groups.groups = plan.groups;
    std::vector<model::HookRecord> unrun;
    for (auto& record : groups.records()) {
        if (auto& left = run[key_of(record)]; left > 0) {
            --left;
            continue;
        }
        if (record.message.empty()) {
            record.message = begun.contains({record.name_space, record.pod})
                                 ? "a hook before it failed"
                                 : "none of its volumes came to be read";
        }
        unrun.push_back(std::move(record));
    }
    return unrun;
}

HookPlan plan_hooks(std::vector<HookPod> pods,
                    const std::vector<HookVolume>& volumes,
                    const HookOptions& options) {
    return Planner(volumes, options).plan(std::move(pods));
}

}  // namespace backup::capture
