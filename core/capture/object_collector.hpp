// SPDX-License-Identifier: Apache-2.0
// Asks the API server for all objects in scope, several lists at a time, and afterwards for those
// that they need. A list that cannot be had is recorded and the others go on.
#pragma once

#include "core/base/progress.hpp"
#include "core/base/synchronized.hpp"
#include "core/capture/list_moment.hpp"
#include "core/capture/namespaces.hpp"
#include "core/capture/object_finder.hpp"
#include "core/capture/object_lister.hpp"
#include "core/capture/object_taker.hpp"
#include "core/kube/discovery.hpp"
#include "core/kube/list.hpp"
#include "core/model/ledger.hpp"

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

namespace backup::capture {

/// What is given must outlive the collector.
struct CollectorContext {
    kube::Client& client;
    const kube::Discovery& discovery;
    const Scope& scope;
    const ChosenNamespaces& namespaces;
    MakeObjectSink make_sink;
    Progress& progress;
    unsigned workers = 8;
    std::string server_version = {};
    PreviousObjects* previous = nullptr;  // what need not be fetched again
};

struct CollectedObjects {
    Findings findings;
    std::vector<model::ListRecord> lists;
    std::vector<model::ProblemRecord> problems;
    std::vector<std::string> warnings;
};

class ObjectCollector {
  public:
    explicit ObjectCollector(CollectorContext context);

    /// Throws what ends the whole run: the server is gone, the credentials are not accepted,
    /// nothing at all may be listed, the repository fails, stop was asked.
    CollectedObjects collect(const std::stop_token& stop);

  private:
    struct ListJob {
        const model::ApiResource* resource = nullptr;
        std::string ns;  // empty: over the whole cluster
        /// Only objects that somebody needs; empty: the rules decide.
        std::function<bool(const Json&)> is_needed;
        std::string why = {};  // those are needed

        bool is_wide() const { return resource->namespaced && ns.empty(); }
    };

    using Work = std::function<void(ObjectSink&, const std::stop_token&)>;

    void list_scope(const std::stop_token& stop);
    void find_moment(const std::vector<ListJob>& jobs, const std::stop_token& stop);
    void add_jobs(const model::ApiResource& resource, std::vector<ListJob>& jobs);
    void run_lists(std::vector<ListJob> jobs, const std::stop_token& stop);
    std::vector<ListJob> run_list(const ListJob& job,
                                  ObjectSink& sink,
                                  const std::stop_token& stop);
    kube::ListOptions options_for(const ListJob& job, const std::stop_token& stop) const;
    std::vector<ListJob> note_failure(const ListJob& job,
                                      const Error& failure,
                                      model::ListRecord record);
    void in_parallel(const Work& work, const std::stop_token& stop);

    void take_namespaces(const std::stop_token& stop);
    void list_needed(const std::stop_token& stop);
    void follow_links(const std::stop_token& stop);
    void want_definitions();
    void fetch_wanted(const std::stop_token& stop);
    void fetch(const model::ObjectKey& key,
               const Edge& edge,
               ObjectSink& sink,
               const std::stop_token& stop);
    void note_skips();
    const model::ApiResource* find_resource(std::string_view name) const;

    CollectorContext context_;
    ObjectTaker taker_;
    Synchronized<CollectedObjects> result_;
    std::set<model::ObjectKey> looked_at_;
    Names selecting_services_;
    KindVersions versions_;
    ListMoment moment_;
    ObjectFinder finder_;

    struct Access {
        bool was_granted = false;
        std::optional<Error> first_refusal;
    };

    Synchronized<Access> access_;
};

}  // namespace backup::capture
