// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/kube/list_splitter.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto page = backup::kube::split_list(text);
        // What a strict parser takes must be cut at the same places.
        const auto document = backup::find_json(text);
        const auto* items = document ? document->find("items") : nullptr;
        const auto count = items != nullptr && items->is_array() ? items->items().size() : 0;
        if (document && count != page.items.size()) {
            std::abort();
        }
        for (std::size_t i = 0; document && i < count; ++i) {
            if (backup::parse_json(page.items[i]) != items->items()[i]) {
                std::abort();
            }
        }
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::InvalidArgument) {
            std::abort();
        }
    }
    return 0;
}
