// SPDX-License-Identifier: Apache-2.0
#include "core/net/http.hpp"

#include "core/base/text.hpp"

namespace backup::net {

const std::string* find_header(const Headers& headers, std::string_view name) {
    const auto wanted = to_lower(name);
    for (const auto& [key, value] : headers) {
        if (to_lower(key) == wanted) {
            return &value;
        }
    }
    return nullptr;
}

}  // namespace backup::net
