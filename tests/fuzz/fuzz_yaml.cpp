// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/yaml.hpp"

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace {

std::optional<backup::Json> read(std::string_view text) {
    try {
        return backup::parse_yaml(text);
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::InvalidArgument) {
            std::abort();
        }
        return std::nullopt;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto value = read({reinterpret_cast<const char*>(data), size});
    // What was read must be written so that it is read the same.
    if (value && read(backup::format_yaml(*value)) != value) {
        std::abort();
    }
    return 0;
}
