// SPDX-License-Identifier: Apache-2.0
#include "core/net/sha1.hpp"

#include <bit>

namespace backup::net {

namespace {

using State = std::array<std::uint32_t, 5>;

std::uint32_t load_be(const std::byte* in) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        value = (value << 8U) | std::to_integer<std::uint32_t>(in[i]);
    }
    return value;
}

void mix(State& state, const std::byte* block) {
    std::array<std::uint32_t, 80> word;
    for (std::size_t i = 0; i < 80; ++i) {
        word[i] = i < 16 ? load_be(block + 4 * i)
                         : std::rotl(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (std::size_t i = 0; i < 80; ++i) {
        std::uint32_t f = b ^ c ^ d;
        std::uint32_t k = i < 40 ? 0x6ed9eba1U : 0xca62c1d6U;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999U;
        } else if (i >= 40 && i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdcU;
        }
        const auto next = std::rotl(a, 5) + f + e + k + word[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

}  // namespace

std::array<std::byte, 20> sha1(ByteView message) {
    State state{0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
    auto padded = to_bytes(message);
    padded.push_back(std::byte{0x80});
    padded.resize((padded.size() + 8 + 63) / 64 * 64);
    const auto bits = static_cast<std::uint64_t>(message.size()) * 8;
    for (std::size_t i = 0; i < 8; ++i) {
        padded[padded.size() - 1 - i] = static_cast<std::byte>((bits >> (8 * i)) & 0xffU);
    }
    for (std::size_t at = 0; at < padded.size(); at += 64) {
        mix(state, padded.data() + at);
    }
    std::array<std::byte, 20> digest;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        digest[i] = static_cast<std::byte>((state[i / 4] >> (24 - 8 * (i % 4))) & 0xffU);
    }
    return digest;
}

}  // namespace backup::net
