// SPDX-License-Identifier: Apache-2.0
// What has to come along with chosen objects so that they can be restored elsewhere: follows their
// links until nothing new is found. Pure; who lists and fetches is object_collector.hpp.
#pragma once

#include "core/capture/edge.hpp"
#include "core/capture/links.hpp"
#include "core/model/api_resource.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace backup::capture {

/// Objects are told in any order, each once or more: the result is the same. What it costs is the
/// number of links, and for each namespace the product of selectors and different sets of labels.
/// An object is wanted at most once, so that circles end.
class Closure {
  public:
    /// The object that such a reference in namespace `ns` means; the key has no namespace when the
    /// kind is cluster-scoped. Empty when the cluster does not know the kind.
    using Resolve =
        std::function<std::optional<model::ObjectKey>(const KindRef& ref, const std::string& ns)>;

    explicit Closure(Resolve resolve) : resolve_(std::move(resolve)) {}

    /// By the kinds that a cluster has; keeps a reference.
    static Resolve make_resolve(const std::vector<model::ApiResource>& resources);

    /// An object that is stored.
    void add(const Links& links);

    /// One that was seen and is not: it may belong to a stored one, now or later.
    void consider(Links links);

    /// What was found to be needed since the last call, with the edge that was found first.
    std::map<model::ObjectKey, Edge> take_wanted();

  private:
    struct Selector {
        model::LabelSelector selector;
        model::ObjectKey from;  // of a candidate: itself; of a stored workload: that
        std::string why;
    };

    struct Pods {
        model::Labels labels;
        model::ObjectKey key;
    };

    /// Pods are matched with selectors within their namespace.
    struct Place {
        std::map<model::Labels, model::ObjectKey> stored_pods;  // labels, and one that has them
        std::vector<Selector> selecting;                        // candidates
        std::vector<Selector> makers;                           // stored
        std::vector<Pods> made;                                 // candidates
    };

    void want(const model::ObjectKey& key, const model::ObjectKey& from, std::string_view why);
    void provide(const model::ObjectKey& token, const model::ObjectKey& from);
    void attach(const model::ObjectKey& token,
                const model::ObjectKey& candidate,
                const std::string& why);
    void add_pods(const Links& links);
    void add_maker(const Links& links);

    Resolve resolve_;
    std::set<model::ObjectKey> stored_;
    std::set<model::ObjectKey> wanted_;
    std::map<model::ObjectKey, Edge> pending_;
    /// What candidates can be attached to: stored objects and groups of them.
    std::map<model::ObjectKey, model::ObjectKey> provided_;
    std::map<model::ObjectKey, std::vector<Reference>> waiting_;
    std::map<std::string, Place, std::less<>> places_;
};

}  // namespace backup::capture
