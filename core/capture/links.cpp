// SPDX-License-Identifier: Apache-2.0
#include "core/capture/links.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kServices = "services";
constexpr std::string_view kAccounts = "serviceaccounts";
constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kSets = "statefulsets.apps";

/// Objects with a selector on pods. An empty selector: all pods, or none.
struct Selecting {
    std::string_view resource;
    std::string_view member;  // of spec
    bool is_plain_map;
    bool empty_is_all;
    std::string_view why;
};

constexpr std::array<Selecting, 4> kSelecting = {
    {{kServices, "selector", true, false, "selects its pods"},
     {"networkpolicies.networking.k8s.io", "podSelector", false, true, "applies to its pods"},
     {"poddisruptionbudgets.policy", "selector", false, true, "protects its pods"},
     {"podmonitors.monitoring.coreos.com", "selector", false, true, "monitors its pods"}}};

/// Objects that name the workload they act on.
struct Scaling {
    std::string_view resource;
    std::string_view member;  // of spec
    std::string_view why;
};

constexpr std::array<Scaling, 3> kScaling = {
    {{"horizontalpodautoscalers.autoscaling", "scaleTargetRef", "scales it"},
     {"verticalpodautoscalers.autoscaling.k8s.io", "targetRef", "sizes its pods"},
     {"scaledobjects.keda.sh", "scaleTargetRef", "scales it"}}};

constexpr std::array<std::string_view, 5> kMakers = {
    kSets, "daemonsets.apps", "deployments.apps", "replicasets.apps", "jobs.batch"};

constexpr std::array<std::string_view, 12> kAttached = {
    "ingresses.networking.k8s.io",
    "ingresses.extensions",
    "httproutes.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "tcproutes.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "apiservices.apiregistration.k8s.io",
    kClaims};

template <typename Table>
bool contains(const Table& table, std::string_view resource) {
    return std::find(table.begin(), table.end(), resource) != table.end();
}

template <typename Table>
const auto* find_row(const Table& table, std::string_view resource) {
    const auto found = std::find_if(
        table.begin(), table.end(), [&](const auto& row) { return row.resource == resource; });
    return found == table.end() ? nullptr : &*found;
}

template <typename Visit>
void each(const Json* array, Visit&& visit) {
    if (array != nullptr && array->is_array()) {
        for (const auto& item : array->items()) {
            visit(item);
        }
    }
}

std::string group_of(std::string_view api_version) {
    const auto slash = api_version.find('/');
    return std::string(slash == std::string_view::npos ? "" : api_version.substr(0, slash));
}

model::Labels labels_of(const Json& map) {
    model::Labels labels;
    for (const auto& [name, value] : map.members()) {
        if (value.is_string()) {
            labels.insert_or_assign(name, value.string());
        }
    }
    return labels;
}

void add_equal(const Json* map, model::LabelSelector& selector) {
    if (map != nullptr && map->is_object()) {
        for (const auto& [key, value] : labels_of(*map)) {
            selector.requirements.push_back({key, model::LabelOperator::In, {value}});
        }
    }
}

std::optional<model::LabelRequirement> read_expression(const Json& expression) {
    using Operator = model::LabelOperator;
    constexpr std::array<std::pair<std::string_view, Operator>, 4> operators = {
        {{"In", Operator::In},
         {"NotIn", Operator::NotIn},
         {"Exists", Operator::Exists},
         {"DoesNotExist", Operator::DoesNotExist}}};
    const auto word = expression.text_at({"operator"});
    const auto* const found = std::find_if(
        operators.begin(), operators.end(), [&word](const auto& row) { return row.first == word; });
    if (found == operators.end()) {
        return std::nullopt;
    }
    model::LabelRequirement requirement{expression.text_at({"key"}), found->second, {}};
    each(expression.find("values"),
         [&requirement](const Json& value) { requirement.values.push_back(value.text_at({})); });
    std::sort(requirement.values.begin(), requirement.values.end());
    return requirement;
}

/// matchLabels and matchExpressions, or with `is_plain_map` the labels themselves. Empty when there
/// is none or an operator is not known: what it selects cannot be told then.
std::optional<model::LabelSelector> read_selector(const Json* json, bool is_plain_map) {
    if (json == nullptr || !json->is_object()) {
        return std::nullopt;
    }
    model::LabelSelector selector;
    if (is_plain_map) {
        add_equal(json, selector);
        return selector;
    }
    add_equal(json->find("matchLabels"), selector);
    bool is_known = true;
    each(json->find("matchExpressions"), [&](const Json& expression) {
        auto requirement = read_expression(expression);
        is_known = is_known && requirement.has_value();
        if (requirement) {
            selector.requirements.push_back(std::move(*requirement));
        }
    });
    return is_known ? std::optional(std::move(selector)) : std::nullopt;
}

void read_owners(const Json& object, Links& links) {
    each(object.find_path({"metadata", "ownerReferences"}), [&links](const Json& owner) {
        KindRef ref{group_of(owner.text_at({"apiVersion"})),
                    owner.text_at({"kind"}),
                    owner.text_at({"name"})};
        if (!ref.kind.empty() && !ref.name.empty()) {
            links.owners.push_back(std::move(ref));
        }
    });
}

void read_pods(std::string_view resource, const Json& object, Links& links) {
    if (find_pod_spec(resource, object) != nullptr) {
        const auto* const labels = find_pod_labels(resource, object);
        links.pod_labels = labels == nullptr ? model::Labels() : labels_of(*labels);
    }
    if (contains(kMakers, resource)) {
        links.makes = read_selector(object.find_path({"spec", "selector"}), false);
    } else if (resource == "replicationcontrollers") {
        links.makes = read_selector(object.find_path({"spec", "selector"}), true);
    }
    if (links.makes && links.makes->requirements.empty()) {
        links.makes.reset();
    }
    if (resource == "pods") {
        const auto phase = object.text_at({"status", "phase"});
        links.is_made = !links.owners.empty() && phase != "Succeeded" && phase != "Failed";
    }
}

void read_selecting(const Selecting& row, const Json& object, Links& links) {
    links.selects = read_selector(object.find_path({"spec", row.member}), row.is_plain_map);
    if (links.selects && links.selects->requirements.empty() && !row.empty_is_all) {
        links.selects.reset();
    }
    links.selects_why = row.why;
}

void attach(Links& links,
            std::string_view resource,
            std::string_view ns,
            const std::string& name,
            std::string_view why) {
    if (!name.empty()) {
        links.attached_to.push_back(
            {{std::string(resource), std::string(ns), name}, std::string(why)});
    }
}

void form(Links& links, std::string_view resource, std::string_view name) {
    if (!name.empty()) {
        links.groups.push_back({std::string(resource), links.key.ns, std::string(name)});
    }
}

/// The Gateway that a route of the Gateway API hangs at, when it is in the same namespace.
void read_parents(const Json& object, Links& links) {
    each(object.find_path({"spec", "parentRefs"}), [&links](const Json& parent) {
        const bool is_gateway = parent.text_at({"kind"}, "Gateway") == "Gateway";
        if (is_gateway && parent.text_at({"namespace"}, links.key.ns) == links.key.ns) {
            links.needs.push_back(
                {{"gateways.gateway.networking.k8s.io", links.key.ns, parent.text_at({"name"})},
                 "spec.parentRefs.name"});
        }
    });
}

/// Of an Ingress in all versions, and of the routes of the Gateway API.
void read_backends(const Json& object, Links& links) {
    constexpr std::string_view why = "routes requests to it";
    const auto& ns = links.key.ns;
    const auto add_backend = [&](const Json* backend) {
        if (backend != nullptr) {
            attach(links, kServices, ns, backend->text_at({"service", "name"}), why);
            attach(links, kServices, ns, backend->text_at({"serviceName"}), why);
        }
    };
    add_backend(object.find_path({"spec", "defaultBackend"}));
    add_backend(object.find_path({"spec", "backend"}));
    each(object.find_path({"spec", "rules"}), [&](const Json& rule) {
        each(rule.find_path({"http", "paths"}),
             [&](const Json& path) { add_backend(path.find("backend")); });
        each(rule.find("backendRefs"), [&](const Json& backend) {
            if (backend.text_at({"kind"}, "Service") == "Service") {
                attach(links,
                       kServices,
                       backend.text_at({"namespace"}, ns),
                       backend.text_at({"name"}),
                       why);
            }
        });
    });
}

void read_subjects(const Json& object, Links& links) {
    constexpr std::string_view group_prefix = "system:serviceaccounts:";
    constexpr std::string_view why = "gives it rights";
    each(object.find("subjects"), [&](const Json& subject) {
        const auto kind = subject.text_at({"kind"});
        const auto name = subject.text_at({"name"});
        if (kind == "ServiceAccount") {
            attach(links, kAccounts, subject.text_at({"namespace"}, links.key.ns), name, why);
        } else if (kind == "Group" && name.starts_with(group_prefix)) {
            attach(links, kAccounts, name.substr(group_prefix.size()), std::string(kAllNames), why);
        }
    });
}

void read_server(const Json& object, Links& links) {
    constexpr std::string_view why = "is served by it";
    const auto add = [&](const Json* service) {
        if (service != nullptr) {
            attach(
                links, kServices, service->text_at({"namespace"}), service->text_at({"name"}), why);
        }
    };
    add(object.find_path({"spec", "service"}));
    each(object.find("webhooks"), [&add](const Json& webhook) {
        add(webhook.find_path({"clientConfig", "service"}));
    });
}

/// The marks that make a group of claims for hooks too.
void read_volume_group(const Json& claim, Links& links) {
    for (const auto* const map : {"annotations", "labels"}) {
        for (const auto key : {std::string_view("kubectl-backup/volume-group"), kVolumeGroup}) {
            const auto group = claim.text_at({"metadata", map, key});
            attach(links, kVolumeGroup, links.key.ns, group, "is of its volume group");
            form(links, kVolumeGroup, group);
        }
    }
}

/// A StatefulSet takes any claim of the name TEMPLATE-SET-ORDINAL for its own, and keeps it when it
/// is made smaller: what its replicas are now does not tell which claims it has.
void read_set_claim(Links& links) {
    const auto& name = links.key.name;
    const auto dash = name.rfind('-');
    const auto ordinal = dash == name.npos ? "" : name.substr(dash + 1);
    const bool is_ordinal = !ordinal.empty() &&
                            ordinal.find_first_not_of("0123456789") == ordinal.npos &&
                            (ordinal == "0" || !ordinal.starts_with('0'));
    if (is_ordinal) {
        const auto set = name.substr(0, dash);
        attach(links, kSetClaims, links.key.ns, set, "spec.volumeClaimTemplates");
    }
}

void read_groups(std::string_view resource, const Json& object, Links& links) {
    if (resource == kAccounts) {
        form(links, kAccounts, kAllNames);
    } else if (resource == kSets) {
        each(object.find_path({"spec", "volumeClaimTemplates"}), [&links](const Json& claim) {
            if (const auto name = claim.text_at({"metadata", "name"}); !name.empty()) {
                form(links, kSetClaims, name + "-" + links.key.name);
            }
        });
    }
}

void read_attachment(std::string_view resource, const Json& object, Links& links) {
    if (resource.starts_with("ingresses.") || resource.find("routes.gateway.") != resource.npos) {
        read_backends(object, links);
        read_parents(object, links);
    } else if (resource.ends_with("rolebindings.rbac.authorization.k8s.io")) {
        read_subjects(object, links);
    } else if (resource.ends_with("webhookconfigurations.admissionregistration.k8s.io") ||
               resource == "apiservices.apiregistration.k8s.io") {
        read_server(object, links);
    } else if (resource == kClaims) {
        read_volume_group(object, links);
        read_set_claim(links);
    }
}

}  // namespace

Links links_of(std::string_view resource, const model::ObjectKey& key, const Json& object) {
    Links links;
    links.key = key;
    const auto dot = resource.find('.');
    const auto group = dot == resource.npos ? std::string_view() : resource.substr(dot + 1);
    links.needs = may_be_custom(group) && !has_references(resource)
                      ? guess_references(key.ns, object)
                      : references_of(resource, key.ns, object);
    read_owners(object, links);
    read_pods(resource, object, links);
    if (const auto* const row = find_row(kSelecting, resource)) {
        read_selecting(*row, object, links);
    }
    if (const auto* const row = find_row(kScaling, resource)) {
        if (const auto* const target = object.find_path({"spec", row->member})) {
            links.scales = KindRef{group_of(target->text_at({"apiVersion"}, "apps/v1")),
                                   target->text_at({"kind"}, "Deployment"),
                                   target->text_at({"name"})};
            links.scales_why = row->why;
        }
    }
    read_attachment(resource, object, links);
    read_groups(resource, object, links);
    return links;
}

bool is_attachable(const Links& links) {
    return links.selects || links.scales || links.is_made || !links.attached_to.empty() ||
           std::any_of(links.owners.begin(), links.owners.end(), [](const KindRef& owner) {
               return may_be_custom(owner.group);
           });
}

bool has_links(std::string_view resource) {
    const auto dot = resource.find('.');
    const auto group = dot == resource.npos ? std::string_view() : resource.substr(dot + 1);
    return has_references(resource) || find_row(kSelecting, resource) != nullptr ||
           find_row(kScaling, resource) != nullptr || contains(kAttached, resource) ||
           may_be_custom(group);
}

}  // namespace backup::capture
