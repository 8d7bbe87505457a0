// SPDX-License-Identifier: Apache-2.0
// A parity blob as it is, and the same bytes as what is left of a pack.
#include "core/repository/parity.hpp"
#include "tests/fuzz/repository_world.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    // Whatever pack the blob says it is of.
    content::Digest pack{};
    if (input.size() >= 48) {
        std::copy_n(input.data() + 16, pack.size(), pack.begin());
    }
    fuzz::expect_refusal_or_success([&] { Parity(input, pack, "parity").heal({}); });
    return fuzz::expect_refusal_or_success([&] { Parity(input, pack, "parity").heal(input); });
}
