// SPDX-License-Identifier: Apache-2.0
// The text of an HTTP/1.1 answer (RFC 9112), as far as a protocol upgrade needs it.
#pragma once

#include "core/net/http.hpp"

namespace backup::net {

/// Status line and header lines, up to and with the empty line. Throws CorruptData.
Response parse_http_head(std::string_view text);

/// The content of a chunked body; what does not parse is left out: it only serves to explain.
std::string join_http_chunks(std::string_view text);

}  // namespace backup::net
