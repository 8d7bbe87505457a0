// SPDX-License-Identifier: Apache-2.0
#include "core/kube/api_error.hpp"
#include "core/kube/exec_status.hpp"

#include <cstdint>

// Neither may throw: the bodies come from servers and from proxies in between.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const backup::net::Response response{size % 2 == 0 ? 410 : 503, {{"retry-after", text}}, text};
    static_cast<void>(backup::kube::api_error(response, {"list", "", "pods", "", text}));
    static_cast<void>(backup::kube::read_exec_status(text));
    return 0;
}
