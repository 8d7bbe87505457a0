// SPDX-License-Identifier: Apache-2.0
// The filter of an index segment: a decoded one can be asked anything, and comes back as it was.
#include "core/repository/index_filter.hpp"
#include "tests/fuzz/repository_world.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    return fuzz::expect_refusal_or_success([&] {
        const auto filter = IndexFilter::decode(input, "index");
        for (std::size_t at = 0; at + sizeof(content::ShortId) <= std::min<std::size_t>(size, 4096);
             ++at) {
            content::ShortId id;
            std::copy_n(input.data() + at, id.bytes.size(), id.bytes.begin());
            static_cast<void>(filter.may_contain(id));
        }
        if (filter.size_bytes() != 0) {
            const auto again = filter.encode();
            if (again.size() != size || again[0] != input[0] ||
                !std::equal(again.begin() + 4, again.end(), input.begin() + 4)) {
                std::abort();
            }
        }
    });
}
