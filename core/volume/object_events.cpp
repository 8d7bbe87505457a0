// SPDX-License-Identifier: Apache-2.0
#include "core/volume/object_events.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/kube/list.hpp"
#include "core/volume/mover_api.hpp"

#include <utility>

namespace backup::volume {

std::optional<std::vector<Json>> find_events(kube::Client& client,
                                             const std::string& ns,
                                             const std::string& name,
                                             const std::stop_token& stop) {
    std::vector<Json> events;
    kube::ListOptions options;
    options.ns = ns;
    options.field_selector = concat("involvedObject.name=", name);
    options.stop = stop;
    const MoverApi api;
    const auto failure = failure_of([&] {
        kube::list_objects(client,
                           api.events,
                           options,
                           {[&](std::string_view item) { events.push_back(parse_json(item)); },
                            [&] { events.clear(); }});
    });
    if (failure && failure->code() == ErrorCode::Interrupted) {
        throw Error(*failure);
    }
    return failure ? std::nullopt : std::optional(std::move(events));
}

}  // namespace backup::volume
