// SPDX-License-Identifier: Apache-2.0
#include "core/capture/explanation.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/text.hpp"
#include "core/capture/kind_defaults.hpp"
#include "core/repository/tree_names.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <utility>

namespace backup::capture {

namespace {

using model::Outcome;
using model::SkipReason;

constexpr std::string_view kNamespaces = "namespaces";
constexpr std::string_view kClaims = "persistentvolumeclaims";
constexpr std::string_view kUnknownRule = "unknown";

const model::ListRecord* find_list(const model::Ledger& ledger,
                                   std::string_view resource,
                                   std::string_view scope,
                                   Outcome outcome) {
    const auto found =
        std::find_if(ledger.lists.begin(), ledger.lists.end(), [&](const auto& list) {
            return list.resource == resource && list.outcome == outcome && list.scope == scope;
        });
    return found == ledger.lists.end() ? nullptr : &*found;
}

std::string_view namespace_rule(SkipReason reason) {
    switch (reason) {
        case SkipReason::ExcludedByUser:
            return "namespace.excluded";
        case SkipReason::ExcludedByMark:
            return "mark";
        case SkipReason::Terminating:
            return "terminating";
        case SkipReason::NeverStored:
            return "namespace.system";
        default:
            return "namespace.not-selected";
    }
}

class StoredExplainer {
  public:
    StoredExplainer(const model::ObjectKey& key, const PointFacts& facts)
        : key_(key),
          facts_(facts) {}

    Explanation explain() {
        result_.object = key_;
        result_.generated = find_generated(key_.resource);
        if (facts_.is_stored) {
            explain_presence();
        } else if (!explain_namespace() && !explain_kind() && !explain_left_out() &&
                   !explain_failure()) {
            explain_absence();
        }
        if (key_.resource == kClaims) {
            find_volume();
        }
        return std::move(result_);
    }

  private:
    bool because(std::string_view rule, std::string_view message = {}) {
        result_.rule = rule;
        result_.message = message;
        return true;
    }

    const ResourceRules* find_rules() const {
        if (facts_.rules == nullptr) {
            return nullptr;
        }
        const auto& all = facts_.rules->objects.by_namespace();
        const auto ns = all.find(key_.ns);
        if (ns == all.end()) {
            return nullptr;
        }
        const auto resource = ns->second.find(key_.resource);
        return resource == ns->second.end() ? nullptr : &resource->second;
    }

    void explain_presence() {
        result_.verdict = Verdict::In;
        const auto* rules = find_rules();
        if (key_.resource == kNamespaces) {
            because("namespace.object");
        } else if (rules != nullptr && rules->related.contains(key_.name)) {
            result_.verdict = Verdict::Related;
            result_.edges = facts_.rules->objects.chain(key_);
            because("related");
        } else if (rules != nullptr && !rules->rule.empty()) {
            because(rules->rule);
        } else {
            because(kUnknownRule, "the point does not say why: an older version made it");
        }
    }

    bool explain_namespace() {
        const auto& name = key_.resource == kNamespaces ? key_.name : key_.ns;
        const auto& names = facts_.point.namespaces;
        if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
            return false;
        }
        const auto* list = find_list(facts_.ledger, kNamespaces, name, Outcome::Skipped);
        return list == nullptr ? because("namespace.not-selected")
                               : because(namespace_rule(list->reason), list->message);
    }

    bool explain_kind() {
        if (facts_.rules == nullptr) {
            return false;
        }
        const auto kind = facts_.rules->kinds.find(key_.resource);
        const bool is_out = kind != facts_.rules->kinds.end() &&
                            kind->second.rule != "cluster.related" &&
                            kind->second.rule != "namespace.object";
        return is_out && because(kind->second.rule, kind->second.message);
    }

    bool explain_left_out() {
        const auto* rules = find_rules();
        if (rules == nullptr) {
            return false;
        }
        for (const auto& [rule, objects] : rules->out) {
            const auto& names = objects.names;
            if (std::find(names.begin(), names.end(), key_.name) != names.end()) {
                return because(rule, objects.message);
            }
        }
        for (const auto& [rule, objects] : rules->out) {
            if (objects.count > objects.names.size()) {
                return because(rule,
                               concat("probably: the point names only ",
                                      objects.names.size(),
                                      " of ",
                                      objects.count,
                                      " such objects; ",
                                      objects.message));
            }
        }
        return false;
    }

    bool explain_failure() {
        for (const auto* const scope : {key_.ns.c_str(), "*"}) {
            const auto* list = find_list(facts_.ledger, key_.resource, scope, Outcome::Failed);
            if (list != nullptr) {
                return because("list.failed", list->message);
            }
        }
        return false;
    }

    void explain_absence() {
        constexpr std::string_view or_absent = "or there was no such object";
        if (facts_.rules == nullptr) {
            because(kUnknownRule, "the point does not say why: an older version made it");
        } else if (facts_.rules->kinds.contains(key_.resource)) {
            because("cluster.unrelated", or_absent);
        } else if (facts_.rules->scope.find("selectors") != nullptr) {
            because("selector.label", or_absent);
        } else if (facts_.rules->scope.find("filters") != nullptr) {
            because("filter", or_absent);
        } else if (facts_.rules->scope.find("annotations") != nullptr) {
            because("selector.annotation", or_absent);
        } else {
            because("absent");
        }
    }

    void find_volume() {
        const auto& volumes = facts_.ledger.volumes;
        const auto found = std::find_if(volumes.begin(), volumes.end(), [this](const auto& volume) {
            return volume.name_space == key_.ns && volume.claim == key_.name;
        });
        if (found != volumes.end()) {
            result_.volume = *found;
        }
    }

    const model::ObjectKey& key_;
    const PointFacts& facts_;
    Explanation result_;
};

bool holds(repository::TreeReader& tree, const model::ObjectKey& key) {
    std::vector<std::string> path = {std::string(repository::kObjectsDirectory)};
    if (key.ns.empty()) {
        path.emplace_back(repository::kClusterDirectory);
    } else {
        path.emplace_back(repository::kNamespacesDirectory);
        path.push_back(repository::escape_name(key.ns));
    }
    path.push_back(key.resource);
    path.push_back(repository::escape_name(key.name));
    auto directory = tree.root();
    for (const auto& name : path) {
        const auto entry = tree.find(directory, name);
        if (!entry) {
            return false;
        }
        directory = entry->directory;
    }
    return true;
}

class PointExplainer {
  public:
    PointExplainer(repository::ChunkStore& chunks, const repository::PointRecord& record)
        : record_(record),
          tree_(repository::TreeReader::open(chunks, record)),
          ledger_(repository::read_ledger(chunks, record)) {}

    std::vector<Explanation> explain(const ObjectWords& words) {
        const auto resources = read_point_resources(*tree_);
        const auto kinds = find_kinds(words.kind, resources);
        if (kinds.empty()) {
            throw unknown_kind(words.kind, resources);
        }
        std::vector<model::ObjectKey> keys;
        for (const auto& kind : kinds) {
            for (const auto& ns : namespaces_for(kind, words)) {
                keys.push_back({kind.name(), ns, words.name});
            }
        }
        return explain_those(keys);
    }

  private:
    std::vector<std::string> namespaces_for(const model::ApiResource& kind,
                                            const ObjectWords& words) const {
        if (!kind.namespaced) {
            return {""};
        }
        return words.ns.empty() ? record_.point.namespaces : std::vector<std::string>{words.ns};
    }

    /// All that are stored; when none is, the first, if there is no doubt which one is meant.
    std::vector<Explanation> explain_those(const std::vector<model::ObjectKey>& keys) {
        std::vector<Explanation> explanations;
        for (const auto& key : keys) {
            if (holds(*tree_, key)) {
                explanations.push_back(explain_one(key, true));
            }
        }
        if (!explanations.empty()) {
            return explanations;
        }
        const bool is_clear = !keys.empty() && keys.front().ns == keys.back().ns;
        if (!is_clear) {
            throw Error(ErrorCode::Usage,
                        "no namespace of the point holds such an object, and it is not said which "
                        "one is meant")
                .hint("say it with -n NAMESPACE, or as KIND/NAMESPACE/NAME");
        }
        explanations.push_back(explain_one(keys.front(), false));
        return explanations;
    }

    Explanation explain_one(const model::ObjectKey& key, bool is_stored) {
        auto rules = read_point_rules(*tree_, key.ns);
        if (rules) {
            follow(key, *rules);
        }
        return explain_stored(key, {record_.point, ledger_, rules ? &*rules : nullptr, is_stored});
    }

    /// What needs an object that belongs to no namespace is in one, and has its edge there.
    void follow(const model::ObjectKey& key, PointRules& rules) {
        const auto edges = rules.objects.chain(key);
        if (edges.empty() || edges.back().from.ns == key.ns || !key.ns.empty()) {
            return;
        }
        const auto& ns = edges.back().from.ns;
        if (const auto more = read_point_rules(*tree_, ns)) {
            const auto& all = more->objects.by_namespace();
            if (const auto found = all.find(ns); found != all.end()) {
                rules.objects.add(ns, found->second);
            }
        }
    }

    const repository::PointRecord& record_;
    std::unique_ptr<repository::TreeReader> tree_;
    model::Ledger ledger_;
};

Json to_json(const model::VolumeRecord& volume) {
    Json json = Json::object({{"outcome", model::to_text(volume.outcome)}});
    const auto add = [&json](std::string_view name, std::string_view text) {
        if (!text.empty()) {
            json[name] = text;
        }
    };
    if (volume.reason != SkipReason::None) {
        add("reason", model::to_text(volume.reason));
    }
    add("method", volume.method);
    add("rule", volume.rule);
    add("message", volume.message);
    return json;
}

}  // namespace

ObjectWords parse_object_words(std::string_view text) {
    const auto parts = split(text, '/');
    const bool is_empty = std::any_of(
        parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
    if (is_empty || parts.size() < 2 || parts.size() > 3) {
        throw Error(ErrorCode::Usage, concat("\"", printable(text), "\" is no object"))
            .hint("KIND/NAME or KIND/NAMESPACE/NAME, for example deploy/web");
    }
    return {parts.front(), parts.size() == 3 ? parts[1] : "", parts.back()};
}

Explanation explain_stored(const model::ObjectKey& key, const PointFacts& facts) {
    return StoredExplainer(key, facts).explain();
}

std::vector<Explanation> explain_in_point(repository::ChunkStore& chunks,
                                          const repository::PointRecord& record,
                                          const ObjectWords& words) {
    return PointExplainer(chunks, record).explain(words);
}

Json to_json(const Explanation& explanation) {
    constexpr std::array<std::string_view, 3> verdicts = {"Out", "In", "Related"};
    const auto& key = explanation.object;
    Json json = Json::object();
    json["object"] =
        Json::object({{"resource", key.resource}, {"namespace", key.ns}, {"name", key.name}});
    json["stored"] = explanation.is_stored();
    json["verdict"] = verdicts.at(static_cast<std::size_t>(explanation.verdict));
    json["rule"] = explanation.rule;
    json["meaning"] = describe_rule(explanation.rule);
    if (!explanation.message.empty()) {
        json["message"] = explanation.message;
    }
    if (!explanation.edges.empty()) {
        Json edges = Json::array();
        for (const auto& edge : explanation.edges) {
            edges.push_back(Json::object({{"from", format_edge_origin(edge)}, {"why", edge.why}}));
        }
        json["neededBy"] = std::move(edges);
    }
    if (!explanation.generated.empty()) {
        json["generated"] = explanation.generated;
    }
    if (explanation.volume) {
        json["volume"] = to_json(*explanation.volume);
    }
    return json;
}

std::vector<model::ApiResource> find_kinds(std::string_view word,
                                           const std::vector<model::ApiResource>& resources) {
    const auto lower = to_lower(word);
    std::vector<model::ApiResource> found;
    if (lower.find_first_of("*?[") != std::string::npos) {
        return found;
    }
    std::copy_if(resources.begin(),
                 resources.end(),
                 std::back_inserter(found),
                 [&lower](const model::ApiResource& resource) {
                     return lower != (resource.group.empty() ? "core" : resource.group) &&
                            model::names_resource(lower, resource);
                 });
    return found;
}

Error unknown_kind(std::string_view word, const std::vector<model::ApiResource>& resources) {
    std::vector<std::string> known;
    for (const auto& resource : resources) {
        known.push_back(resource.plural);
        known.push_back(resource.name());
        known.insert(known.end(), resource.short_names.begin(), resource.short_names.end());
    }
    return Error(ErrorCode::InvalidArgument,
                 concat("the cluster has no kind '", printable(word), "'"))
        .hint(did_you_mean(word, known));
}

}  // namespace backup::capture
