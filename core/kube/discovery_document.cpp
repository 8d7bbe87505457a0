// SPDX-License-Identifier: Apache-2.0
#include "core/kube/discovery_document.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

const Json::Array& items_at(const Json& record, std::string_view name) {
    static const Json::Array none;
    const auto* list = record.find(name);
    return list != nullptr && list->is_array() ? list->items() : none;
}

std::vector<std::string> strings_at(const Json& record, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& item : items_at(record, name)) {
        if (item.is_string()) {
            out.push_back(item.string());
        }
    }
    return out;
}

/// Names become parts of URLs and of paths in a repository: only DNS-like ones are taken.
bool is_usable(const model::ApiResource& resource) {
    const auto is_name = [](const std::string& text) {
        return !text.empty() && text.size() <= 253 && text.front() != '.' &&
               std::all_of(text.begin(), text.end(), [](char character) {
                   return (character >= 'a' && character <= 'z') ||
                          (character >= 'A' && character <= 'Z') ||
                          (character >= '0' && character <= '9') || character == '-' ||
                          character == '.';
               });
    };
    return is_name(resource.plural) && is_name(resource.version) && !resource.kind.empty() &&
           (resource.group.empty() || is_name(resource.group));
}

model::ApiResource read_aggregated_resource(const Json& record, const DiscoveredVersion& version) {
    model::ApiResource resource;
    resource.group = version.group;
    resource.version = version.version;
    resource.plural = record.text_at({"resource"});
    resource.kind = record.text_at({"responseKind", "kind"});
    resource.singular = record.text_at({"singularResource"});
    resource.namespaced = record.text_at({"scope"}) == "Namespaced";
    resource.verbs = strings_at(record, "verbs");
    resource.short_names = strings_at(record, "shortNames");
    resource.categories = strings_at(record, "categories");
    return resource;
}

void split_group_version(std::string_view text, DiscoveredVersion& out) {
    const auto slash = text.find('/');
    out.group = slash == std::string_view::npos ? "" : text.substr(0, slash);
    out.version = slash == std::string_view::npos ? text : text.substr(slash + 1);
}

}  // namespace

std::vector<DiscoveredVersion> read_aggregated_discovery(const Json& document) {
    std::vector<DiscoveredVersion> versions;
    for (const auto& group : items_at(document, "items")) {
        for (const auto& item : items_at(group, "versions")) {
            DiscoveredVersion version;
            version.group = group.text_at({"metadata", "name"});
            version.version = item.text_at({"version"});
            version.is_stale = item.text_at({"freshness"}) == "Stale";
            for (const auto& record : items_at(item, "resources")) {
                auto resource = read_aggregated_resource(record, version);
                if (is_usable(resource)) {
                    version.resources.push_back(std::move(resource));
                }
            }
            versions.push_back(std::move(version));
        }
    }
    return versions;
}

std::vector<DiscoveredVersion> read_group_list(const Json& document) {
    std::vector<DiscoveredVersion> versions;
    for (const auto& group : items_at(document, "groups")) {
        const auto preferred = group.text_at({"preferredVersion", "groupVersion"});
        std::vector<std::string> names;
        for (const auto& item : items_at(group, "versions")) {
            names.push_back(item.text_at({"groupVersion"}));
        }
        std::stable_partition(names.begin(), names.end(), [&preferred](const auto& name) {
            return name == preferred;
        });
        for (const auto& name : names) {
            DiscoveredVersion version;
            split_group_version(name, version);
            if (!version.group.empty() && !version.version.empty()) {
                versions.push_back(std::move(version));
            }
        }
    }
    return versions;
}

std::vector<DiscoveredVersion> read_core_versions(const Json& document) {
    std::vector<DiscoveredVersion> versions;
    for (auto& name : strings_at(document, "versions")) {
        versions.push_back({"", std::move(name), {}, false});
    }
    return versions;
}

std::vector<model::ApiResource> read_resource_list(const Json& document,
                                                   const DiscoveredVersion& version) {
    std::vector<model::ApiResource> resources;
    for (const auto& record : items_at(document, "resources")) {
        model::ApiResource resource;
        resource.group = version.group;
        resource.version = version.version;
        resource.plural = record.text_at({"name"});
        resource.kind = record.text_at({"kind"});
        resource.singular = record.text_at({"singularName"});
        resource.namespaced = record.bool_at({"namespaced"});
        resource.verbs = strings_at(record, "verbs");
        resource.short_names = strings_at(record, "shortNames");
        resource.categories = strings_at(record, "categories");
        // A name with a slash is a subresource; it is not usable either.
        if (is_usable(resource)) {
            resources.push_back(std::move(resource));
        }
    }
    return resources;
}

}  // namespace backup::kube
