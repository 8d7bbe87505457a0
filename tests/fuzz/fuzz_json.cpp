// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/json.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const auto value = backup::parse_json(text);
        if (backup::parse_json(backup::format_json(value)) != value ||
            backup::parse_json(backup::format_json_pretty(value)) != value) {
            std::abort();
        }
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::InvalidArgument) {
            std::abort();
        }
    }
    return 0;
}
