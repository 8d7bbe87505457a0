// SPDX-License-Identifier: Apache-2.0
#include "core/kube/access_review.hpp"

#include "core/base/each_at_once.hpp"
#include "core/base/text.hpp"

namespace backup::kube {

namespace {

constexpr std::size_t kMostAtOnce = 8;

bool is_allowed(Client& client, const Permission& permission, const std::stop_token& stop) {
    auto attributes = Json::object({{"verb", permission.verb},
                                    {"group", permission.group},
                                    {"resource", permission.resource}});
    if (!permission.subresource.empty()) {
        attributes["subresource"] = permission.subresource;
    }
    if (!permission.ns.empty()) {
        attributes["namespace"] = permission.ns;
    }
    ApiRequest request;
    request.method = "POST";
    request.path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    request.asked = {"create", "authorization.k8s.io", "selfsubjectaccessreviews", "", ""};
    request.stop = stop;
    request.body = format_json(
        Json::object({{"apiVersion", "authorization.k8s.io/v1"},
                      {"kind", "SelfSubjectAccessReview"},
                      {"spec", Json::object({{"resourceAttributes", std::move(attributes)}})}}));
    return parse_json(client.call(request).body).bool_at({"status", "allowed"});
}

}  // namespace

std::string format_permission(const Permission& permission) {
    auto text = concat(permission.verb, " ", permission.resource);
    if (!permission.group.empty()) {
        text += concat(".", permission.group);
    }
    if (!permission.subresource.empty()) {
        text += concat("/", permission.subresource);
    }
    return permission.ns.empty() ? text : concat(text, " in namespace ", permission.ns);
}

std::vector<Permission> find_denied(Client& client,
                                    const std::vector<Permission>& wanted,
                                    std::stop_token stop) {
    // Not vector<bool>: the workers write neighbouring entries.
    std::vector<char> denied(wanted.size(), 0);
    const auto ask = [&](std::size_t at, const std::stop_token& task_stop) {
        denied[at] = is_allowed(client, wanted[at], task_stop) ? 0 : 1;
    };
    each_at_once(wanted.size(), kMostAtOnce, ask, stop);
    std::vector<Permission> out;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (denied[i] != 0) {
            out.push_back(wanted[i]);
        }
    }
    return out;
}

}  // namespace backup::kube
