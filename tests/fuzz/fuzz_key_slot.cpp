// SPDX-License-Identifier: Apache-2.0
// A key slot and a key file, both read before anything is authentic.
#include "core/repository/keys.hpp"
#include "tests/fuzz/repository_world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace backup;
    using namespace backup::repository;
    const ByteView input = std::as_bytes(std::span(data, size));
    fuzz::expect_refusal_or_success([&] { unwrap_with_key_file(input, {}); });
    fuzz::expect_refusal_or_success([&] { slot_repository(input); });
    return fuzz::expect_refusal_or_success([&] {
        const auto key = parse_key_file(as_text(input));
        if (parse_key_file(format_key_file(key)).secret != key.secret) {
            std::abort();
        }
    });
}
