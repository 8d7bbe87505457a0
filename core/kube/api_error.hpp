// SPDX-License-Identifier: Apache-2.0
// What an API server says when it refuses, as an Error that says what to do about it.
#pragma once

#include "core/base/error.hpp"
#include "core/net/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace backup::kube {

/// What was asked: for the message and for the RBAC rule a Forbidden hint names.
struct Asked {
    std::string verb;  // get, list, create, ...; several with commas
    std::string group;
    std::string resource;  // plural, with "/subresource"; empty: not about a resource
    std::string ns;
    std::string name;
};

/// meta/v1 Status, or what an HTTP answer without one amounts to.
struct Status {
    int code = 0;
    std::string reason;
    std::string message;
    std::string continue_token;  // of a 410 while listing
    std::optional<int> retry_after_seconds;
};

/// Never throws on strange bodies: they come from proxies too.
Status read_status(const net::Response& response);

/// The resourceVersion that was asked for is one the server has not seen yet: of another storage,
/// or the cluster went back in time.
bool is_unknown_version(const Status& status);

/// Unauthorized, Forbidden, KubeNotFound, AlreadyExists, KubeConflict, KubeExpired, KubeInvalid,
/// KubeThrottled or KubeServerError; the last two retryable.
Error api_error(const Status& status, const Asked& asked);

inline Error api_error(const net::Response& response, const Asked& asked) {
    return api_error(read_status(response), asked);
}

}  // namespace backup::kube
