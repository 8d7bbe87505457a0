// SPDX-License-Identifier: Apache-2.0
#include "core/capture/plan.hpp"

#include "core/capture/survey.hpp"

#include <iterator>
#include <numeric>
#include <utility>

namespace backup::capture {

namespace {

std::vector<PlannedKind> count_kinds(const ObjectsByNamespace& objects) {
    std::vector<PlannedKind> kinds;
    for (const auto& [ns, resources] : objects) {
        for (const auto& [resource, names] : resources) {
            kinds.push_back({ns, resource, names.size(), names.object_bytes()});
        }
    }
    return kinds;
}

}  // namespace

std::uint64_t Plan::objects() const {
    return std::accumulate(
        kinds.begin(), kinds.end(), std::uint64_t{0}, [](std::uint64_t sum, const auto& kind) {
            return sum + kind.objects;
        });
}

Plan make_plan(kube::Client& client,
               const Scope& scope,
               Progress& progress,
               std::stop_token stop,
               const HookFlags& hooks) {
    Survey survey = survey_cluster({client, scope, make_discarding_sink, progress}, stop);
    auto hook_plan = survey_hooks(client, survey, scope, hooks, stop);
    Plan plan;
    plan.cluster = std::move(survey.cluster);
    plan.scope = to_json(scope);
    plan.namespaces = std::move(survey.namespaces);
    plan.kinds = count_kinds(survey.objects);
    plan.ledger = std::move(survey.ledger);
    plan.ledger.hooks = hook_plan.records();
    std::move(hook_plan.warnings.begin(),
              hook_plan.warnings.end(),
              std::back_inserter(plan.ledger.warnings));
    std::move(hook_plan.problems.begin(),
              hook_plan.problems.end(),
              std::back_inserter(plan.ledger.problems));
    for (auto& volume : survey.volumes) {
        plan.ledger.volumes.push_back(std::move(volume.record));
    }
    return plan;
}

Json to_json(const Plan& plan) {
    Json kinds = Json::array();
    for (const auto& kind : plan.kinds) {
        kinds.push_back(Json::object({{"namespace", kind.ns},
                                      {"resource", kind.resource},
                                      {"objects", kind.objects},
                                      {"bytes", kind.bytes}}));
    }
    Json json = Json::object();
    json["cluster"] = Json::object({{"uid", plan.cluster.uid},
                                    {"server", plan.cluster.server},
                                    {"version", plan.cluster.version}});
    json["scope"] = plan.scope;
    json["namespaces"] = Json::Array(plan.namespaces.begin(), plan.namespaces.end());
    json["objects"] = plan.objects();
    json["kinds"] = std::move(kinds);
    json["ledger"] = model::to_json(plan.ledger);
    return json;
}

}  // namespace backup::capture
