// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_image.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/list.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/mover_pod_spec.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

namespace backup::volume {

namespace {

constexpr std::size_t kMostNodeImages = 3;
constexpr std::size_t kMostPodImages = 3;
constexpr int kLooks = 3;
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

void tolerate_refusal(const std::function<void()>& action) {
    const auto failure = failure_of(action);
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
}

/// Which nodes have which images: not the nodes, of which there may be thousands.
class ImageCount {
  public:
    void add(const Json& node) {
        const Json* images = node.find_path({"status", "images"});
        if (images == nullptr || !images->is_array()) {
            return;
        }
        for (const auto& image : images->items()) {
            const auto name = best_name(image);
            if (!name.empty()) {
                auto& found = by_name_[name];
                found = {name, found.nodes + 1, image.integer_at({"sizeBytes"})};
            }
        }
    }

    void forget() { by_name_.clear(); }

    std::vector<std::string> smallest() const {
        std::vector<Found> sorted;
        for (const auto& [name, found] : by_name_) {
            sorted.push_back(found);
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

  private:
    struct Found {
        std::string name;
        std::size_t nodes = 0;
        std::int64_t bytes = 0;
    };

    std::map<std::string, Found> by_name_;
};

std::vector<std::string> look_at_nodes(kube::Client& client,
                                       const std::string& node,
                                       const std::stop_token& stop) {
    const MoverApi api;
    ImageCount count;
    tolerate_refusal([&] {
        if (!node.empty()) {
            if (const auto object =
                    client.find({api.nodes, {}, node}, {.subresource = {}, .stop = stop})) {
                count.add(*object);
            }
            return;
        }
        kube::ListOptions options;
        options.stop = stop;
        kube::list_objects(
            client,
            api.nodes,
            options,
            {[&](std::string_view item) { count.add(parse_json(item)); }, [&] { count.forget(); }});
    });
    return count.smallest();
}

/// Until there are `most` of them.
void add_images_of(const Json& pod,
                   const std::string& node,
                   std::size_t most,
                   std::vector<std::string>& images) {
    const Json* containers = pod.find_path({"spec", "containers"});
    const bool is_there = pod.text_at({"status", "phase"}) == "Running" &&
                          (node.empty() || pod.text_at({"spec", "nodeName"}) == node);
    if (!is_there || containers == nullptr || !containers->is_array()) {
        return;
    }
    for (const auto& container : containers->items()) {
        if (images.size() < most) {
            add_once(images, container.text_at({"image"}));
        }
    }
}

}  // namespace

std::vector<std::string> smallest_images(const std::vector<Json>& nodes) {
    ImageCount count;
    for (const auto& node : nodes) {
        count.add(node);
    }
    return count.smallest();
}

std::vector<std::string> NodeImages::list(kube::Client& client,
                                          const std::string& node,
                                          const std::stop_token& stop) {
    const auto find_known = [&]() -> std::optional<std::vector<std::string>> {
        auto known = known_.lock();
        const auto found = known->find(node);
        return found == known->end() ? std::nullopt : std::optional(found->second);
    };
    if (auto images = find_known()) {
        return *images;
    }
    // Not under the lock: a server that is slow for one must not keep all others.
    auto images = look_at_nodes(client, node, stop);
    return known_.lock()->emplace(node, std::move(images)).first->second;
}

MoverImages::MoverImages(kube::Client& client,
                         NodeImages& nodes,
                         std::string ns,
                         const std::vector<ClaimFacts>& claims,
                         std::stop_token stop)
    : client_(client),
      nodes_(nodes),
      ns_(std::move(ns)),
      node_(required_node(claims)),
      stop_(std::move(stop)) {
    for (const auto& claim : claims) {
        if (claim.consumer) {
            add_once(images_, claim.consumer->image);
        }
    }
}

std::optional<std::string> MoverImages::find_next() {
    while (given_ == images_.size() && looks_ < kLooks) {
        const auto failure = failure_of([this] { look_further(); });
        // Why those before did not do says more than a server that gives no answer now.
        if (failure && (given_ == 0 || !kube::is_without_answer(failure->code()))) {
            throw Error(*failure);
        }
    }
    return given_ == images_.size() ? std::nullopt : std::optional(images_[given_++]);
}

void MoverImages::look_further() {
    switch (looks_++) {
        case 0:
            add_node_images();
            return;
        case 1:
            add_pod_images();
            return;
        default:
            for (const char* image : kWellKnown) {
                add_once(images_, image);
            }
    }
}

void MoverImages::add_node_images() {
    for (const auto& image : nodes_.list(client_, node_, stop_)) {
        add_once(images_, image);
    }
}

void MoverImages::add_pod_images() {
    const MoverApi api;
    const auto most = images_.size() + kMostPodImages;
    auto found = images_;
    kube::ListOptions options;
    options.ns = ns_;
    options.field_selector =
        concat("status.phase=Running", node_.empty() ? "" : ",spec.nodeName=", node_);
    options.stop = stop_;
    const auto take = [&](std::string_view item) {
        if (found.size() < most) {
            add_images_of(parse_json(item), node_, most, found);
        }
    };
    tolerate_refusal([&] {
        kube::list_objects(client_, api.pods, options, {take, [&] { found = images_; }});
    });
    images_ = std::move(found);
}

}  // namespace backup::volume
