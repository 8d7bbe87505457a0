// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4): guards messages against a damaged stream. It is no
// proof against forgery; content is proven by its keyed id.
#pragma once

#include "core/base/bytes.hpp"

#include <cstdint>

namespace backup {

/// Checksum of `bytes`; give the result of the piece before to go on with the next.
std::uint32_t crc32c(ByteView bytes, std::uint32_t before = 0);

}  // namespace backup
