// SPDX-License-Identifier: Apache-2.0
// Lists of objects in pages: the exact bytes of each item, and whether all of them belong to one
// moment.
#pragma once

#include "core/kube/client.hpp"

namespace backup::kube {

struct ListOptions {
    std::string ns;  // empty: of the whole cluster
    std::string label_selector;
    std::string field_selector;
    /// Exactly as of this resourceVersion (resourceVersionMatch=Exact); empty: now.
    std::string resource_version;
    std::uint32_t page_size = 500;
    std::stop_token stop;
};

struct ListHandler {
    /// The bytes live until the call returns. What it throws ends the list.
    std::function<void(std::string_view item)> on_item;
    /// The list begins anew: forget what on_item got. When empty, a list that expired half-way goes
    /// on with newer objects at once.
    std::function<void()> on_restart;
};

struct ListResult {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::string resource_version;
    /// False: the list expired half-way more often than it was started again, so its later pages
    /// are of a later moment.
    bool is_consistent = true;
    std::uint32_t pages = 0;
};

/// Pages shrink to 100 and 25 items when the server takes too long. An expired continue token
/// (HTTP 410) starts the list again up to twice. Throws KubeExpired when `resource_version` is
/// gone.
ListResult list_objects(Client& client,
                        const model::ApiResource& resource,
                        const ListOptions& options,
                        const ListHandler& handler);

}  // namespace backup::kube
