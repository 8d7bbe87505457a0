// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/kube/kubeconfig.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using backup::ErrorCode;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    backup::kube::Environment environment;
    environment.variable = [](std::string_view) { return std::optional<std::string>(); };
    try {
        auto kubeconfig = backup::kube::parse_kubeconfig(text, "/nowhere");
        // Files that a hostile kubeconfig names are not opened here.
        for (auto& [name, cluster] : kubeconfig.clusters) {
            cluster.ca_file.clear();
        }
        for (auto& [name, user] : kubeconfig.users) {
            user.certificate_file.clear();
            user.key_file.clear();
        }
        const auto config = backup::kube::resolve_cluster(kubeconfig, {}, environment);
        if (config.server.starts_with("http:") && !config.token.empty()) {
            std::abort();
        }
    } catch (const backup::Error& error) {
        if (error.code() != ErrorCode::InvalidArgument &&
            error.code() != ErrorCode::KubeconfigInvalid) {
            std::abort();
        }
    }
    return 0;
}
