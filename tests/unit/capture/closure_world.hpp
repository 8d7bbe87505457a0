// SPDX-License-Identifier: Apache-2.0
// A cluster of documents, and what a selection of them brings along.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/closure.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backup::testing {

inline model::ApiResource make_kind(std::string_view name,
                                    std::string_view kind,
                                    bool namespaced = true) {
    auto resource = make_resource(name, namespaced);
    resource.kind = kind;
    return resource;
}

inline const std::vector<model::ApiResource>& closure_kinds() {
    static const std::vector<model::ApiResource> all = {
        make_kind("pods", "Pod"),
        make_kind("services", "Service"),
        make_kind("replicasets.apps", "ReplicaSet"),
        make_kind("deployments.apps", "Deployment"),
        make_kind("clusters.db.example.com", "Cluster"),
        make_kind("tenants.example.com", "Tenant", false)};
    return all;
}

/// A cluster of documents: what would be listed and fetched.
class ClosureWorld {
  public:
    void add(std::string_view resource,
             std::string_view ns,
             std::string_view name,
             const std::string& json) {
        const model::ObjectKey key{std::string(resource), std::string(ns), std::string(name)};
        auto document = parse_json(json);
        document["metadata"]["name"] = name;
        objects_[key] = capture::links_of(resource, key, document);
    }

    void add(capture::Links links) { objects_[links.key] = std::move(links); }

    const std::map<model::ObjectKey, capture::Links>& objects() const { return objects_; }

    /// What is stored in the end when `seeds` are chosen; the rest was seen but not chosen.
    std::map<model::ObjectKey, capture::Edge> close(const std::set<model::ObjectKey>& seeds) const {
        std::vector<model::ObjectKey> order;
        for (const auto& [key, links] : objects_) {
            order.push_back(key);
        }
        return close(seeds, order);
    }

    std::map<model::ObjectKey, capture::Edge> close(
        const std::set<model::ObjectKey>& seeds, const std::vector<model::ObjectKey>& order) const {
        capture::Closure closure(capture::Closure::make_resolve(closure_kinds()));
        std::map<model::ObjectKey, capture::Edge> stored;
        for (const auto& key : order) {
            if (seeds.contains(key)) {
                stored.try_emplace(key);
                closure.add(objects_.at(key));
            } else {
                closure.consider(objects_.at(key));
            }
        }
        for (;;) {
            const auto wanted = closure.take_wanted();
            if (wanted.empty()) {
                return stored;
            }
            for (const auto& [key, edge] : wanted) {
                // Once wanted is never wanted again: that is what ends circles.
                CHECK_FALSE(stored.contains(key));
                const auto found = objects_.find(key);
                if (found != objects_.end()) {
                    CHECK(stored.contains(edge.from));
                    stored.try_emplace(key, edge);
                    closure.add(found->second);
                }
            }
        }
    }

  private:
    std::map<model::ObjectKey, capture::Links> objects_;
};

}  // namespace backup::testing
