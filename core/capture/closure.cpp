// SPDX-License-Identifier: Apache-2.0
#include "core/capture/closure.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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

Closure::Id Closure::id_of(const model::ObjectKey& key) {
    const std::array<Id, 2> place = {words_.add(key.resource), words_.add(key.ns)};
    std::string packed(reinterpret_cast<const char*>(&place), sizeof(place));
    const auto id = keys_.add(packed += key.name);
    known_.resize(keys_.size());
    return id;
}

model::ObjectKey Closure::key_of(Id object) const {
    const auto packed = keys_.text(object);
    std::array<Id, 2> place{};
    std::memcpy(&place, packed.data(), sizeof(place));
    return {std::string(words_.text(place[0])),
            std::string(words_.text(place[1])),
            std::string(packed.substr(sizeof(place)))};
}

void Closure::add(const Links& links) {
    const auto& key = links.key;
    const auto object = id_of(key);
    if (std::exchange(known_[object].is_stored, true)) {
        return;
    }
    for (const auto& need : links.needs) {
        want(id_of(need.key), {object, words_.add(need.why)});
    }
    for (const auto& owner : links.owners) {
        if (const auto found = resolve_(owner, key.ns)) {
            want(id_of(*found), {object, words_.add(kOwner)});
        }
    }
    provide(key, object);
    for (const auto& group : links.groups) {
        provide(group, object);
    }
    add_pods(links, object);
    add_maker(links, object);
}

void Closure::consider(const Links& links) {
    const auto& key = links.key;
    const auto object = id_of(key);
    for (const auto& [token, why] : links.attached_to) {
        attach(token, object, why);
    }
    if (const auto target = links.scales ? resolve_(*links.scales, key.ns) : std::nullopt) {
        attach(*target, object, links.scales_why);
    }
    for (const auto& owner : links.owners) {
        const auto found = may_be_custom(owner.group) ? resolve_(owner, key.ns) : std::nullopt;
        // One that owns objects all over the cluster would bring them all.
        if (found && !found->ns.empty()) {
            attach(*found, object, kOwned);
        }
    }
    consider_selector(links, object);
    consider_pod(links, object);
}

void Closure::consider_selector(const Links& links, Id object) {
    if (!links.selects) {
        return;
    }
    auto& place = places_[words_.add(links.key.ns)];
    const auto why = words_.add(links.selects_why);
    auto selector = labels_.compile(*links.selects);
    for (const auto& [labels, pod] : place.stored_pods) {
        if (labels_.matches(selector, labels)) {
            want(object, {pod, why});
            break;
        }
    }
    place.selecting.push_back({std::move(selector), {object, why}});
}

void Closure::consider_pod(const Links& links, Id object) {
    if (!links.is_made || !links.pod_labels) {
        return;
    }
    auto& place = places_[words_.add(links.key.ns)];
    const auto labels = labels_.add(*links.pod_labels);
    for (const auto& maker : place.makers) {
        if (labels_.matches(maker.selector, labels)) {
            want(object, maker.from);
            break;
        }
    }
    place.made[labels].push_back(object);
}

std::map<model::ObjectKey, Edge> Closure::take_wanted() {
    std::map<model::ObjectKey, Edge> wanted;
    for (const auto& [object, from] : std::exchange(pending_, {})) {
        if (!known_[object].is_stored) {
            wanted.emplace(key_of(object),
                           Edge{key_of(from.object), std::string(words_.text(from.why))});
        }
    }
    return wanted;
}

void Closure::want(Id object, Tie from) {
    auto& known = known_[object];
    if (!known.is_stored && !std::exchange(known.is_wanted, true)) {
        pending_.push_back({object, from});
    }
}

void Closure::provide(const model::ObjectKey& key, Id from) {
    const auto token = id_of(key);
    if (std::exchange(known_[token].is_provided, true)) {
        return;
    }
    known_[token].provided_by = from;
    if (const auto waiting = waiting_.extract(token)) {
        for (const auto& candidate : waiting.mapped()) {
            want(candidate.object, {from, candidate.why});
        }
    }
}

void Closure::attach(const model::ObjectKey& key, Id candidate, std::string_view why) {
    const auto token = id_of(key);
    if (known_[token].is_provided) {
        want(candidate, {known_[token].provided_by, words_.add(why)});
    } else {
        waiting_[token].push_back({candidate, words_.add(why)});
    }
}

void Closure::add_pods(const Links& links, Id object) {
    if (!links.pod_labels) {
        return;
    }
    auto& place = places_[words_.add(links.key.ns)];
    const auto labels = labels_.add(*links.pod_labels);
    if (!place.stored_pods.emplace(labels, object).second) {
        return;
    }
    for (const auto& candidate : place.selecting) {
        if (labels_.matches(candidate.selector, labels)) {
            want(candidate.from.object, {object, candidate.from.why});
        }
    }
}

void Closure::add_maker(const Links& links, Id object) {
    if (!links.makes) {
        return;
    }
    auto& place = places_[words_.add(links.key.ns)];
    const Tie from{object, words_.add(kMade)};
    place.makers.push_back({labels_.compile(*links.makes), from});
    for (const auto& [labels, pods] : place.made) {
        if (labels_.matches(place.makers.back().selector, labels)) {
            for (const auto pod : pods) {
                want(pod, from);
            }
        }
    }
}

}  // namespace backup::capture
