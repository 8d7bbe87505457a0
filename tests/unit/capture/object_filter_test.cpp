// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_filter.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::make_facts;
using backup::testing::make_resource;

namespace {

KindFilter make_filter(std::vector<std::string> kinds) {
    KindFilter filter;
    filter.kinds = std::move(kinds);
    return filter;
}

bool passes_as(const std::vector<NamespaceFilter>& filters,
               std::string_view resource,
               std::string_view ns,
               std::string_view name,
               model::Labels labels = {}) {
    auto facts = make_facts(resource, ns, name);
    facts.labels = std::move(labels);
    return passes(filters, make_resource(resource, !ns.empty()), facts);
}

}  // namespace

TEST_CASE("without a filter for its namespace an object passes", "[object_filter]") {
    CHECK(passes_as({}, "pods", "shop", "web"));
    const NamespaceFilter other{{"data"}, {make_filter({"secrets"})}};
    CHECK(passes_as({other}, "pods", "shop", "web"));
    CHECK(passes_as({other}, "nodes", "", "n1"));
}

TEST_CASE("in a namespace with a filter only the kinds it names pass", "[object_filter]") {
    auto named = make_filter({"configmap", "deployments.apps"});
    named.names = {"app-*", "web"};
    named.exclude_names = {"*-tmp"};
    const std::vector<NamespaceFilter> filters = {{{"shop*"}, {named}}};
    CHECK(passes_as(filters, "configmaps", "shop", "app-1"));
    CHECK(passes_as(filters, "deployments.apps", "shop-2", "web"));
    CHECK_FALSE(passes_as(filters, "configmaps", "shop", "app-1-tmp"));
    CHECK_FALSE(passes_as(filters, "configmaps", "shop", "other"));
    CHECK_FALSE(passes_as(filters, "secrets", "shop", "app-1"));
}

TEST_CASE("one of the selectors has to match, and a filter may be for all other kinds",
          "[object_filter]") {
    auto pods = make_filter({"pods"});
    pods.selectors = {model::parse_label_selector("app=web"),
                      model::parse_label_selector("app=db,tier")};
    const std::vector<NamespaceFilter> filters = {{{"*"}, {KindFilter(), pods}}};
    CHECK(passes_as(filters, "pods", "shop", "a", {{"app", "web"}}));
    CHECK(passes_as(filters, "pods", "shop", "a", {{"app", "db"}, {"tier", "x"}}));
    CHECK_FALSE(passes_as(filters, "pods", "shop", "a", {{"app", "db"}}));
    CHECK(passes_as(filters, "secrets", "shop", "a"));
}

TEST_CASE("the first entry for a namespace counts", "[object_filter]") {
    const std::vector<NamespaceFilter> filters = {{{"team-a"}, {make_filter({"pods"})}},
                                                  {{"team-*"}, {make_filter({"secrets"})}}};
    CHECK(passes_as(filters, "pods", "team-a", "x"));
    CHECK_FALSE(passes_as(filters, "secrets", "team-a", "x"));
    CHECK(passes_as(filters, "secrets", "team-b", "x"));
}

TEST_CASE("cluster-scoped kinds without a filter pass", "[object_filter]") {
    auto classes = make_filter({"storageclasses"});
    classes.names = {"fast"};
    const std::vector<NamespaceFilter> filters = {{{}, {classes}}};
    CHECK(passes_as(filters, "storageclasses.storage.k8s.io", "", "fast"));
    CHECK_FALSE(passes_as(filters, "storageclasses.storage.k8s.io", "", "slow"));
    CHECK(passes_as(filters, "nodes", "", "n1"));
    CHECK(passes_as(filters, "pods", "shop", "web"));
}
