// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_rules.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/capture/decision.hpp"

#include <algorithm>
#include <utility>

namespace backup::capture {

namespace {

Error corrupt(std::string_view what) {
    return Error(ErrorCode::CorruptData, concat("the rules of the point: ", what));
}

Json to_json(const Edge& edge) {
    return Json::object({{"from",
                          Json::object({{"resource", edge.from.resource},
                                        {"namespace", edge.from.ns},
                                        {"name", edge.from.name}})},
                         {"why", edge.why}});
}

Edge edge_from_json(const Json& json) {
    return {{json.text_at({"from", "resource"}),
             json.text_at({"from", "namespace"}),
             json.text_at({"from", "name"})},
            json.text_at({"why"})};
}

Json to_json(const OutObjects& objects) {
    Json json = Json::object({{"count", objects.count}});
    if (!objects.message.empty()) {
        json["message"] = objects.message;
    }
    json["names"] = Json::Array(objects.names.begin(), objects.names.end());
    return json;
}

OutObjects out_from_json(const Json& json) {
    OutObjects objects;
    objects.count =
        static_cast<std::uint64_t>(std::max<std::int64_t>(json.integer_at({"count"}), 0));
    objects.message = json.text_at({"message"});
    if (const auto* names = json.find("names"); names != nullptr && names->is_array()) {
        for (const auto& name : names->items()) {
            if (!name.is_string()) {
                throw corrupt("a name that is no text");
            }
            objects.names.push_back(name.string());
        }
    }
    return objects;
}

/// Calls `visit` for the members of an object; what is missing has none.
template <typename Visit>
void each_member(const Json* json, Visit&& visit) {
    if (json == nullptr) {
        return;
    }
    if (!json->is_object()) {
        throw corrupt("something that must be an object is none");
    }
    for (const auto& [name, value] : json->members()) {
        visit(name, value);
    }
}

ResourceRules resource_rules_from_json(const Json& json) {
    ResourceRules rules;
    rules.rule = json.text_at({"rule"});
    each_member(json.find("related"), [&rules](const std::string& name, const Json& edge) {
        rules.related.insert_or_assign(name, edge_from_json(edge));
    });
    each_member(json.find("out"), [&rules](const std::string& rule, const Json& objects) {
        rules.out.insert_or_assign(rule, out_from_json(objects));
    });
    return rules;
}

void merge_out(OutObjects& to, OutObjects&& from) {
    to.count += from.count;
    to.message = to.message.empty() ? std::move(from.message) : to.message;
    for (auto& name : from.names) {
        if (to.names.size() < OutObjects::kMostNames) {
            to.names.push_back(std::move(name));
        }
    }
}

}  // namespace

void ObjectRules::note_stored(const model::ObjectKey& key, const Decision& decision) {
    auto& rule = rules_[key.ns][key.resource].rule;
    if (rule.empty()) {
        rule = decision.rule;
    }
}

void ObjectRules::note_related(const model::ObjectKey& key, Edge edge) {
    rules_[key.ns][key.resource].related.try_emplace(key.name, std::move(edge));
}

void ObjectRules::note_out(const model::ObjectKey& key, const Decision& decision) {
    if (decision.skip == model::SkipReason::None) {
        return;
    }
    merge_out(rules_[key.ns][key.resource].out[std::string(decision.rule)],
              {1, {key.name}, decision.message});
}

void ObjectRules::merge(ObjectRules&& other) {
    for (auto& [ns, resources] : other.rules_) {
        add(ns, std::move(resources));
    }
}

void ObjectRules::add(const std::string& ns, RulesByResource rules) {
    auto& here = rules_[ns];
    for (auto& [resource, theirs] : rules) {
        auto& ours = here[resource];
        ours.rule = ours.rule.empty() ? std::move(theirs.rule) : ours.rule;
        ours.related.merge(theirs.related);
        for (auto& [rule, objects] : theirs.out) {
            merge_out(ours.out[rule], std::move(objects));
        }
    }
}

const Edge* ObjectRules::find_edge(const model::ObjectKey& key) const {
    const auto ns = rules_.find(key.ns);
    if (ns == rules_.end()) {
        return nullptr;
    }
    const auto resource = ns->second.find(key.resource);
    if (resource == ns->second.end()) {
        return nullptr;
    }
    const auto edge = resource->second.related.find(key.name);
    return edge == resource->second.related.end() ? nullptr : &edge->second;
}

std::vector<Edge> ObjectRules::chain(const model::ObjectKey& key) const {
    std::vector<Edge> edges;
    for (const Edge* edge = find_edge(key); edge != nullptr; edge = find_edge(edge->from)) {
        const bool is_circle = std::any_of(edges.begin(), edges.end(), [edge](const Edge& known) {
            return known.from == edge->from;
        });
        if (is_circle || edge->from == key) {
            break;
        }
        edges.push_back(*edge);
    }
    return edges;
}

Json to_json(const RulesByResource& rules) {
    Json json = Json::object();
    for (const auto& [resource, one] : rules) {
        Json entry = Json::object();
        if (!one.rule.empty()) {
            entry["rule"] = one.rule;
        }
        if (!one.related.empty()) {
            auto& related = entry["related"] = Json::object();
            for (const auto& [name, edge] : one.related) {
                related.members().emplace_back(name, to_json(edge));
            }
        }
        if (!one.out.empty()) {
            auto& out = entry["out"] = Json::object();
            for (const auto& [rule, objects] : one.out) {
                out.members().emplace_back(rule, to_json(objects));
            }
        }
        json.members().emplace_back(resource, std::move(entry));
    }
    return json;
}

RulesByResource rules_from_json(const Json& json) {
    RulesByResource rules;
    each_member(&json, [&rules](const std::string& resource, const Json& one) {
        rules.insert_or_assign(resource, resource_rules_from_json(one));
    });
    return rules;
}

}  // namespace backup::capture
