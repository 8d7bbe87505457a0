// SPDX-License-Identifier: Apache-2.0
#include "core/capture/point_rules.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/capture/decision.hpp"
#include "core/repository/tree_names.hpp"

#include <initializer_list>
#include <span>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::uint64_t kLargestFile = 256U << 20U;

std::string file_of(std::string_view ns) {
    return concat(repository::escape_name(ns), ".json");
}

Json describe_kinds(const PointRulesParts& parts) {
    std::map<std::string, Decision> sorted;
    for (const auto& resource : parts.resources) {
        auto decision = decide_resource(resource, parts.scope);
        if (decision.verdict != Verdict::In) {
            sorted.insert_or_assign(resource.name(), std::move(decision));
        }
    }
    Json kinds = Json::object();
    for (const auto& [resource, decision] : sorted) {
        auto json = Json::object({{"rule", decision.rule}});
        if (!decision.message.empty()) {
            json["message"] = decision.message;
        }
        kinds.members().emplace_back(resource, std::move(json));
    }
    return kinds;
}

StoredObject store(const Json& json, std::int64_t time_ns, ObjectSink& sink) {
    const auto text = format_json(json);
    StoredObject stored;
    stored.created_ns = time_ns;
    stored.bytes = text.size();
    stored.content = sink.store(text);
    return stored;
}

std::optional<repository::TreeEntry> find_file(repository::TreeReader& tree,
                                               std::initializer_list<std::string_view> path) {
    auto directory = tree.root();
    std::optional<repository::TreeEntry> entry;
    for (const auto name : path) {
        entry = tree.find(directory, name);
        if (!entry) {
            return std::nullopt;
        }
        directory = entry->directory;
    }
    return entry->attributes.type == model::FileType::Regular ? entry : std::nullopt;
}

Json read_file(repository::TreeReader& tree, const repository::TreeEntry& file) {
    if (file.attributes.size > kLargestFile) {
        throw Error(ErrorCode::CorruptData,
                    concat(printable(file.attributes.name), " of the point is too long"));
    }
    std::string text(file.attributes.size, '\0');
    tree.read(file, 0, std::as_writable_bytes(std::span(text.data(), text.size())));
    auto json = find_json(text);
    if (!json) {
        throw Error(ErrorCode::CorruptData,
                    concat(printable(file.attributes.name), " of the point is no JSON"));
    }
    return std::move(*json);
}

std::map<std::string, KindDecision, std::less<>> kinds_from_json(const Json* json) {
    std::map<std::string, KindDecision, std::less<>> kinds;
    if (json == nullptr || !json->is_object()) {
        return kinds;
    }
    for (const auto& [resource, decision] : json->members()) {
        kinds.insert_or_assign(
            resource, KindDecision{decision.text_at({"rule"}), decision.text_at({"message"})});
    }
    return kinds;
}

}  // namespace

PointRulesFiles store_point_rules(const PointRulesParts& parts, ObjectSink& sink) {
    PointRulesFiles files;
    Json top = Json::object({{"scope", to_json(parts.scope)}, {"kinds", describe_kinds(parts)}});
    for (const auto& [ns, rules] : parts.rules.by_namespace()) {
        if (ns.empty()) {
            top["objects"] = to_json(rules);
        } else {
            files.namespaces.insert_or_assign(file_of(ns),
                                              store(to_json(rules), parts.time_ns, sink));
        }
    }
    files.cluster = store(top, parts.time_ns, sink);
    return files;
}

std::vector<model::ApiResource> read_point_resources(repository::TreeReader& tree) {
    std::vector<model::ApiResource> resources;
    const auto file = find_file(tree, {repository::kExtraDirectory, repository::kResourcesFile});
    if (!file) {
        return resources;
    }
    const auto json = read_file(tree, *file);
    if (!json.is_array()) {
        throw Error(ErrorCode::CorruptData, "the kinds of the point are no list");
    }
    for (const auto& item : json.items()) {
        auto& resource = resources.emplace_back();
        resource.group = item.text_at({"group"});
        resource.version = item.text_at({"version"});
        resource.kind = item.text_at({"kind"});
        resource.plural = item.text_at({"plural"});
        resource.singular = item.text_at({"singular"});
        resource.namespaced = item.bool_at({"namespaced"});
        if (const auto* names = item.find("shortNames"); names != nullptr && names->is_array()) {
            for (const auto& name : names->items()) {
                resource.short_names.push_back(name.is_string() ? name.string() : "");
            }
        }
    }
    return resources;
}

std::optional<PointRules> read_point_rules(repository::TreeReader& tree, const std::string& ns) {
    const auto top = find_file(tree, {repository::kExtraDirectory, kRulesFile});
    if (!top) {
        return std::nullopt;
    }
    const auto json = read_file(tree, *top);
    PointRules rules;
    if (const auto* scope = json.find("scope")) {
        rules.scope = *scope;
    }
    rules.kinds = kinds_from_json(json.find("kinds"));
    if (const auto* objects = json.find("objects")) {
        rules.objects.add("", rules_from_json(*objects));
    }
    const auto of_namespace =
        ns.empty() ? std::nullopt
                   : find_file(tree, {repository::kExtraDirectory, kRulesDirectory, file_of(ns)});
    if (of_namespace) {
        rules.objects.add(ns, rules_from_json(read_file(tree, *of_namespace)));
    }
    return rules;
}

}  // namespace backup::capture
