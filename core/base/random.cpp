// SPDX-License-Identifier: Apache-2.0
#include "core/base/random.hpp"

#include "core/base/error.hpp"

#include <array>
#include <cerrno>
#include <sys/random.h>

namespace backup {

std::uint64_t Random::number() {
    std::array<std::byte, sizeof(std::uint64_t)> raw{};
    fill(raw);
    return load_le<std::uint64_t>(raw.data());
}

Bytes Random::bytes(std::size_t count) {
    Bytes out(count);
    fill(out);
    return out;
}

void SystemRandom::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const auto count = ::getrandom(out.data(), out.size(), 0);
        if (count >= 0) {
            out = out.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            throw system_error(errno, "getrandom");
        }
    }
}

}  // namespace backup
