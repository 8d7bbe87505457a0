// SPDX-License-Identifier: Apache-2.0
// What has to come along with chosen objects so that they can be restored elsewhere: follows their
// links until nothing new is found. Pure; who lists and fetches is object_collector.hpp.
#pragma once

#include "core/base/text_table.hpp"
#include "core/capture/edge.hpp"
#include "core/capture/label_table.hpp"
#include "core/capture/links.hpp"
#include "core/model/api_resource.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace backup::capture {

/// Objects are told in any order, each once or more: the result is the same. What it costs is the
/// number of links, and for each namespace the product of selectors and different sets of labels.
/// An object is wanted at most once, so that circles end. Keeps numbers instead of texts: some
/// hundred bytes for each object.
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
    void consider(const Links& links);

    /// What was found to be needed since the last call, with the edge that was found first.
    std::map<model::ObjectKey, Edge> take_wanted();

  private:
    using Id = TextTable::Id;

    struct Known {
        bool is_stored = false;
        bool is_wanted = false;
        /// Whether candidates can be attached to it, and which object brings it: stored objects
        /// bring themselves and groups.
        bool is_provided = false;
        Id provided_by = 0;
    };

    struct Tie {
        Id object;
        Id why;
    };

    struct Selector {
        LabelTable::Selector selector;
        Tie from;  // of a candidate: itself; of a stored workload: that
    };

    /// Pods are matched with selectors within their namespace; by the number of their labels.
    struct Place {
        std::unordered_map<Id, Id> stored_pods;        // one that has them
        std::vector<Selector> selecting;               // candidates
        std::vector<Selector> makers;                  // stored
        std::unordered_map<Id, std::vector<Id>> made;  // candidates
    };

    struct Pending {
        Id object;
        Tie from;
    };

    Id id_of(const model::ObjectKey& key);
    model::ObjectKey key_of(Id object) const;

    void want(Id object, Tie from);
    void provide(const model::ObjectKey& token, Id from);
    void attach(const model::ObjectKey& token, Id candidate, std::string_view why);
    void add_pods(const Links& links, Id object);
    void add_maker(const Links& links, Id object);
    void consider_selector(const Links& links, Id object);
    void consider_pod(const Links& links, Id object);

    Resolve resolve_;
    TextTable words_;  // resources, namespaces, reasons
    TextTable keys_;   // numbers of resource and namespace, and the name
    LabelTable labels_;
    std::vector<Known> known_;  // by the number of the key
    std::vector<Pending> pending_;
    std::unordered_map<Id, std::vector<Tie>> waiting_;  // by what they can be attached to
    std::unordered_map<Id, Place> places_;              // by namespace
};

}  // namespace backup::capture
