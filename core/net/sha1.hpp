// SPDX-License-Identifier: Apache-2.0
// SHA-1 for the WebSocket handshake (RFC 6455 section 4.2.2), where it protects nothing. Not for
// anything else.
#pragma once

#include "core/base/bytes.hpp"

#include <array>

namespace backup::net {

std::array<std::byte, 20> sha1(ByteView message);

}  // namespace backup::net
