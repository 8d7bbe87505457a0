// SPDX-License-Identifier: Apache-2.0
#include "core/capture/velero_policy.hpp"

#include "core/base/text.hpp"
#include "core/capture/policy_parts.hpp"
#include "core/model/quantity.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

using Texts = std::vector<std::string>;

constexpr std::array<std::string_view, 4> kMembers = {"volumePolicies",
                                                      "includeExcludePolicy",
                                                      "namespacedFilterPolicies",
                                                      "clusterScopedFilterPolicy"};

/// Filters that are not of single namespaces.
struct KindFilters {
    std::vector<KindFilter> everywhere;
    std::vector<KindFilter> cluster;
};

/// "10Gi,100Gi"; a missing or zero end is open.
SizeRange read_capacity(const PolicyNode& node) {
    const auto text = node.text();
    const auto ends = split(text, ',');
    if (ends.size() != 2) {
        node.fail("two sizes with a comma between them are needed",
                  "10Gi,100Gi or 10Gi, or ,100Gi");
    }
    const auto read = [&node](const std::string& end) {
        const auto size = trim(end);
        return size.empty() ? 0 : node.inside([size] { return model::parse_quantity(size); });
    };
    SizeRange range;
    range.from = read(ends[0]);
    const auto to = read(ends[1]);
    range.to = to == 0 ? range.to : to;
    if (range.from > range.to) {
        node.fail("the first size is larger than the second");
    }
    return range;
}

void read_source(const PolicyNode& conditions, VolumeMatch& match) {
    if (const auto nfs = conditions.find("nfs")) {
        nfs->expect_members({"server", "path"});
        match.nfs_server = text_at(*nfs, "server");
        match.nfs_path = text_at(*nfs, "path");
        match.types = {"nfs"};
    }
    if (const auto csi = conditions.find("csi")) {
        csi->expect_members({"driver", "volumeAttributes"});
        if (conditions.has("nfs")) {
            csi->fail("no volume is of nfs and csi at once");
        }
        const auto driver = text_at(*csi, "driver");
        if (const auto attributes = csi->find("volumeAttributes")) {
            match.attributes = attributes->text_map();
        }
        if (driver.empty() && !match.attributes.empty()) {
            csi->fail("volumeAttributes need a driver");
        }
        match.drivers = driver.empty() ? Texts() : Texts{driver};
        match.types = {"csi"};
    }
}

void read_types(const PolicyNode& conditions, VolumeMatch& match) {
    const auto node = conditions.find("volumeTypes");
    if (!node) {
        return;
    }
    auto types = read_volume_types(*node);
    if (!match.types.empty() &&
        std::find(types.begin(), types.end(), match.types.front()) == types.end()) {
        node->fail(concat("a volume of ", match.types.front(), " is of none of these types"));
    }
    if (match.types.empty()) {
        match.types = std::move(types);
    }
}

/// The values of all labels, or what Kubernetes calls a label selector.
model::LabelSelector read_velero_selector(const PolicyNode& node) {
    if (!node.is_map() || node.has("matchLabels") || node.has("matchExpressions")) {
        return read_label_selector(node);
    }
    Texts requirements;
    for (const auto& [key, value] : node.text_map()) {
        requirements.push_back(key + "=" + value);
    }
    return node.inside([&] { return model::parse_label_selector(join(requirements, ",")); });
}

VolumeMatch read_conditions(const PolicyNode& node) {
    node.expect_members({"capacity",
                         "storageClass",
                         "nfs",
                         "csi",
                         "volumeTypes",
                         "pvcLabels",
                         "pvcPhase",
                         "pvcVolumeMode",
                         "pvcAccessModes"});
    VolumeMatch match;
    if (const auto capacity = node.find("capacity")) {
        const auto range = read_capacity(*capacity);
        match.size = range == SizeRange() ? std::nullopt : std::optional(range);
    }
    read_source(node, match);
    read_types(node, match);
    if (const auto labels = node.find("pvcLabels"); labels && !labels->text_map().empty()) {
        match.selector = read_velero_selector(*labels);
    }
    if (const auto mode = node.find("pvcVolumeMode")) {
        match.is_block = read_is_block(*mode);
    }
    if (const auto modes = node.find("pvcAccessModes")) {
        match.access_modes = read_access_modes(*modes);
        match.only_these_access_modes = true;
    }
    match.storage_classes = texts_at(node, "storageClass");
    match.phases = texts_at(node, "pvcPhase");
    return match;
}

void read_action(const PolicyNode& node, VolumeRule& rule, Policy& policy) {
    node.expect_members({"type", "parameters"});
    const auto type = node.find("type");
    if (!type) {
        node.fail("it has no type");
    }
    const Texts known = {"skip", "snapshot", "fs-backup", "custom"};
    const auto word = type->word(known);
    if (word == "custom") {
        policy.warnings.push_back(
            concat(rule.name,
                   ": what takes a volume of action custom is not known here; its data is read"));
    }
    rule.action = word == "skip"        ? VolumeAction::Skip
                  : word == "snapshot"  ? VolumeAction::Snapshot
                  : word == "fs-backup" ? VolumeAction::Live
                                        : VolumeAction::Auto;
    if (const auto parameters = node.find("parameters"); parameters && parameters->is_map()) {
        rule.snapshot_class = text_at(*parameters, "snapshotClass");
    }
}

VolumeRule read_volume_policy(const PolicyNode& node, Policy& policy) {
    node.expect_members({"conditions", "action"});
    VolumeRule rule;
    rule.name = concat("Velero policy ", node.place());
    const auto conditions = node.find("conditions");
    if (conditions) {
        rule.match = read_conditions(*conditions);
    }
    const auto action = node.find("action");
    if (!action) {
        node.fail("it has no action");
    }
    read_action(*action, rule, policy);
    return rule;
}

Texts read_kinds(const PolicyNode& node, std::string_view name) {
    auto kinds = texts_at(node, name);
    if (std::find(kinds.begin(), kinds.end(), "*") != kinds.end()) {
        node.find(name)->fail("'*' is not allowed here", "leave the list out");
    }
    return kinds;
}

void add_unless_there(Texts& to, const Texts& from) {
    for (const auto& text : from) {
        if (std::find(to.begin(), to.end(), text) == to.end()) {
            to.push_back(text);
        }
    }
}

/// What is needed passes the filters, as with Velero; --include-resource would keep it out.
void read_include_exclude(const PolicyNode& node, Policy& policy, KindFilters& filters) {
    node.expect_members({"includedClusterScopedResources",
                         "excludedClusterScopedResources",
                         "includedNamespaceScopedResources",
                         "excludedNamespaceScopedResources"});
    for (const std::string sort : {"Cluster", "Namespace"}) {
        const auto included = read_kinds(node, concat("included", sort, "ScopedResources"));
        const auto excluded = read_kinds(node, concat("excluded", sort, "ScopedResources"));
        const auto both = std::find_if(included.begin(), included.end(), [&](const auto& kind) {
            return std::find(excluded.begin(), excluded.end(), kind) != excluded.end();
        });
        if (both != included.end()) {
            node.fail(concat(printable(*both), " is included and excluded"));
        }
        add_unless_there(policy.scope.exclude_resources, excluded);
        if (included.empty()) {
            continue;
        }
        KindFilter filter;
        filter.kinds = included;
        if (sort == "Namespace") {
            filters.everywhere.push_back(std::move(filter));
        } else {
            KindFilter others;
            others.exclude_names = {"*"};
            filters.cluster.push_back(std::move(filter));
            filters.cluster.push_back(std::move(others));
            policy.scope.cluster_resources = "all";
        }
    }
}

std::vector<model::LabelSelector> read_selectors(const PolicyNode& node) {
    std::vector<model::LabelSelector> selectors;
    const auto one = node.find("labelSelector");
    const auto many = node.find("orLabelSelectors");
    if (one && many) {
        many->fail("labelSelector and orLabelSelectors exclude each other");
    }
    if (one) {
        selectors.push_back(read_velero_selector(*one));
    }
    if (many) {
        for (const auto& selector : many->items()) {
            selectors.push_back(read_velero_selector(selector));
        }
    }
    return selectors;
}

std::vector<KindFilter> read_resource_filters(const PolicyNode& node) {
    const auto list = node.find("resourceFilters");
    if (!list || list->items().empty()) {
        node.fail("it has no resourceFilters");
    }
    std::vector<KindFilter> filters;
    for (const auto& item : list->items()) {
        item.expect_members(
            {"kinds", "labelSelector", "orLabelSelectors", "names", "excludedNames"});
        KindFilter filter;
        filter.kinds = texts_at(item, "kinds");
        filter.selectors = read_selectors(item);
        filter.names = texts_at(item, "names");
        filter.exclude_names = texts_at(item, "excludedNames");
        if (filter.kinds == Texts{"*"}) {
            filter.kinds.clear();
        }
        if (filter.kinds.empty() && !(filter.names.empty() && filter.exclude_names.empty())) {
            item.fail("names need kinds");
        }
        filters.push_back(std::move(filter));
    }
    return filters;
}

void read_filters(const PolicyNode& root, Policy& policy, KindFilters& filters) {
    if (const auto list = root.find("namespacedFilterPolicies")) {
        for (const auto& item : list->items()) {
            item.expect_members({"namespaces", "resourceFilters"});
            NamespaceFilter filter;
            filter.namespaces = texts_at(item, "namespaces");
            if (filter.namespaces.empty()) {
                item.fail("it has no namespaces");
            }
            filter.kinds = read_resource_filters(item);
            policy.filters.push_back(std::move(filter));
        }
    }
    if (const auto node = root.find("clusterScopedFilterPolicy")) {
        node->expect_members({"resourceFilters"});
        filters.cluster = read_resource_filters(*node);
        const bool has_all = std::any_of(filters.cluster.begin(),
                                         filters.cluster.end(),
                                         [](const auto& kind) { return kind.kinds.empty(); });
        if (has_all) {
            node->fail("each of its resourceFilters needs kinds");
        }
    }
}

}  // namespace

bool is_velero_policy(const PolicyNode& root) {
    const auto has = [&root](std::string_view name) { return root.has(name); };
    return !root.has("kind") &&
           (root.has("version") || std::any_of(kMembers.begin(), kMembers.end(), has));
}

Policy read_velero_policy(const PolicyNode& root) {
    root.expect_members({"version",
                         "volumePolicies",
                         "includeExcludePolicy",
                         "namespacedFilterPolicies",
                         "clusterScopedFilterPolicy"});
    const auto version = root.find("version");
    if (!version || version->text() != "v1") {
        (version ? *version : root).fail("version has to be v1");
    }
    Policy policy;
    if (const auto list = root.find("volumePolicies")) {
        for (const auto& item : list->items()) {
            policy.volumes.push_back(read_volume_policy(item, policy));
        }
    }
    KindFilters filters;
    read_filters(root, policy, filters);
    if (const auto node = root.find("includeExcludePolicy")) {
        read_include_exclude(*node, policy, filters);
    }
    if (!filters.everywhere.empty()) {
        policy.filters.push_back({{"*"}, std::move(filters.everywhere)});
    }
    if (!filters.cluster.empty()) {
        policy.filters.push_back({{}, std::move(filters.cluster)});
    }
    return policy;
}

}  // namespace backup::capture
