// SPDX-License-Identifier: Apache-2.0
// The part that a backup and its dry run have in common: what is in the cluster and in scope.
// Stores objects through the sinks it is given, makes nothing in the cluster.
#pragma once

#include "core/base/progress.hpp"
#include "core/capture/object_collector.hpp"
#include "core/capture/planned_volume.hpp"
#include "core/model/recovery_point.hpp"

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace backup::capture {

struct SurveyContext {
    kube::Client& client;
    const Scope& scope;
    MakeObjectSink make_sink;
    Progress& progress;
    unsigned workers = 8;
    /// The objects of earlier points of this cluster; empty: everything is fetched.
    std::function<std::unique_ptr<PreviousObjects>(const model::ClusterIdentity&)> find_previous =
        {};
};

struct Survey {
    model::ClusterIdentity cluster;
    std::vector<model::ApiResource> resources;  // that the cluster can list
    std::vector<std::string> namespaces;        // chosen, sorted
    ObjectsByNamespace objects;
    ObjectRules rules;
    std::vector<PlannedVolume> volumes;  // planned, skipped and impossible ones
    /// Namespace and claim -> find_volume_group.
    std::map<std::pair<std::string, std::string>, std::string> volume_groups;
    model::Ledger ledger;  // without volumes
};

/// Throws what choose_namespaces and ObjectCollector throw, and InvalidArgument ("did you mean")
/// for a kind that the cluster does not have.
Survey survey_cluster(const SurveyContext& context, const std::stop_token& stop);

}  // namespace backup::capture
