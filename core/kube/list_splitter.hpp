// SPDX-License-Identifier: Apache-2.0
// Cuts the JSON of a list into the exact bytes of its items, without building a document.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::kube {

struct ListPage {
    std::vector<std::string_view> items;  // into the body
    std::string kind;                     // "PodList", "PartialObjectMetadataList"
    std::string resource_version;
    std::string continue_token;
    std::optional<std::int64_t> remaining_item_count;
};

/// Throws InvalidArgument for what is not a list of objects. `body` may be hostile.
ListPage split_list(std::string_view body);

}  // namespace backup::kube
