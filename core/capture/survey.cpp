// SPDX-License-Identifier: Apache-2.0
#include "core/capture/survey.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/text.hpp"
#include "core/capture/hook_plan.hpp"
#include "core/capture/volume_plan.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

/// Groups whose servers are often down and hold nothing that could be restored.
constexpr std::array<std::string_view, 3> kIgnoredGroups = {
    "metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"};

void check_word(const std::string& word, const kube::Discovery& discovery) {
    const auto names = [&word](const auto& resource) {
        return model::names_resource(word, resource);
    };
    const auto& resources = discovery.resources;
    const auto& others = discovery.other_versions;
    // A kind of a group that is down cannot be known.
    if (std::any_of(resources.begin(), resources.end(), names) ||
        std::any_of(others.begin(), others.end(), names) || !discovery.problems.empty()) {
        return;
    }
    std::vector<std::string> known;
    for (const auto& resource : resources) {
        known.push_back(resource.plural);
        known.push_back(resource.name());
        known.insert(known.end(), resource.short_names.begin(), resource.short_names.end());
    }
    throw Error(ErrorCode::InvalidArgument,
                concat("the cluster has no kind '", printable(word), "'"))
        .hint(did_you_mean(word, known));
}

void check_words(const Scope& scope, const kube::Discovery& discovery) {
    for (const auto* words : {&scope.include_resources, &scope.exclude_resources}) {
        for (const auto& word : *words) {
            check_word(word, discovery);
        }
    }
}

bool is_group_excluded(const std::string& group, const Scope& scope) {
    const auto is_it = [&group](const std::string& word) {
        return word == group || word == "*." + group;
    };
    return std::any_of(scope.exclude_resources.begin(), scope.exclude_resources.end(), is_it);
}

/// Whether what --include-resource names may be of a group whose kinds are not known.
bool may_be_wanted(const std::string& group, const kube::Discovery& discovery, const Scope& scope) {
    // A kind that stands for all of the group, for words that name groups or are patterns.
    model::ApiResource any;
    any.group = group;
    any.plural = "any";
    const auto is_known = [&discovery](const std::string& word) {
        return std::any_of(discovery.resources.begin(),
                           discovery.resources.end(),
                           [&word](const auto& one) { return model::names_resource(word, one); });
    };
    const auto& words = scope.include_resources;
    return words.empty() || std::any_of(words.begin(), words.end(), [&](const std::string& word) {
               const auto lower = to_lower(word);
               return model::names_resource(word, any) || lower.ends_with("." + to_lower(group)) ||
                      !is_known(word);
           });
}

void note_discovery_problems(const kube::Discovery& discovery,
                             const Scope& scope,
                             model::Ledger& ledger) {
    for (const auto& problem : discovery.problems) {
        const auto group = problem.subject.substr(0, problem.subject.find('/'));
        const bool is_ignored =
            std::find(kIgnoredGroups.begin(), kIgnoredGroups.end(), group) != kIgnoredGroups.end();
        const bool is_excluded = is_group_excluded(group, scope);
        if (!may_be_wanted(group, discovery, scope)) {
            continue;
        }
        if (!is_ignored && !is_excluded) {
            ledger.problems.push_back({printable(problem.subject), printable(problem.message)});
            continue;
        }
        model::ListRecord record;
        record.resource = "*." + group;
        record.outcome = model::Outcome::Skipped;
        record.reason =
            is_excluded ? model::SkipReason::ExcludedByUser : model::SkipReason::GroupIgnored;
        record.message = printable(problem.message);
        ledger.lists.push_back(std::move(record));
    }
}

model::ClusterIdentity identify(kube::Client& client,
                                const model::ApiResource& namespaces,
                                const std::stop_token& stop) {
    model::ClusterIdentity identity;
    identity.server = client.config().server;
    identity.version = client.server_version(stop).text;
    kube::ApiRequest request;
    request.path = kube::resource_path(namespaces, {}, "kube-system");
    request.asked = {"get", "", namespaces.plural, "", "kube-system"};
    request.stop = stop;
    // Who may see one namespace only gets a refusal: the server's address has to do then.
    const auto response = client.exchange(request);
    if (response.is_success()) {
        identity.uid = model::Object(namespaces, response.body).uid();
    }
    return identity;
}

/// With selectors over many namespaces a point is about those in which something was found.
std::vector<std::string> namespaces_of_point(const Scope& scope,
                                             const ChosenNamespaces& chosen,
                                             const ObjectsByNamespace& objects) {
    std::vector<std::string> names;
    const bool only_with_objects = scope.is_narrow() && scope.spans_cluster();
    std::copy_if(chosen.names.begin(),
                 chosen.names.end(),
                 std::back_inserter(names),
                 [&](const std::string& ns) {
                     return !only_with_objects || objects.contains(ns) ||
                            contains(objects, {"namespaces", {}, ns});
                 });
    return names;
}

/// Something that answers at the address, but knows no namespaces.
void check_is_kubernetes(const kube::Client& client, const kube::Discovery& discovery) {
    if (discovery.find("namespaces") == nullptr) {
        throw Error(ErrorCode::ClusterUnreachable,
                    concat(printable(client.config().server), " is not a Kubernetes API server"))
            .hint("check the server's address in the kubeconfig");
    }
}

std::map<std::pair<std::string, std::string>, std::string> find_volume_groups(
    const std::vector<StoredClaim>& claims) {
    std::map<std::pair<std::string, std::string>, std::string> groups;
    for (const auto& claim : claims) {
        auto group = find_volume_group(claim.labels, claim.annotations);
        if (!group.empty()) {
            groups.emplace(std::pair(claim.key.ns, claim.key.name), std::move(group));
        }
    }
    return groups;
}

template <typename Item>
void append_all(std::vector<Item>& to, std::vector<Item>&& from) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Survey survey_cluster(const SurveyContext& context, const std::stop_token& stop) {
    auto& client = context.client;
    const auto& scope = context.scope;
    Survey survey;

    context.progress.stage("discovery");
    const auto discovery = kube::discover(client, stop);
    check_is_kubernetes(client, discovery);
    check_words(scope, discovery);
    note_discovery_problems(discovery, scope, survey.ledger);
    survey.resources = discovery.resources;
    const auto& namespace_resource = discovery.get("namespaces");
    survey.cluster = identify(client, namespace_resource, stop);
    auto namespaces = choose_namespaces(client, namespace_resource, scope, stop);

    context.progress.stage("objects");
    const auto previous = context.find_previous ? context.find_previous(survey.cluster) : nullptr;
    ObjectCollector collector({client,
                               discovery,
                               scope,
                               namespaces,
                               context.make_sink,
                               context.progress,
                               context.workers,
                               survey.cluster.version,
                               previous.get()});
    auto collected = collector.collect(stop);

    survey.objects = std::move(collected.findings.objects);
    auto plans = plan_volumes(
        {client, scope, namespaces.names, survey.objects}, collected.findings.claims, stop);
    survey.volumes = std::move(plans.volumes);
    survey.volume_groups = find_volume_groups(collected.findings.claims);
    for (auto& record : collected.findings.skipped_claims) {
        survey.volumes.emplace_back().record = std::move(record);
    }
    survey.rules = std::move(collected.findings.rules);
    survey.namespaces = namespaces_of_point(scope, namespaces, survey.objects);
    append_all(survey.ledger.lists, std::move(namespaces.skipped));
    append_all(survey.ledger.lists, std::move(collected.lists));
    append_all(survey.ledger.problems, std::move(collected.problems));
    append_all(survey.ledger.problems, std::move(plans.problems));
    append_all(survey.ledger.warnings, std::move(namespaces.warnings));
    append_all(survey.ledger.warnings, std::move(collected.warnings));
    append_all(survey.ledger.warnings, std::move(plans.warnings));
    return survey;
}

}  // namespace backup::capture
