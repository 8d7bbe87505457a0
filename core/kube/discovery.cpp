// SPDX-License-Identifier: Apache-2.0
#include "core/kube/discovery.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/discovery_document.hpp"

#include <algorithm>
#include <set>

namespace backup::kube {

namespace {

// In this order: what was tried against servers from 1.20 to 1.36. Older ones ignore the
// parameters.
constexpr std::string_view kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json";
constexpr std::size_t kMostAtOnce = 8;

class Discoverer {
  public:
    Discoverer(Client& client, std::stop_token stop) : client_(client), stop_(std::move(stop)) {}

    std::vector<DiscoveredVersion> versions() {
        auto core = read("/api", &read_core_versions);
        auto groups = read("/apis", &read_group_list);
        core.insert(core.end(),
                    std::make_move_iterator(groups.begin()),
                    std::make_move_iterator(groups.end()));
        return core;
    }

    std::vector<Problem> take_problems() { return std::move(*problems_.lock()); }

  private:
    net::Response request(std::string path, std::string_view accept) {
        ApiRequest request;
        request.asked = {"get", "", "", "", path};
        request.path = std::move(path);
        request.accept = accept;
        request.stop = stop_;
        return client_.exchange(request);
    }

    std::vector<DiscoveredVersion> read(const std::string& path,
                                        std::vector<DiscoveredVersion> (*read_plain)(const Json&)) {
        const auto response = request(path, kAccept);
        // A server that only aggregates others has no /api.
        if (response.status == 404) {
            return {};
        }
        if (!response.is_success()) {
            throw api_error(response, {"get", "", "", "", path});
        }
        const auto document = parse_json(response.body);
        if (document.text_at({"kind"}) == "APIGroupDiscoveryList") {
            return read_aggregated_discovery(document);
        }
        auto versions = read_plain(document);
        read_each(versions);
        return versions;
    }

    void read_each(std::vector<DiscoveredVersion>& versions) {
        std::atomic<std::size_t> next = 0;
        TaskGroup workers(stop_);
        for (std::size_t i = 0; i < std::min(kMostAtOnce, versions.size()); ++i) {
            workers.start([&](const std::stop_token& stop) {
                for (auto at = next++; at < versions.size() && !stop.stop_requested();
                     at = next++) {
                    read_one(versions[at]);
                }
            });
        }
        workers.wait();
    }

    void read_one(DiscoveredVersion& version) {
        const auto path = (version.group.empty() ? "/api/" : "/apis/") + version.name();
        const auto response = request(path, "application/json");
        const auto document =
            response.is_success() ? find_json(response.body) : std::optional<Json>();
        if (document) {
            version.resources = read_resource_list(*document, version);
            return;
        }
        version.is_stale = true;
        const auto error = api_error(response, {"get", "", "", "", path});
        problems_.lock()->push_back({version.name(), error.what(), error.code()});
    }

    Client& client_;
    std::stop_token stop_;
    Synchronized<std::vector<Problem>> problems_;
};

/// Groups that once served the objects of another group: the same objects under an old name.
bool is_cohabitant_of(const model::ApiResource& old, const model::ApiResource& other) {
    if (old.plural != other.plural || old.kind != other.kind) {
        return false;
    }
    const bool is_old_workload =
        old.group == "extensions" &&
        (other.group == "apps" || other.group == "networking.k8s.io" || other.group == "policy");
    const bool is_old_event =
        old.plural == "events" && old.group.empty() && other.group == "events.k8s.io";
    return is_old_workload || is_old_event;
}

void drop_cohabitants(Discovery& discovery) {
    auto& resources = discovery.resources;
    const auto kept = std::stable_partition(
        resources.begin(), resources.end(), [&resources](const auto& resource) {
            return std::none_of(resources.begin(), resources.end(), [&](const auto& other) {
                return is_cohabitant_of(resource, other);
            });
        });
    discovery.other_versions.insert(discovery.other_versions.end(), kept, resources.end());
    resources.erase(kept, resources.end());
}

Discovery arrange(const std::vector<DiscoveredVersion>& versions) {
    Discovery discovery;
    std::set<std::string> seen;
    for (const auto& version : versions) {
        for (const auto& resource : version.resources) {
            auto& list = seen.insert(resource.name()).second ? discovery.resources
                                                             : discovery.other_versions;
            list.push_back(resource);
        }
    }
    drop_cohabitants(discovery);
    return discovery;
}

bool is_called(const model::ApiResource& resource, std::string_view word) {
    const auto& shorts = resource.short_names;
    return word == resource.plural || word == resource.singular ||
           word == to_lower(resource.kind) ||
           std::find(shorts.begin(), shorts.end(), word) != shorts.end();
}

bool matches(const model::ApiResource& resource, std::string_view word) {
    if (is_called(resource, word)) {
        return true;
    }
    const auto dot = word.find('.');
    if (dot == std::string_view::npos || !is_called(resource, word.substr(0, dot))) {
        return false;
    }
    const auto rest = word.substr(dot + 1);
    return rest == resource.group || rest == concat(resource.version, ".", resource.group);
}

}  // namespace

const model::ApiResource* Discovery::find(std::string_view word) const {
    const auto wanted = to_lower(word);
    for (const auto* list : {&resources, &other_versions}) {
        // The core group wins over a custom resource of the same name, as the server lists it
        // first.
        for (const auto& resource : *list) {
            if (matches(resource, wanted)) {
                return &resource;
            }
        }
    }
    return nullptr;
}

const model::ApiResource& Discovery::get(std::string_view word) const {
    if (const auto* found = find(word)) {
        return *found;
    }
    std::vector<std::string> known;
    for (const auto& resource : resources) {
        known.push_back(resource.plural);
        known.push_back(resource.name());
        known.insert(known.end(), resource.short_names.begin(), resource.short_names.end());
    }
    throw Error(ErrorCode::NotFound,
                concat("the server has no resource type '", printable(word), "'"))
        .hint(did_you_mean(word, known));
}

const model::ApiResource* Discovery::find_kind(std::string_view api_version,
                                               std::string_view kind) const {
    for (const auto* list : {&resources, &other_versions}) {
        for (const auto& resource : *list) {
            if (resource.kind == kind && resource.api_version() == api_version) {
                return &resource;
            }
        }
    }
    return nullptr;
}

Discovery discover(Client& client, std::stop_token stop) {
    Discoverer discoverer(client, std::move(stop));
    const auto versions = discoverer.versions();
    auto discovery = arrange(versions);
    discovery.problems = discoverer.take_problems();
    for (const auto& version : versions) {
        const bool is_known = std::any_of(
            discovery.problems.begin(), discovery.problems.end(), [&](const auto& problem) {
                return problem.subject == version.name();
            });
        if (version.is_stale && !is_known) {
            discovery.problems.push_back({version.name(),
                                          "the server of this API group does not answer",
                                          ErrorCode::KubeServerError});
        }
    }
    return discovery;
}

}  // namespace backup::kube
