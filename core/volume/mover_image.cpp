// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_image.hpp"

#include "core/base/task_group.hpp"
#include "core/kube/list.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/mover_pod_spec.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace backup::volume {

namespace {

constexpr std::size_t kMostNodeImages = 3;
constexpr std::size_t kMostPodImages = 3;
constexpr std::array<const char*, 4> kWellKnown{"registry.k8s.io/pause:3.10",
                                                "registry.k8s.io/pause:3.9",
                                                "k8s.gcr.io/pause:3.2",
                                                "mcr.microsoft.com/oss/kubernetes/pause:3.9"};

void add_once(std::vector<std::string>& images, const std::string& image) {
    if (!image.empty() && std::ranges::find(images, image) == images.end()) {
        images.push_back(image);
    }
}

/// A tag rather than a digest: images loaded by hand have no digest that could be asked for.
std::string best_name(const Json& image) {
    std::string best;
    if (const Json* names = image.find("names"); names != nullptr && names->is_array()) {
        for (const auto& name : names->items()) {
            if (!name.is_string() || name.string().find("<none>") != std::string::npos) {
                continue;
            }
            if (best.empty() || best.find('@') != std::string::npos) {
                best = name.string();
            }
        }
    }
    return best;
}

/// Everything of the kind, or nothing when it may not be listed.
std::vector<Json> list_allowed(kube::Client& client,
                               const model::ApiResource& resource,
                               const std::string& ns,
                               const std::stop_token& stop) {
    std::vector<Json> found;
    kube::ListOptions options;
    options.ns = ns;
    options.stop = stop;
    const auto failure = failure_of([&] {
        kube::list_objects(client,
                           resource,
                           options,
                           {[&](std::string_view item) { found.push_back(parse_json(item)); },
                            [&] { found.clear(); }});
    });
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    return found;
}

std::vector<Json> list_nodes(kube::Client& client,
                             const std::string& node,
                             const std::stop_token& stop) {
    const MoverApi api;
    if (node.empty()) {
        return list_allowed(client, api.nodes, "", stop);
    }
    std::vector<Json> found;
    const auto failure = failure_of([&] {
        if (auto object = client.find({api.nodes, {}, node}, {.subresource = {}, .stop = stop})) {
            found.push_back(std::move(*object));
        }
    });
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    return found;
}

void add_pod_images(std::vector<std::string>& images,
                    const std::vector<Json>& pods,
                    const std::string& node) {
    const auto most = images.size() + kMostPodImages;
    for (const auto& pod : pods) {
        const Json* containers = pod.find_path({"spec", "containers"});
        const bool is_there = pod.text_at({"status", "phase"}) == "Running" &&
                              (node.empty() || pod.text_at({"spec", "nodeName"}) == node);
        if (!is_there || containers == nullptr || !containers->is_array()) {
            continue;
        }
        for (const auto& container : containers->items()) {
            if (images.size() < most) {
                add_once(images, container.text_at({"image"}));
            }
        }
    }
}

}  // namespace

std::vector<std::string> smallest_images(const std::vector<Json>& nodes) {
    struct Found {
        std::string name;
        std::size_t nodes = 0;
        std::int64_t bytes = 0;
    };

    std::map<std::string, Found> by_name;
    for (const auto& node : nodes) {
        const Json* images = node.find_path({"status", "images"});
        if (images == nullptr || !images->is_array()) {
            continue;
        }
        for (const auto& image : images->items()) {
            const auto name = best_name(image);
            if (!name.empty()) {
                auto& found = by_name[name];
                found = {name, found.nodes + 1, image.integer_at({"sizeBytes"})};
            }
        }
    }
    std::vector<Found> sorted;
    for (auto& [name, found] : by_name) {
        sorted.push_back(std::move(found));
    }
    std::ranges::sort(sorted, [](const Found& left, const Found& right) {
        return left.nodes != right.nodes ? left.nodes > right.nodes : left.bytes < right.bytes;
    });
    std::vector<std::string> names;
    for (std::size_t i = 0; i < sorted.size() && i < kMostNodeImages; ++i) {
        names.push_back(sorted[i].name);
    }
    return names;
}

std::vector<std::string> list_mover_images(kube::Client& client,
                                           const std::string& ns,
                                           const std::vector<ClaimFacts>& claims,
                                           std::stop_token stop) {
    std::vector<std::string> images;
    for (const auto& claim : claims) {
        if (claim.consumer) {
            add_once(images, claim.consumer->image);
        }
    }
    const MoverApi api;
    const auto node = required_node(claims);
    for (const auto& image : smallest_images(list_nodes(client, node, stop))) {
        add_once(images, image);
    }
    add_pod_images(images, list_allowed(client, api.pods, ns, stop), node);
    for (const char* image : kWellKnown) {
        add_once(images, image);
    }
    return images;
}

}  // namespace backup::volume
