// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_claim.hpp"

#include "core/base/task_group.hpp"
#include "core/kube/list.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_api.hpp"

#include <algorithm>

namespace backup::volume {

namespace {

const Json::Array& items_at(const Json& document, std::initializer_list<std::string_view> path) {
    static const Json::Array kNone;
    const Json* found = document.find_path(path);
    return found != nullptr && found->is_array() ? found->items() : kNone;
}

std::optional<std::int64_t> find_integer(const Json& document,
                                         std::initializer_list<std::string_view> path) {
    const Json* found = document.find_path(path);
    if (found == nullptr || !found->is_number()) {
        return std::nullopt;
    }
    return document.integer_at(path);
}

std::optional<std::int64_t> first_of(const std::optional<std::int64_t>& preferred,
                                     const std::optional<std::int64_t>& other) {
    return preferred ? preferred : other;
}

/// The pod's name for the claim's volume; empty when it has none.
std::string volume_of(const Json& pod, std::string_view claim) {
    for (const auto& volume : items_at(pod, {"spec", "volumes"})) {
        if (volume.text_at({"persistentVolumeClaim", "claimName"}) == claim) {
            return volume.text_at({"name"});
        }
        // The claim of a generic ephemeral volume is named after its pod.
        const auto name = volume.text_at({"name"});
        if (volume.find("ephemeral") != nullptr &&
            pod.text_at({"metadata", "name"}) + "-" + name == claim) {
            return name;
        }
    }
    return "";
}

bool mounts(const Json& container, const std::string& volume) {
    const auto is_of_volume = [&](const Json& mount) { return mount.text_at({"name"}) == volume; };
    return std::ranges::any_of(items_at(container, {"volumeMounts"}), is_of_volume) ||
           std::ranges::any_of(items_at(container, {"volumeDevices"}), is_of_volume);
}

const Json* find_container(const Json& pod, const std::string& volume) {
    for (const auto& container : items_at(pod, {"spec", "containers"})) {
        if (mounts(container, volume)) {
            return &container;
        }
    }
    const auto& containers = items_at(pod, {"spec", "containers"});
    return containers.empty() ? nullptr : &containers.front();
}

const Json* find_status(const Json& pod, const std::string& container) {
    for (const auto& status : items_at(pod, {"status", "containerStatuses"})) {
        if (status.text_at({"name"}) == container) {
            return &status;
        }
    }
    return nullptr;
}

void add_users(ClaimConsumer& consumer, const Json& pod, const Json& container) {
    consumer.run_as_user = first_of(find_integer(container, {"securityContext", "runAsUser"}),
                                    find_integer(pod, {"spec", "securityContext", "runAsUser"}));
    consumer.run_as_group = first_of(find_integer(container, {"securityContext", "runAsGroup"}),
                                     find_integer(pod, {"spec", "securityContext", "runAsGroup"}));
    // Reported since 1.31 (KEP-3619): what the image chose, when the manifest does not.
    if (const auto* status = find_status(pod, container.text_at({"name"}))) {
        consumer.run_as_user =
            first_of(consumer.run_as_user, find_integer(*status, {"user", "linux", "uid"}));
        consumer.run_as_group =
            first_of(consumer.run_as_group, find_integer(*status, {"user", "linux", "gid"}));
    }
    for (const auto& group : items_at(pod, {"spec", "securityContext", "supplementalGroups"})) {
        if (group.is_number()) {
            consumer.supplemental_groups.push_back(group.integer());
        }
    }
    // As fsGroup it would make the kubelet change the owner of every file.
    if (const auto group = find_integer(pod, {"spec", "securityContext", "fsGroup"})) {
        consumer.supplemental_groups.push_back(*group);
    }
}

bool is_preferred(const ClaimConsumer& candidate, const std::optional<ClaimConsumer>& current) {
    return !current || (candidate.is_running && !current->is_running) ||
           (!candidate.node.empty() && current->node.empty());
}

/// Fills in the consumers; none where pods may not be listed, or the server gives no answer.
void add_consumers(kube::Client& client,
                   const std::string& ns,
                   std::vector<ClaimFacts>& claims,
                   const std::stop_token& stop) {
    const MoverApi api;
    kube::ListOptions options;
    options.ns = ns;
    options.stop = stop;
    const auto look_at = [&](std::string_view item) {
        const auto pod = parse_json(item);
        for (auto& claim : claims) {
            auto consumer = find_consumer(pod, claim.name);
            if (consumer && is_preferred(*consumer, claim.consumer)) {
                claim.consumer = std::move(consumer);
            }
        }
    };
    const auto forget = [&] {
        for (auto& claim : claims) {
            claim.consumer.reset();
        }
    };
    const auto failure = failure_of([&] {
        list_objects(client, api.pods, options, {look_at, forget});
    });
    if (failure && failure->code() != ErrorCode::Forbidden &&
        !kube::is_without_answer(failure->code())) {
        throw Error(*failure);
    }
    for (auto& claim : claims) {
        claim.is_use_known = !failure;
        if (failure) {
            claim.consumer.reset();
        }
    }
}

/// Without the right to look at volumes, or without an answer: no.
bool is_on_some_nodes(kube::Client& client,
                      const std::string& volume,
                      const std::stop_token& stop) {
    const MoverApi api;
    bool is_bound = false;
    const auto failure = failure_of([&] {
        const auto document =
            client.find({api.volumes, {}, volume}, {.subresource = {}, .stop = stop});
        is_bound = document && document->find_path({"spec", "nodeAffinity", "required"}) != nullptr;
    });
    if (failure && failure->code() != ErrorCode::Forbidden &&
        !kube::is_without_answer(failure->code())) {
        throw Error(*failure);
    }
    return is_bound;
}

bool has_mode(const Json& claim, std::string_view mode) {
    return std::ranges::any_of(items_at(claim, {"spec", "accessModes"}), [&](const Json& item) {
        return item.is_string() && item.string() == mode;
    });
}

}  // namespace

std::optional<ClaimConsumer> find_consumer(const Json& pod, std::string_view claim) {
    const auto volume = volume_of(pod, claim);
    const auto phase = pod.text_at({"status", "phase"});
    if (volume.empty() || phase == "Succeeded" || phase == "Failed") {
        return std::nullopt;
    }
    ClaimConsumer consumer;
    consumer.pod = pod.text_at({"metadata", "name"});
    consumer.volume = volume;
    consumer.node = pod.text_at({"spec", "nodeName"});
    consumer.is_running = phase == "Running";
    if (const auto* tolerations = pod.find_path({"spec", "tolerations"})) {
        consumer.tolerations = *tolerations;
    }
    if (const auto* secrets = pod.find_path({"spec", "imagePullSecrets"})) {
        consumer.image_pull_secrets = *secrets;
    }
    if (const auto* container = find_container(pod, volume)) {
        consumer.image = container->text_at({"image"});
        consumer.selinux_level =
            container->text_at({"securityContext", "seLinuxOptions", "level"},
                               pod.text_at({"spec", "securityContext", "seLinuxOptions", "level"}));
        add_users(consumer, pod, *container);
    }
    return consumer;
}

std::vector<ClaimFacts> list_claim_facts(kube::Client& client,
                                         const std::string& ns,
                                         const std::vector<std::string>& claims,
                                         std::stop_token stop) {
    const MoverApi api;
    std::vector<ClaimFacts> all;
    for (const auto& claim : claims) {
        const Json document =
            client.get({api.claims, ns, claim}, {.subresource = {}, .stop = stop});
        auto& facts = all.emplace_back();
        facts.name = claim;
        facts.phase = document.text_at({"status", "phase"});
        facts.volume = document.text_at({"spec", "volumeName"});
        facts.is_block = document.text_at({"spec", "volumeMode"}) == "Block";
        facts.is_shared = has_mode(document, "ReadWriteMany") || has_mode(document, "ReadOnlyMany");
        facts.is_exclusive = has_mode(document, "ReadWriteOncePod");
    }
    add_consumers(client, ns, all, stop);
    for (auto& facts : all) {
        if (!facts.consumer && !facts.volume.empty()) {
            facts.is_on_some_nodes = is_on_some_nodes(client, facts.volume, stop);
        }
    }
    return all;
}

ClaimFacts get_claim_facts(kube::Client& client,
                           const std::string& ns,
                           const std::string& claim,
                           std::stop_token stop) {
    return std::move(list_claim_facts(client, ns, {claim}, std::move(stop)).front());
}

}  // namespace backup::volume
