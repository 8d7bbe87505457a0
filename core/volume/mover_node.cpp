// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_node.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/mover_api.hpp"
#include "core/volume/mover_pod_spec.hpp"

namespace backup::volume {

namespace {

constexpr std::string_view kHostName = "kubernetes.io/hostname";

/// Nothing when it may not be looked at.
struct Look {
    bool is_allowed = true;
    std::optional<Json> object;
};

Look look_at(kube::Client& client,
             const model::ApiResource& resource,
             const std::string& name,
             const std::stop_token& stop) {
    Look look;
    const auto failure = failure_of([&] {
        look.object = client.find({resource, {}, name}, {.subresource = {}, .stop = stop});
    });
    look.is_allowed = !failure;
    if (failure && failure->code() != ErrorCode::Forbidden) {
        throw Error(*failure);
    }
    return look;
}

const Json::Array& items_at(const Json& document, std::initializer_list<std::string_view> path) {
    static const Json::Array kNone;
    const Json* found = document.find_path(path);
    return found != nullptr && found->is_array() ? found->items() : kNone;
}

void add_hosts(const Json& volume, std::vector<std::string>& nodes) {
    for (const auto& term :
         items_at(volume, {"spec", "nodeAffinity", "required", "nodeSelectorTerms"})) {
        for (const auto& rule : items_at(term, {"matchExpressions"})) {
            if (rule.text_at({"key"}) != kHostName || rule.text_at({"operator"}) != "In") {
                continue;
            }
            for (const auto& value : items_at(rule, {"values"})) {
                nodes.push_back(value.is_string() ? value.string() : std::string());
            }
        }
    }
}

}  // namespace

std::optional<NodeTrouble> trouble_of_node(const std::string& name, const Json* node) {
    if (node == nullptr) {
        return NodeTrouble{true, concat("cluster node ", printable(name), " is gone")};
    }
    for (const auto& condition : items_at(*node, {"status", "conditions"})) {
        if (condition.text_at({"type"}) == "Ready" && condition.text_at({"status"}) != "True") {
            const auto message = condition.text_at({"message"}, condition.text_at({"reason"}));
            return NodeTrouble{false,
                               concat("cluster node ",
                                      printable(name),
                                      " is not ready",
                                      message.empty() ? "" : ": ",
                                      printable(message))};
        }
    }
    return std::nullopt;
}

std::optional<NodeTrouble> find_node_trouble(kube::Client& client,
                                             const std::string& name,
                                             const std::stop_token& stop) {
    const MoverApi api;
    const auto look = look_at(client, api.nodes, name, stop);
    return look.is_allowed ? trouble_of_node(name, look.object ? &*look.object : nullptr)
                           : std::nullopt;
}

std::vector<std::string> find_nodes_of(kube::Client& client,
                                       const std::vector<ClaimFacts>& claims,
                                       const std::stop_token& stop) {
    const MoverApi api;
    if (auto node = required_node(claims); !node.empty()) {
        return {std::move(node)};
    }
    std::vector<std::string> nodes;
    for (const auto& claim : claims) {
        if (!claim.consumer && !claim.volume.empty()) {
            const auto look = look_at(client, api.volumes, claim.volume, stop);
            if (look.object) {
                add_hosts(*look.object, nodes);
            }
        }
    }
    return nodes;
}

std::optional<NodeTrouble> find_trouble_of(kube::Client& client,
                                           const std::vector<ClaimFacts>& claims,
                                           const std::stop_token& stop) {
    std::optional<NodeTrouble> trouble;
    for (const auto& node : find_nodes_of(client, claims, stop)) {
        auto found = find_node_trouble(client, node, stop);
        if (!found) {
            return std::nullopt;
        }
        if (!trouble || trouble->is_gone) {
            trouble = std::move(found);
        }
    }
    return trouble;
}

}  // namespace backup::volume
