// SPDX-License-Identifier: Apache-2.0
#include "core/model/manifest_order.hpp"

#include "tests/support/catch.hpp"

#include <string_view>
#include <vector>

namespace backup::model {
namespace {

TEST_CASE("what others need comes first") {
    const std::vector<std::string_view> order = {
        "customresourcedefinitions.apiextensions.k8s.io",
        "namespaces",
        "storageclasses.storage.k8s.io",
        "serviceaccounts",
        "configmaps",
        "persistentvolumes",
        "persistentvolumeclaims",
        "services",
        "widgets.example.com",
        "pods",
        "statefulsets.apps",
        "horizontalpodautoscalers.autoscaling",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "apiservices.apiregistration.k8s.io",
    };
    for (std::size_t i = 1; i < order.size(); ++i) {
        INFO(order[i]);
        CHECK(restore_rank(order[i - 1]) < restore_rank(order[i]));
    }
}

}  // namespace
}  // namespace backup::model
