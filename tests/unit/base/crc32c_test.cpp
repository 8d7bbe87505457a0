// SPDX-License-Identifier: Apache-2.0
#include "core/base/crc32c.hpp"

#include "tests/support/catch.hpp"

using namespace backup;

TEST_CASE("crc32c agrees with the examples of RFC 3720 appendix B.4") {
    Bytes zeros(32);
    CHECK(crc32c(zeros) == 0x8a9136aaU);
    CHECK(crc32c(Bytes(32, std::byte{0xff})) == 0x62a8ab43U);
    Bytes counting(32);
    for (std::size_t i = 0; i < counting.size(); ++i) {
        counting[i] = static_cast<std::byte>(i);
    }
    CHECK(crc32c(counting) == 0x46dd794eU);
    CHECK(crc32c(as_bytes("123456789")) == 0xe3069283U);
    const ByteView whole = counting;
    CHECK(crc32c(whole.subspan(13), crc32c(whole.first(13))) == crc32c(whole));
}
