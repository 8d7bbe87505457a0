// SPDX-License-Identifier: Apache-2.0
#include "core/capture/learn_versions.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/capture/references.hpp"
#include "core/kube/list_splitter.hpp"

#include <algorithm>

namespace backup::capture {

namespace {

constexpr std::string_view kDefinitions = "customresourcedefinitions.apiextensions.k8s.io";

const model::ApiResource* find_resource(const kube::Discovery& discovery, std::string_view name) {
    const auto& all = discovery.resources;
    const auto found = std::find_if(
        all.begin(), all.end(), [name](const auto& resource) { return resource.name() == name; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace

KindVersions learn_kind_versions(kube::Client& client,
                                 const kube::Discovery& discovery,
                                 const std::string& server_version,
                                 const std::stop_token& stop) {
    const auto& all = discovery.resources;
    const bool is_any_custom = std::any_of(
        all.begin(), all.end(), [](const auto& resource) { return may_be_custom(resource.group); });
    const auto* resource = find_resource(discovery, kDefinitions);
    KindVersions::Definitions definitions;
    if (!is_any_custom || resource == nullptr) {
        return KindVersions(server_version, {});
    }
    const auto note = [&](std::string_view item) {
        const model::Object object(*resource, std::string(item));
        const auto generation = object.json().integer_at({"metadata", "generation"});
        // One without a generation may change without a sign of it.
        if (generation > 0) {
            definitions[object.key().name] = std::to_string(generation);
        }
    };
    kube::ListOptions options;
    options.stop = stop;
    kube::ListHandler handler;
    handler.on_item = note;
    handler.on_restart = [&definitions] { definitions.clear(); };
    handler.on_metadata = [&note](const auto& items) {
        std::for_each(items.begin(), items.end(), note);
        return kube::PageVerdict::Taken;
    };
    const auto failure = failure_of([&] { list_objects(client, *resource, options, handler); });
    throw_if_stopped(stop);
    return KindVersions(server_version, failure ? KindVersions::Definitions() : definitions);
}

std::string find_newest_version(kube::Client& client,
                                const model::ApiResource& resource,
                                const std::string& ns,
                                const std::stop_token& stop) {
    kube::ApiRequest request;
    request.path = kube::resource_path(resource, resource.namespaced ? ns : std::string());
    request.query = {{"limit", "1"}};
    request.asked = {"list", resource.group, resource.plural, ns, ""};
    request.stop = stop;
    std::string version;
    const auto failure = failure_of([&] {
        const auto response = client.exchange(request);
        if (response.is_success()) {
            version = kube::split_list(response.body).resource_version;
        }
    });
    throw_if_stopped(stop);
    return failure ? std::string() : version;
}

}  // namespace backup::capture
