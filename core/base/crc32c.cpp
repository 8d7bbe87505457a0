// SPDX-License-Identifier: Apache-2.0
#include "core/base/crc32c.hpp"

#include <array>

namespace backup {

namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr std::uint32_t kReflectedPolynomial = 0x82f63b78U;

constexpr Table make_table() {
    Table table{};
    for (std::uint32_t value = 0; value < 256; ++value) {
        std::uint32_t crc = value;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kReflectedPolynomial : 0U);
        }
        table[0][value] = crc;
    }
    for (std::size_t slice = 1; slice < table.size(); ++slice) {
        for (std::size_t value = 0; value < 256; ++value) {
            const std::uint32_t crc = table[slice - 1][value];
            table[slice][value] = (crc >> 8U) ^ table[0][crc & 0xffU];
        }
    }
    return table;
}

constexpr Table kTable = make_table();

std::uint32_t eight_bytes(std::uint32_t crc, const std::byte* at) {
    const std::uint32_t low = crc ^ load_le<std::uint32_t>(at);
    const std::uint32_t high = load_le<std::uint32_t>(at + 4);
    return kTable[7][low & 0xffU] ^ kTable[6][(low >> 8U) & 0xffU] ^
           kTable[5][(low >> 16U) & 0xffU] ^ kTable[4][low >> 24U] ^ kTable[3][high & 0xffU] ^
           kTable[2][(high >> 8U) & 0xffU] ^ kTable[1][(high >> 16U) & 0xffU] ^
           kTable[0][high >> 24U];
}

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t before) {
    std::uint32_t crc = ~before;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        crc = eight_bytes(crc, at);
    }
    for (; left > 0; --left, ++at) {
        crc = (crc >> 8U) ^ kTable[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xffU];
    }
    return ~crc;
}

}  // namespace backup
