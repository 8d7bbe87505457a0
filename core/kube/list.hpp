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
    std::uint32_t page_size = 500;  // at most; large items make smaller pages
    std::stop_token stop;
};

/// What is to become of a page whose objects came as metadata only.
enum class PageVerdict {
    Taken,         // that was enough
    Whole,         // this page once more, with whole objects, of the same moment
    WholeFromNow,  // and all that follow: comparing does not pay here
};

/// Bytes live until the call returns. What a function throws ends the list.
struct ListHandler {
    std::function<void(std::string_view item)> on_item;
    /// The list begins anew: forget what the others got. When empty, a list that expired half-way
    /// goes on with newer objects at once.
    std::function<void()> on_restart = {};
    /// With it, pages are asked for as PartialObjectMetadata (name, uid, resourceVersion, labels...
    /// and no more), and it gets the items of each. Servers that cannot do that give whole objects
    /// to on_item.
    std::function<PageVerdict(const std::vector<std::string_view>& items)> on_metadata = {};
    /// The resourceVersion, when the first page was taken; again after on_restart.
    std::function<void(const std::string& resource_version)> on_begin = {};
};

struct ListResult {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::string resource_version;  // that which was asked for, if one was
    /// False: the list expired half-way more often than it was started again, so its later pages
    /// are of a later moment.
    bool is_consistent = true;
    std::uint32_t pages = 0;  // of them, those that were taken as metadata:
    std::uint32_t metadata_pages = 0;
};

/// Pages hold about 4 MiB, and shrink to 100 and 25 items when the server takes too long (further
/// when they are too large). An expired continue token (HTTP 410) starts the list again up to
/// twice. Throws KubeExpired when `resource_version` is gone, or is not known to the server that
/// keeps these objects.
ListResult list_objects(Client& client,
                        const model::ApiResource& resource,
                        const ListOptions& options,
                        const ListHandler& handler);

}  // namespace backup::kube
