// SPDX-License-Identifier: Apache-2.0
#include "core/capture/findings.hpp"

#include "core/base/text.hpp"
#include "core/repository/tree_names.hpp"

#include <iterator>
#include <utility>

namespace backup::capture {

namespace {

constexpr std::size_t kShownNames = 5;

}  // namespace

bool contains(const ObjectsByNamespace& objects, const model::ObjectKey& key) {
    const auto ns = objects.find(key.ns);
    if (ns == objects.end()) {
        return false;
    }
    const auto resource = ns->second.find(key.resource);
    return resource != ns->second.end() &&
           resource->second.contains(repository::escape_name(key.name));
}

std::uint64_t count_objects(const ObjectsByNamespace& objects) {
    std::uint64_t count = 0;
    for (const auto& [ns, resources] : objects) {
        for (const auto& [resource, names] : resources) {
            count += names.size();
        }
    }
    return count;
}

void Findings::add_skipped(const model::ObjectKey& key,
                           model::SkipReason reason,
                           std::string_view message) {
    auto& entry = skipped[{key.resource, key.ns, reason}];
    ++entry.count;
    if (entry.names.size() < kShownNames) {
        entry.names.push_back(key.name);
    }
    if (entry.message.empty()) {
        entry.message = message;
    }
}

void Findings::add_conflicts(std::vector<std::string> more) {
    for (auto& conflict : more) {
        if (conflicts.size() < kMostConflicts) {
            conflicts.push_back(std::move(conflict));
        }
    }
}

void Findings::merge(Findings&& other) {
    for (auto& [ns, resources] : other.objects) {
        for (auto& [resource, names] : resources) {
            objects[ns][resource].merge(std::move(names));
        }
    }
    for (auto& [key, theirs] : other.skipped) {
        auto& entry = skipped[key];
        entry.count += theirs.count;
        for (auto& name : theirs.names) {
            if (entry.names.size() < kShownNames) {
                entry.names.push_back(std::move(name));
            }
        }
        entry.message = entry.message.empty() ? std::move(theirs.message) : entry.message;
    }
    wanted.merge(other.wanted);
    links.merge(std::move(other.links));
    candidates.merge(std::move(other.candidates));
    rules.merge(std::move(other.rules));
    add_conflicts(std::move(other.conflicts));
    service_accounts.merge(other.service_accounts);
    selecting_services.merge(other.selecting_services);
    std::move(other.claims.begin(), other.claims.end(), std::back_inserter(claims));
    std::move(other.skipped_claims.begin(),
              other.skipped_claims.end(),
              std::back_inserter(skipped_claims));
}

std::string describe_skipped(const SkippedObjects& skipped) {
    std::string text = skipped.message.empty() ? "" : skipped.message + ": ";
    text += join(skipped.names, ", ");
    if (skipped.count > skipped.names.size()) {
        text += concat(" and ", skipped.count - skipped.names.size(), " more");
    }
    return printable(text);
}

}  // namespace backup::capture
