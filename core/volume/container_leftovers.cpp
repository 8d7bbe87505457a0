// SPDX-License-Identifier: Apache-2.0
#include "core/volume/container_leftovers.hpp"

#include "core/base/json.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/list.hpp"
#include "core/kube/watch.hpp"
#include "core/volume/container_mover.hpp"
#include "core/volume/container_spec.hpp"
#include "core/volume/mover_api.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace backup::volume {

namespace {

constexpr std::chrono::seconds kEndLimit{20};

struct Found {
    std::string ns;
    std::string pod;
    MoverContainer container;
};

std::vector<Found> list_containers(kube::Client& client,
                                   const std::string& ns,
                                   const std::stop_token& stop) {
    const MoverApi api;
    std::vector<Found> found;
    kube::ListOptions options;
    options.ns = ns;
    options.stop = stop;
    const auto look_at = [&](std::string_view item) {
        // All pods come by here.
        if (item.find("ephemeralContainers") == std::string_view::npos ||
            item.find(kEphemeralPrefix) == std::string_view::npos) {
            return;
        }
        const auto pod = parse_json(item);
        for (auto& container : find_mover_containers(pod)) {
            found.push_back({pod.text_at({"metadata", "namespace"}),
                             pod.text_at({"metadata", "name"}),
                             std::move(container)});
        }
    };
    kube::list_objects(client, api.pods, options, {look_at, [&] { found.clear(); }});
    return found;
}

CopyVerdict judge_owner(const MoverOwner& owner,
                        const CleanUpOptions& options,
                        const CopyJudge& judge) {
    if (auto verdict = judge.judge_owner(owner)) {
        return std::move(*verdict);
    }
    const auto host = owner.host.empty() ? std::string("an unknown machine") : owner.host;
    if (options.force) {
        return {true, concat("forced, although it belongs to a run on ", host)};
    }
    return {false,
            concat("it belongs to a run on ", host, " and ends by itself when that is gone")};
}

}  // namespace

EndContainer make_end_container(kube::Client& client, std::stop_token stop) {
    return [&client, stop = std::move(stop)](
               const std::string& ns, const std::string& pod, const std::string& container) {
        end_mover_container(client, ns, pod, container);
        const MoverApi api;
        kube::WaitOptions options;
        options.timeout = kEndLimit;
        options.what = concat("the end of container ", container, " of pod ", pod);
        options.stop = stop;
        kube::wait_until(
            client,
            {api.pods, ns, pod},
            [&](const Json* object) { return object == nullptr || !may_run(*object, container); },
            options);
    };
}

void clean_containers(kube::Client& client,
                      const CleanUpOptions& options,
                      const CopyJudge& judge,
                      const EndContainer& end,
                      CleanUpResult& result) {
    const auto namespaces =
        options.namespaces.empty() ? std::vector<std::string>{""} : options.namespaces;
    for (const auto& ns : namespaces) {
        std::vector<Found> all;
        const auto failure = failure_of([&] { all = list_containers(client, ns, options.stop); });
        // That pods may not be listed was told when those of the movers were looked for.
        if (failure && failure->code() != ErrorCode::Forbidden &&
            failure->code() != ErrorCode::KubeNotFound) {
            throw Error(*failure);
        }
        for (const auto& found : all) {
            const auto& owner = found.container.owner;
            auto verdict = judge_owner(owner, options, judge);
            Leftover leftover{"ephemeralcontainer",
                              found.ns,
                              concat(found.pod, "/", found.container.name),
                              owner.run_id,
                              owner.host,
                              verdict.is_dead,
                              std::move(verdict.reason)};
            const auto problem =
                verdict.is_dead && !options.dry_run
                    ? failure_of([&] { end(found.ns, found.pod, found.container.name); })
                    : std::nullopt;
            if (problem && problem->code() == ErrorCode::Interrupted) {
                throw Error(*problem);
            }
            if (problem) {
                leftover.is_removed = false;
                leftover.reason = "it could not be ended";
                result.problems.push_back(leftover_problem(
                    concat(leftover.kind, " ", found.ns, "/", leftover.name), *problem));
            }
            result.leftovers.push_back(std::move(leftover));
        }
    }
}

}  // namespace backup::volume
