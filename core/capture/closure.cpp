// SPDX-License-Identifier: Apache-2.0
#include "core/capture/closure.hpp"

#include <algorithm>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::string_view kOwner = "owner";
constexpr std::string_view kOwned = "is owned by it";
constexpr std::string_view kMade = "pod of its template";

}  // namespace

Closure::Resolve Closure::make_resolve(const std::vector<model::ApiResource>& resources) {
    return [&resources](const KindRef& ref,
                        const std::string& ns) -> std::optional<model::ObjectKey> {
        const auto found =
            std::find_if(resources.begin(), resources.end(), [&ref](const auto& resource) {
                return resource.group == ref.group && resource.kind == ref.kind;
            });
        if (found == resources.end() || ref.name.empty()) {
            return std::nullopt;
        }
        return model::ObjectKey{found->name(), found->namespaced ? ns : std::string(), ref.name};
    };
}

void Closure::add(const Links& links) {
    const auto& key = links.key;
    if (!stored_.insert(key).second) {
        return;
    }
    pending_.erase(key);
    for (const auto& need : links.needs) {
        want(need.key, key, need.why);
    }
    for (const auto& owner : links.owners) {
        if (const auto found = resolve_(owner, key.ns)) {
            want(*found, key, kOwner);
        }
    }
    provide(key, key);
    for (const auto& group : links.groups) {
        provide(group, key);
    }
    add_pods(links);
    add_maker(links);
}

void Closure::consider(Links links) {
    const auto key = links.key;
    for (auto& [token, why] : links.attached_to) {
        attach(token, key, why);
    }
    if (const auto target = links.scales ? resolve_(*links.scales, key.ns) : std::nullopt) {
        attach(*target, key, links.scales_why);
    }
    for (const auto& owner : links.owners) {
        const auto found = may_be_custom(owner.group) ? resolve_(owner, key.ns) : std::nullopt;
        // One that owns objects all over the cluster would bring them all.
        if (found && !found->ns.empty()) {
            attach(*found, key, std::string(kOwned));
        }
    }
    auto& place = places_[key.ns];
    if (links.selects) {
        for (const auto& [labels, pod] : place.stored_pods) {
            if (model::matches(*links.selects, labels)) {
                want(key, pod, links.selects_why);
                break;
            }
        }
        place.selecting.push_back({std::move(*links.selects), key, links.selects_why});
    }
    if (links.is_made && links.pod_labels) {
        for (const auto& maker : place.makers) {
            if (model::matches(maker.selector, *links.pod_labels)) {
                want(key, maker.from, kMade);
                break;
            }
        }
        place.made.push_back({std::move(*links.pod_labels), key});
    }
}

std::map<model::ObjectKey, Edge> Closure::take_wanted() {
    return std::exchange(pending_, {});
}

void Closure::want(const model::ObjectKey& key,
                   const model::ObjectKey& from,
                   std::string_view why) {
    if (!stored_.contains(key) && wanted_.insert(key).second) {
        pending_.emplace(key, Edge{from, std::string(why)});
    }
}

void Closure::provide(const model::ObjectKey& token, const model::ObjectKey& from) {
    if (!provided_.emplace(token, from).second) {
        return;
    }
    if (auto waiting = waiting_.extract(token)) {
        for (const auto& candidate : waiting.mapped()) {
            want(candidate.key, from, candidate.why);
        }
    }
}

void Closure::attach(const model::ObjectKey& token,
                     const model::ObjectKey& candidate,
                     const std::string& why) {
    const auto found = provided_.find(token);
    if (found != provided_.end()) {
        want(candidate, found->second, why);
    } else {
        waiting_[token].push_back({candidate, why});
    }
}

void Closure::add_pods(const Links& links) {
    if (!links.pod_labels) {
        return;
    }
    auto& place = places_[links.key.ns];
    if (!place.stored_pods.emplace(*links.pod_labels, links.key).second) {
        return;
    }
    for (const auto& candidate : place.selecting) {
        if (model::matches(candidate.selector, *links.pod_labels)) {
            want(candidate.from, links.key, candidate.why);
        }
    }
}

void Closure::add_maker(const Links& links) {
    if (!links.makes) {
        return;
    }
    auto& place = places_[links.key.ns];
    place.makers.push_back({*links.makes, links.key, std::string(kMade)});
    for (const auto& pod : place.made) {
        if (model::matches(*links.makes, pod.labels)) {
            want(pod.key, links.key, kMade);
        }
    }
}

}  // namespace backup::capture
