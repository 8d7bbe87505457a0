// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/repository/extent_pages.hpp"

#include <cstdint>
#include <cstdlib>

// The last eight bytes are the end the page must have.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < sizeof(std::uint64_t)) {
        return 0;
    }
    const auto bytes = std::as_bytes(std::span(data, size));
    const auto page = bytes.first(size - sizeof(std::uint64_t));
    const auto end = backup::load_le<std::uint64_t>(bytes.data() + page.size());
    try {
        const auto extents = backup::repository::decode_extent_page(page, 0, end);
        if (backup::repository::find_extent(extents, end - 1) >= extents.size()) {
            std::abort();
        }
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::CorruptData) {
            std::abort();
        }
    }
    return 0;
}
