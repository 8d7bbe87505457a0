// SPDX-License-Identifier: Apache-2.0
#include "core/net/http_head.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace backup::net {

namespace {

std::string_view take_line(std::string_view& text) {
    const auto end = text.find("\r\n");
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    return line;
}

int parse_status(std::string_view line) {
    int status = 0;
    const auto code = line.substr(0, 5) == "HTTP/" && line.size() >= 12 ? line.substr(9, 3) : "";
    const auto [end, problem] = std::from_chars(code.data(), code.data() + code.size(), status);
    if (code.empty() || problem != std::errc{} || end != code.data() + 3 || status < 100) {
        throw Error(ErrorCode::CorruptData, "the server's answer is not HTTP");
    }
    return status;
}

}  // namespace

Response parse_http_head(std::string_view text) {
    Response response;
    response.status = parse_status(take_line(text));
    while (!text.empty()) {
        const auto line = take_line(text);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos) {
            response.headers.emplace_back(to_lower(line.substr(0, colon)),
                                          trim(line.substr(colon + 1)));
        }
    }
    return response;
}

std::string join_http_chunks(std::string_view text) {
    std::string body;
    while (!text.empty()) {
        const auto line = take_line(text);
        std::size_t size = 0;
        const auto parsed = std::from_chars(line.data(), line.data() + line.size(), size, 16);
        if (parsed.ec != std::errc{} || size == 0) {
            break;
        }
        size = std::min(size, text.size());
        body += text.substr(0, size);
        text.remove_prefix(std::min(size + 2, text.size()));
    }
    return body;
}

}  // namespace backup::net
