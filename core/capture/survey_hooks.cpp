// SPDX-License-Identifier: Apache-2.0
#include "core/capture/survey_hooks.hpp"

#include "core/capture/hook_pods.hpp"

#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

/// An emptyDir belongs to its pod as a claim does, under a name that no claim can have.
std::vector<HookVolume> volumes_to_read(const Survey& survey) {
    std::vector<HookVolume> volumes;
    for (const auto& volume : survey.volumes) {
        const auto& record = volume.record;
        if (record.method.empty()) {
            continue;
        }
        const auto group = survey.volume_groups.find({record.name_space, record.claim});
        volumes.push_back({record.name_space,
                           record.claim,
                           group == survey.volume_groups.end() ? std::string() : group->second});
    }
    return volumes;
}

void add_named_volumes(const Survey& survey, std::vector<HookPod>& pods) {
    for (auto& pod : pods) {
        for (const auto& volume : survey.volumes) {
            if (!volume.pod.empty() && volume.pod == pod.name &&
                volume.record.name_space == pod.subject.ns) {
                pod.claims.push_back(volume.record.claim);
            }
        }
    }
}

}  // namespace

HookPlan survey_hooks(kube::Client& client,
                      const Survey& survey,
                      const Scope& scope,
                      const HookFlags& flags,
                      const std::stop_token& stop) {
    HookOptions options;
    options.rules = flags.rules;
    options.is_off = flags.is_off;
    options.stores_outputs = scope.volumes != VolumeMode::None;
    const auto volumes = volumes_to_read(survey);
    if (volumes.empty() && !options.stores_outputs) {
        return {};
    }
    auto found = list_hook_pods(client, survey.namespaces, options.rules, stop);
    for (auto& pod : found.pods) {
        pod.is_stored = contains(survey.objects, {"pods", pod.subject.ns, pod.name});
    }
    add_named_volumes(survey, found.pods);
    auto plan = plan_hooks(std::move(found.pods), volumes, options);
    plan.problems = std::move(found.problems);
    std::move(found.warnings.begin(), found.warnings.end(), std::back_inserter(plan.warnings));
    return plan;
}

}  // namespace backup::capture
