// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_claim.hpp"

#include "core/base/task_group.hpp"
#include "core/kube/list.hpp"
#include "core/kube/refusal.hpp"
#include "core/volume/mover_api.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace backup::volume {

namespace {

/// Up to here claims are asked for one by one: a namespace may have many others.
constexpr std::size_t kFewClaims = 4;

using FactsByClaim = std::map<std::string, ClaimFacts, std::less<>>;
using LooksByClaim = std::map<std::string, ClaimLook*, std::less<>>;

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

/// Empty for a volume that is no claim's.
std::string claim_of(const Json& volume, const Json& pod) {
    if (volume.find("ephemeral") != nullptr) {
        // The claim of a generic ephemeral volume is named after its pod.
        return pod.text_at({"metadata", "name"}) + "-" + volume.text_at({"name"});
    }
    return volume.text_at({"persistentVolumeClaim", "claimName"});
}

/// The pod's name for the claim's volume; empty when it has none.
std::string volume_of(const Json& pod, std::string_view claim) {
    for (const auto& volume : items_at(pod, {"spec", "volumes"})) {
        if (claim_of(volume, pod) == claim) {
            return volume.text_at({"name"});
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

bool may_use_claims(std::string_view pod) {
    return pod.find("\"persistentVolumeClaim\"") != std::string_view::npos ||
           pod.find("\"ephemeral\"") != std::string_view::npos;
}

void add_consumer(const Json& pod, const LooksByClaim& looks) {
    for (const auto& volume : items_at(pod, {"spec", "volumes"})) {
        const auto found = looks.find(claim_of(volume, pod));
        if (found == looks.end()) {
            continue;
        }
        auto& known = found->second->facts.consumer;
        auto consumer = find_consumer(pod, found->first);
        if (consumer && is_preferred(*consumer, known)) {
            known = std::move(consumer);
        }
    }
}

/// Throws what is neither a refusal nor a server that gives no answer.
std::optional<Error> tolerate(const std::function<void()>& action) {
    auto failure = failure_of(action);
    if (failure && failure->code() != ErrorCode::Forbidden &&
        !kube::is_without_answer(failure->code())) {
        throw Error(*failure);
    }
    return failure;
}

/// Fills in the consumers; none where pods may not be listed, or the server gives no answer.
void add_consumers(kube::Client& client,
                   const std::string& ns,
                   const LooksByClaim& looks,
                   const std::stop_token& stop) {
    const MoverApi api;
    kube::ListOptions options;
    options.ns = ns;
    options.stop = stop;
    const auto look_at = [&](std::string_view item) {
        if (may_use_claims(item)) {
            add_consumer(parse_json(item), looks);
        }
    };
    const auto forget = [&] {
        for (const auto& [name, look] : looks) {
            look->facts.consumer.reset();
        }
    };
    const auto failure = tolerate([&] {
        list_objects(client, api.pods, options, {look_at, forget});
    });
    if (failure) {
        forget();
    }
    for (const auto& [name, look] : looks) {
        look->facts.is_use_known = !failure;
    }
}

/// Without the right to look at volumes, or without an answer: no.
bool is_on_some_nodes(kube::Client& client,
                      const std::string& volume,
                      const std::stop_token& stop) {
    const MoverApi api;
    std::optional<Json> document;
    tolerate([&] {
        document = client.find({api.volumes, {}, volume}, {.subresource = {}, .stop = stop});
    });
    return document && document->find_path({"spec", "nodeAffinity", "required"}) != nullptr;
}

bool has_mode(const Json& claim, std::string_view mode) {
    return std::ranges::any_of(items_at(claim, {"spec", "accessModes"}), [&](const Json& item) {
        return item.is_string() && item.string() == mode;
    });
}

ClaimFacts read_claim(const Json& document) {
    ClaimFacts facts;
    facts.name = document.text_at({"metadata", "name"});
    facts.phase = document.text_at({"status", "phase"});
    facts.volume = document.text_at({"spec", "volumeName"});
    facts.is_block = document.text_at({"spec", "volumeMode"}) == "Block";
    facts.is_shared = has_mode(document, "ReadWriteMany") || has_mode(document, "ReadOnlyMany");
    facts.is_exclusive = has_mode(document, "ReadWriteOncePod");
    return facts;
}

/// Of a list that is refused or breaks off, what came.
FactsByClaim list_claims(kube::Client& client,
                         const std::string& ns,
                         const std::vector<std::string>& claims,
                         const std::stop_token& stop) {
    const MoverApi api;
    const std::set<std::string_view> wanted(claims.begin(), claims.end());
    FactsByClaim found;
    kube::ListOptions options;
    options.ns = ns;
    options.stop = stop;
    const auto take = [&](std::string_view item) {
        auto facts = read_claim(parse_json(item));
        if (wanted.contains(facts.name)) {
            const auto name = facts.name;
            found.insert_or_assign(name, std::move(facts));
        }
    };
    tolerate([&] { list_objects(client, api.claims, options, {take, [&] { found.clear(); }}); });
    return found;
}

ClaimLook look_at_claim(kube::Client& client,
                        const std::string& ns,
                        const std::string& claim,
                        const std::stop_token& stop) {
    const MoverApi api;
    ClaimLook look;
    look.failure = failure_of([&] {
        look.facts =
            read_claim(client.get({api.claims, ns, claim}, {.subresource = {}, .stop = stop}));
    });
    if (look.failure && look.failure->code() == ErrorCode::Interrupted) {
        throw Error(*look.failure);
    }
    return look;
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

std::vector<ClaimLook> look_at_claims(kube::Client& client,
                                      const std::string& ns,
                                      const std::vector<std::string>& claims,
                                      const std::stop_token& stop) {
    auto listed =
        claims.size() > kFewClaims ? list_claims(client, ns, claims, stop) : FactsByClaim();
    std::vector<ClaimLook> looks;
    for (const auto& claim : claims) {
        const auto found = listed.find(claim);
        looks.push_back(found == listed.end() ? look_at_claim(client, ns, claim, stop)
                                              : ClaimLook{std::move(found->second), std::nullopt});
    }
    LooksByClaim by_claim;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        by_claim.emplace(claims[i], &looks[i]);
    }
    add_consumers(client, ns, by_claim, stop);
    return looks;
}

std::vector<ClaimFacts> list_claim_facts(kube::Client& client,
                                         const std::string& ns,
                                         const std::vector<std::string>& claims,
                                         std::stop_token stop) {
    std::vector<ClaimFacts> all;
    for (auto& look : look_at_claims(client, ns, claims, stop)) {
        if (look.failure) {
            throw Error(*look.failure);
        }
        all.push_back(std::move(look.facts));
    }
    return all;
}

void look_at_volumes(kube::Client& client,
                     std::vector<ClaimFacts>& claims,
                     const std::stop_token& stop) {
    for (auto& facts : claims) {
        if (!facts.consumer && !facts.volume.empty()) {
            facts.is_on_some_nodes = is_on_some_nodes(client, facts.volume, stop);
        }
    }
}

ClaimFacts get_claim_facts(kube::Client& client,
                           const std::string& ns,
                           const std::string& claim,
                           std::stop_token stop) {
    return std::move(list_claim_facts(client, ns, {claim}, std::move(stop)).front());
}

}  // namespace backup::volume
