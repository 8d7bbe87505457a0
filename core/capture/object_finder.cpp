// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_finder.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/kube/list.hpp"

namespace backup::capture {

namespace {

std::string name_is(std::string_view name) {
    std::string selector = "metadata.name=";
    for (const char character : name) {
        if (character == '\\' || character == ',' || character == '=') {
            selector += '\\';
        }
        selector += character;
    }
    return selector;
}

}  // namespace

FoundObject list_one(kube::Client& client,
                     const model::ApiResource& resource,
                     const model::ObjectKey& key,
                     const std::string& version,
                     const std::stop_token& stop) {
    kube::ListOptions options;
    options.ns = key.ns;
    options.field_selector = name_is(key.name);
    options.resource_version = version;
    options.stop = stop;
    FoundObject found;
    kube::ListHandler handler;
    handler.on_item = [&](std::string_view item) {
        model::Object object(resource, std::string(item));
        if (object.key() == key) {
            found.object = std::move(object);
        }
    };
    found.resource_version = list_objects(client, resource, options, handler).resource_version;
    return found;
}

FoundObject ObjectFinder::find(const model::ApiResource& resource,
                               const model::ObjectKey& key,
                               const std::stop_token& stop) {
    const std::pair place(key.resource, key.ns);
    if (resource.can("list") && !unlistable_.lock()->contains(place)) {
        FoundObject found;
        const auto failure = failure_of([&] { found = find_in_list(resource, key, stop); });
        if (!failure || failure->code() == ErrorCode::KubeNotFound) {
            return found;
        }
        if (failure->code() != ErrorCode::Forbidden) {
            throw Error(*failure);
        }
        unlistable_.lock()->insert(place);
    }
    return get(resource, key, stop);
}

FoundObject ObjectFinder::find_in_list(const model::ApiResource& resource,
                                       const model::ObjectKey& key,
                                       const std::stop_token& stop) {
    const bool shares_storage = versions_.shares_storage(resource);
    const auto version = shares_storage ? moment_.version() : std::string();
    FoundObject found;
    auto failure = failure_of([&] { found = list_one(client_, resource, key, version, stop); });
    if (failure && failure->code() == ErrorCode::KubeExpired && !version.empty()) {
        moment_.expire(version);
        failure = failure_of([&] { found = list_one(client_, resource, key, {}, stop); });
    }
    if (failure) {
        throw Error(*failure);
    }
    if (shares_storage) {
        moment_.offer(found.resource_version);
    }
    return found;
}

FoundObject ObjectFinder::get(const model::ApiResource& resource,
                              const model::ObjectKey& key,
                              const std::stop_token& stop) {
    kube::ApiRequest request;
    request.path = kube::resource_path(resource, key.ns, key.name);
    request.asked = {"get", resource.group, resource.plural, key.ns, key.name};
    request.stop = stop;
    auto response = client_.exchange(request);
    FoundObject found;
    if (response.is_success()) {
        found.object.emplace(resource, std::move(response.body));
    } else if (response.status != 404) {
        throw kube::api_error(response, request.asked);
    }
    return found;
}

}  // namespace backup::capture
