// SPDX-License-Identifier: Apache-2.0
#include "core/kube/list_splitter.hpp"

#include "core/base/error.hpp"
#include "core/model/json_scanner.hpp"

#include <charconv>

namespace backup::kube {

namespace {

void read_list_metadata(std::string_view metadata, ListPage& page) {
    model::for_each_member(metadata, [&page](std::string_view name, std::string_view value) {
        if (name == "resourceVersion") {
            page.resource_version = model::decode_string(value);
        } else if (name == "continue") {
            page.continue_token = model::decode_string(value);
        } else if (name == "remainingItemCount") {
            std::int64_t count = 0;
            const auto parsed = std::from_chars(value.data(), value.data() + value.size(), count);
            if (parsed.ec == std::errc{}) {
                page.remaining_item_count = count;
            }
        }
    });
}

void read_items(std::string_view items, ListPage& page) {
    model::for_each_item(items, [&page](std::string_view item) {
        if (item.front() != '{') {
            throw Error(ErrorCode::InvalidArgument, "an item of the list is not an object");
        }
        page.items.push_back(item);
    });
}

}  // namespace

ListPage split_list(std::string_view body) {
    ListPage page;
    bool has_items = false;
    model::for_each_member(body, [&](std::string_view name, std::string_view value) {
        if (name == "kind") {
            page.kind = model::decode_string(value);
        }
        if (name == "metadata" && value != "null") {
            read_list_metadata(value, page);
        }
        if (name == "items") {
            if (has_items) {
                throw Error(ErrorCode::InvalidArgument, "a list with two 'items'");
            }
            has_items = true;
            // Go writes an empty list as null.
            if (value != "null") {
                read_items(value, page);
            }
        }
    });
    if (!has_items) {
        throw Error(ErrorCode::InvalidArgument, "the answer is not a list");
    }
    return page;
}

}  // namespace backup::kube
