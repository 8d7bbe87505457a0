// SPDX-License-Identifier: Apache-2.0
#include "core/capture/policy_source.hpp"

#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "core/volume/mover_api.hpp"

#include <optional>
#include <string>
#include <vector>

namespace backup::capture {

namespace {

struct ConfigMapName {
    std::string ns;
    std::string name;
};

std::optional<ConfigMapName> read_config_map_name(std::string_view source) {
    const auto parts = split(source, '/');
    if (parts.front() != "configmap" && parts.front() != "cm") {
        return std::nullopt;
    }
    if (parts.size() != 3 || parts[1].empty() || parts[2].empty()) {
        throw Error(ErrorCode::Usage, concat("'", printable(source), "' names no ConfigMap"))
            .hint("configmap/NAMESPACE/NAME; a file of that name: ./configmap/...");
    }
    return ConfigMapName{parts[1], parts[2]};
}

Json get_config_map(const ConfigMapName& name, kube::Client& client, const std::stop_token& stop) {
    kube::CallOptions options;
    options.stop = stop;
    auto found = client.find({volume::core_resource("ConfigMap", "configmaps"), name.ns, name.name},
                             options);
    if (!found) {
        throw Error(ErrorCode::KubeNotFound, "there is no such ConfigMap")
            .hint(concat("kubectl get configmaps -n ", name.ns, " lists those that are there"));
    }
    return *std::move(found);
}

}  // namespace

Policy load_policy(std::string_view source, kube::Client& client, const std::stop_token& stop) {
    return with_context(
        [source] { return concat("policy ", printable(source)); },
        [&] {
            if (const auto name = read_config_map_name(source)) {
                return parse_config_map_policy(get_config_map(*name, client, stop));
            }
            return parse_policy(as_text(read_file(std::string(source), kPolicyLimitBytes)));
        });
}

}  // namespace backup::capture
