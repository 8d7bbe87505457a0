// SPDX-License-Identifier: Apache-2.0
// Which resources an API server has: aggregated discovery where it is offered (1.26 and newer), the
// plain documents otherwise.
#pragma once

#include "core/base/problem.hpp"
#include "core/kube/client.hpp"

namespace backup::kube {

struct Discovery {
    /// One entry for each resource, in its group's preferred version (or the first that has it).
    /// The same objects served by two groups are listed once: apps before extensions, events.k8s.io
    /// before core events. Subresources are left out.
    std::vector<model::ApiResource> resources;
    /// Every other version and group the server offers for them.
    std::vector<model::ApiResource> other_versions;
    /// Group versions whose server did not answer ("metrics.k8s.io/v1beta1"); their objects are
    /// unknown.
    std::vector<Problem> problems;

    /// By plural, singular, short name or kind, with or without ".group" or ".version.group", as
    /// kubectl takes it; nullptr when there is none.
    const model::ApiResource* find(std::string_view word) const;
    /// The same; throws NotFound with "did you mean".
    const model::ApiResource& get(std::string_view word) const;
    /// The resource of an object's apiVersion and kind, in any version that is served.
    const model::ApiResource* find_kind(std::string_view api_version, std::string_view kind) const;
};

Discovery discover(Client& client, std::stop_token stop = {});

}  // namespace backup::kube
