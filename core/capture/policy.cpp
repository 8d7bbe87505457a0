// SPDX-License-Identifier: Apache-2.0
#include "core/capture/policy.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/policy_parts.hpp"
#include "core/capture/velero_policy.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kApiVersion = "kubectl-backup/v1";

using Texts = std::vector<std::string>;

/// Checks what the flag of the same meaning would be checked for, so that the error has a line.
void check_as_flags(const PolicyNode& node, const ScopeFlags& flags) {
    const auto failure = failure_of([&flags] { static_cast<void>(make_scope(flags, "default")); });
    if (failure) {
        node.fail(failure->what(), std::string(failure->hint()));
    }
}

void read_texts(const PolicyNode& scope,
                std::string_view name,
                Texts ScopeFlags::*member,
                ScopeFlags& flags) {
    const auto node = scope.find(name);
    if (!node) {
        return;
    }
    flags.*member = node->texts();
    ScopeFlags alone;
    alone.*member = flags.*member;
    check_as_flags(*node, alone);
}

/// One selector or a list of them.
std::vector<model::LabelSelector> selectors_at(const PolicyNode& parent, std::string_view name) {
    std::vector<model::LabelSelector> selectors;
    const auto node = parent.find(name);
    if (node && node->value().is_array()) {
        for (const auto& item : node->items()) {
            selectors.push_back(read_label_selector(item));
        }
    } else if (node) {
        selectors.push_back(read_label_selector(*node));
    }
    return selectors;
}

Texts selector_texts_at(const PolicyNode& parent, std::string_view name) {
    Texts texts;
    for (const auto& selector : selectors_at(parent, name)) {
        texts.push_back(model::format_label_selector(selector));
    }
    return texts;
}

void read_word(const PolicyNode& scope,
               std::string_view name,
               const Texts& known,
               std::string& word) {
    if (const auto node = scope.find(name)) {
        word = node->word(known);
    }
}

ScopeFlags read_scope(const PolicyNode& scope) {
    scope.expect_members({"namespaces",
                          "allNamespaces",
                          "excludeNamespaces",
                          "namespaceSelectors",
                          "namespaceAnnotations",
                          "selectors",
                          "annotations",
                          "annotated",
                          "includeResources",
                          "excludeResources",
                          "clusterResources",
                          "volumes"});
    ScopeFlags flags;
    read_texts(scope, "namespaces", &ScopeFlags::namespaces, flags);
    read_texts(scope, "excludeNamespaces", &ScopeFlags::exclude_namespaces, flags);
    read_texts(scope, "namespaceAnnotations", &ScopeFlags::namespace_annotations, flags);
    read_texts(scope, "annotations", &ScopeFlags::annotations, flags);
    read_texts(scope, "includeResources", &ScopeFlags::include_resources, flags);
    read_texts(scope, "excludeResources", &ScopeFlags::exclude_resources, flags);
    flags.namespace_selectors = selector_texts_at(scope, "namespaceSelectors");
    flags.selectors = selector_texts_at(scope, "selectors");
    if (const auto node = scope.find("allNamespaces")) {
        flags.all_namespaces = node->boolean();
    }
    if (const auto node = scope.find("annotated")) {
        flags.annotated = node->boolean();
    }
    read_word(scope, "clusterResources", {"auto", "all", "none"}, flags.cluster_resources);
    read_word(scope, "volumes", {"auto", "snapshot", "clone", "live", "none"}, flags.volumes);
    check_as_flags(scope, flags);
    return flags;
}

NamespaceFilter read_filter(const PolicyNode& node) {
    node.expect_members({"namespaces", "objects"});
    NamespaceFilter filter;
    filter.namespaces = texts_at(node, "namespaces");
    const auto objects = node.find("objects");
    if (!objects || objects->items().empty()) {
        node.fail("it has no objects", "a list of {kinds, selectors, names, excludeNames}");
    }
    for (const auto& item : objects->items()) {
        item.expect_members({"kinds", "selectors", "names", "excludeNames"});
        KindFilter kind;
        kind.kinds = texts_at(item, "kinds");
        kind.selectors = selectors_at(item, "selectors");
        kind.names = texts_at(item, "names");
        kind.exclude_names = texts_at(item, "excludeNames");
        filter.kinds.push_back(std::move(kind));
    }
    return filter;
}

VolumeMatch read_match(const PolicyNode& node) {
    node.expect_members({"size",
                         "storageClasses",
                         "drivers",
                         "selector",
                         "namespaces",
                         "claims",
                         "accessModes",
                         "volumeMode",
                         "types",
                         "phases",
                         "nfs",
                         "attributes"});
    VolumeMatch match;
    if (const auto size = node.find("size")) {
        match.size = read_size_range(*size);
    }
    if (const auto selector = node.find("selector")) {
        match.selector = read_label_selector(*selector);
    }
    if (const auto modes = node.find("accessModes")) {
        match.access_modes = read_access_modes(*modes);
    }
    if (const auto mode = node.find("volumeMode")) {
        match.is_block = read_is_block(*mode);
    }
    if (const auto types = node.find("types")) {
        match.types = read_volume_types(*types);
    }
    if (const auto nfs = node.find("nfs")) {
        nfs->expect_members({"server", "path"});
        match.nfs_server = text_at(*nfs, "server");
        match.nfs_path = text_at(*nfs, "path");
    }
    if (const auto attributes = node.find("attributes")) {
        match.attributes = attributes->text_map();
    }
    match.storage_classes = texts_at(node, "storageClasses");
    match.drivers = texts_at(node, "drivers");
    match.namespaces = texts_at(node, "namespaces");
    match.claims = texts_at(node, "claims");
    match.phases = texts_at(node, "phases");
    return match;
}

VolumeAction read_action(const PolicyNode& node) {
    const Texts known = {"auto", "skip", "live", "snapshot", "clone"};
    return find_volume_action(node.word(known)).value_or(VolumeAction::Auto);
}

VolumeRule read_volume_rule(const PolicyNode& node) {
    node.expect_members({"name", "match", "action", "include", "exclude", "snapshotClass"});
    VolumeRule rule;
    const auto name = text_at(node, "name");
    rule.name = concat("policy ", name.empty() ? node.place() : name);
    if (const auto match = node.find("match")) {
        rule.match = read_match(*match);
    }
    if (const auto action = node.find("action")) {
        rule.action = read_action(*action);
    }
    rule.include = texts_at(node, "include");
    rule.exclude = texts_at(node, "exclude");
    rule.snapshot_class = text_at(node, "snapshotClass");
    const bool has_paths = !rule.include.empty() || !rule.exclude.empty();
    if (!node.has("action") && !has_paths && rule.snapshot_class.empty()) {
        node.fail("it does nothing", "give it an action, include, exclude or snapshotClass");
    }
    if (rule.action == VolumeAction::Skip && (has_paths || !rule.snapshot_class.empty())) {
        node.fail("nothing is read of a volume that is skipped",
                  "leave out include, exclude and snapshotClass, or choose another action");
    }
    if (rule.action == VolumeAction::Live && !rule.snapshot_class.empty()) {
        node.fail("a live read makes no snapshot", "leave out snapshotClass, or say snapshot");
    }
    return rule;
}

model::SeverityRules read_severity(const PolicyNode& node) {
    model::SeverityRules rules;
    for (const auto& member : node.members()) {
        member.inside([&] { rules.set(member.name(), model::severity_from_text(member.text())); });
    }
    return rules;
}

std::vector<HookRule> read_hooks(const PolicyNode& node) {
    std::vector<HookRule> rules;
    for (const auto& item : node.items()) {
        // The place is in what it throws.
        const auto line = concat("line ", item.line());
        auto one = with_context(
            [&line] { return line; },
            [&] { return parse_hook_rules(Json::array({item.value()}), rules.size()); });
        std::move(one.begin(), one.end(), std::back_inserter(rules));
    }
    return rules;
}

std::string read_notify(const PolicyNode& node) {
    auto url = node.text();
    if (!url.starts_with("https://") && !url.starts_with("http://")) {
        // It may hold a token: it is not repeated.
        node.fail("it is no address", "https://... or http://...");
    }
    return url;
}

Policy read_policy(const PolicyNode& root) {
    root.expect_members({"apiVersion",
                         "kind",
                         "metadata",
                         "scope",
                         "filters",
                         "volumes",
                         "hooks",
                         "severity",
                         "notify"});
    const auto version = root.find("apiVersion");
    if (!version || version->text() != kApiVersion) {
        (version ? *version : root).fail(concat("apiVersion has to be ", kApiVersion));
    }
    Policy policy;
    if (const auto scope = root.find("scope")) {
        policy.scope = read_scope(*scope);
    }
    if (const auto filters = root.find("filters")) {
        for (const auto& filter : filters->items()) {
            policy.filters.push_back(read_filter(filter));
        }
    }
    if (const auto volumes = root.find("volumes")) {
        for (const auto& rule : volumes->items()) {
            policy.volumes.push_back(read_volume_rule(rule));
        }
    }
    if (const auto hooks = root.find("hooks")) {
        policy.hooks = read_hooks(*hooks);
    }
    if (const auto severity = root.find("severity")) {
        policy.severity = read_severity(*severity);
    }
    if (const auto notify = root.find("notify")) {
        policy.notify = read_notify(*notify);
    }
    return policy;
}

Policy parse_document(std::string_view yaml, bool is_inside_config_map);

/// A ConfigMap as kubectl prints it, with a policy in its only entry.
Policy read_config_map(const PolicyNode& root) {
    const auto data = root.find("data");
    const auto entries = data ? data->members() : std::vector<PolicyNode>();
    if (entries.size() != 1) {
        root.fail(concat("a ConfigMap with a policy has one entry in data, this one has ",
                         entries.size()));
    }
    const auto& entry = entries.front();
    return entry.inside([&entry] { return parse_document(entry.text(), true); });
}

/// A second document would be read by nobody: refused rather than ignored.
void expect_one_document(std::string_view yaml) {
    bool has_content = false;
    bool is_next = false;
    std::size_t number = 0;
    for (const auto& line : split(yaml, '\n')) {
        ++number;
        const auto text = trim(line);
        if (line.starts_with("---") && (text.size() == 3 || line[3] == ' ')) {
            is_next = has_content;
        } else if (!text.empty() && !text.starts_with('#') && text != "...") {
            has_content = true;
            if (is_next) {
                throw Error(ErrorCode::InvalidArgument,
                            concat("line ", number, ": a second document; a policy is one"));
            }
        }
    }
}

Policy parse_document(std::string_view yaml, bool is_inside_config_map) {
    expect_one_document(yaml);
    const auto document = parse_located_yaml(yaml);
    const PolicyNode root(document);
    if (!root.is_map() || root.members().empty()) {
        root.fail("this is no policy",
                  "it begins with apiVersion: kubectl-backup/v1, kind: Policy");
    }
    if (is_velero_policy(root)) {
        return read_velero_policy(root);
    }
    const auto kind = root.find("kind");
    if (kind && kind->text() == "ConfigMap" && !is_inside_config_map) {
        return read_config_map(root);
    }
    if (!kind || kind->text() != "Policy") {
        (kind ? *kind : root)
            .fail("kind has to be Policy",
                  "Velero's resource policies (version: v1) and a ConfigMap with one of them are "
                  "read too");
    }
    return read_policy(root);
}

void take_over(Texts& to, const Texts& from) {
    if (!from.empty()) {
        to = from;
    }
}

void take_over(std::string& to, const std::string& from) {
    if (!from.empty()) {
        to = from;
    }
}

}  // namespace

Policy parse_policy(std::string_view yaml) {
    if (yaml.size() > kPolicyLimitBytes) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("larger than ", kPolicyLimitBytes >> 10U, " KiB"));
    }
    return parse_document(yaml, false);
}

Policy parse_config_map_policy(const Json& config_map) {
    const LocatedYaml document{config_map, {}};
    return read_config_map(PolicyNode(document));
}

ScopeFlags override_scope(const ScopeFlags& policy, const ScopeFlags& flags) {
    ScopeFlags result = policy;
    if (flags.all_namespaces || !flags.namespaces.empty()) {
        result.all_namespaces = flags.all_namespaces;
        result.namespaces = flags.namespaces;
    }
    if (flags.annotated || !flags.annotations.empty()) {
        result.annotated = flags.annotated;
        result.annotations = flags.annotations;
    }
    take_over(result.exclude_namespaces, flags.exclude_namespaces);
    take_over(result.namespace_selectors, flags.namespace_selectors);
    take_over(result.namespace_annotations, flags.namespace_annotations);
    take_over(result.selectors, flags.selectors);
    take_over(result.include_resources, flags.include_resources);
    take_over(result.exclude_resources, flags.exclude_resources);
    take_over(result.cluster_resources, flags.cluster_resources);
    take_over(result.volumes, flags.volumes);
    return result;
}

}  // namespace backup::capture
