// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/repository/page_codec.hpp"

#include <cstdint>
#include <cstdlib>

using backup::repository::ContentKind;
using backup::repository::PageView;

namespace {

// What a PageView lets through must be safe to follow.
void follow(const PageView& view) {
    for (std::uint32_t slot = 0; slot < view.directories(); ++slot) {
        const auto directory = view.directory(slot);
        for (std::uint32_t i = 0; i < directory.slices; ++i) {
            const auto slice = view.slice(directory.first_slice + i);
            if (slice.page != backup::repository::kThisPage) {
                view.page_reference(slice.page);
            }
        }
    }
    for (std::uint32_t i = 0; i < view.entries(); ++i) {
        const auto entry = view.entry(i);
        for (std::uint32_t k = 0; entry.content == ContentKind::Extents && k < entry.b; ++k) {
            view.extent(entry.a + k);
        }
        if (view.decode_entry(i).name != entry.name) {
            std::abort();
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        follow(PageView(std::as_bytes(std::span(data, size))));
    } catch (const backup::Error& error) {
        if (error.code() != backup::ErrorCode::CorruptData) {
            std::abort();
        }
    }
    return 0;
}
