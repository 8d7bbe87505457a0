// SPDX-License-Identifier: Apache-2.0
#include "core/capture/scope.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using backup::testing::error_of;

TEST_CASE("without a word about namespaces the default one is meant", "[scope]") {
    const Scope scope = make_scope({}, "shop");
    CHECK(scope.namespaces == std::vector<std::string>{"shop"});
    CHECK_FALSE(scope.spans_cluster());
    CHECK(describe_scope(scope) == "shop");
    CHECK(format_json(to_json(scope)) == R"({"namespaces":["shop"]})");
}

TEST_CASE("a star is all namespaces", "[scope]") {
    ScopeFlags flags;
    flags.namespaces = {"*"};
    const Scope scope = make_scope(flags, "shop");
    CHECK(scope.all_namespaces);
    CHECK(scope.namespaces.empty());
    CHECK(scope.is_whole_cluster());
    CHECK(describe_scope(scope) == "all");
}

TEST_CASE("excluding a namespace alone means all the others", "[scope]") {
    ScopeFlags flags;
    flags.exclude_namespaces = {"test-*"};
    const Scope scope = make_scope(flags, "shop");
    CHECK(scope.all_namespaces);
    CHECK(describe_scope(scope) == "selected");
}

TEST_CASE("lists are taken apart and each word counts once", "[scope]") {
    ScopeFlags flags;
    flags.namespaces = {"shop, web", "shop", "data"};
    flags.include_resources = {"deploy,secrets"};
    const Scope scope = make_scope(flags, "default");
    CHECK(scope.namespaces == std::vector<std::string>{"shop", "web", "data"});
    CHECK(scope.include_resources == std::vector<std::string>{"deploy", "secrets"});
    CHECK(describe_scope(scope) == "3-namespaces");
}

TEST_CASE("selectors narrow, and are not split at commas", "[scope]") {
    ScopeFlags flags;
    flags.all_namespaces = true;
    flags.selectors = {"app=web,tier=front", "app in (a,b)"};
    flags.annotated = true;
    const Scope scope = make_scope(flags, "default");
    CHECK(scope.is_narrow());
    CHECK_FALSE(scope.is_whole_cluster());
    CHECK(scope.selectors.size() == 2);
    REQUIRE(scope.annotations.size() == 1);
    CHECK(scope.annotations[0].key == "kubectl-backup/include");
    CHECK(format_json(to_json(scope)) ==
          R"x({"allNamespaces":true,"selectors":["app=web,tier=front","app in (a,b)"],)x"
          R"x("annotations":["kubectl-backup/include=true"]})x");
}

TEST_CASE("words that were not typed are the defaults", "[scope]") {
    ScopeFlags flags;
    flags.cluster_resources.clear();
    flags.volumes.clear();
    const Scope scope = make_scope(flags, "default");
    CHECK(scope.cluster_resources == ClusterResources::Auto);
    CHECK(scope.volumes == VolumeMode::Auto);
    flags.volumes = "snapshot";
    flags.cluster_resources = "none";
    CHECK(format_json(to_json(make_scope(flags, "shop"))) ==
          R"({"namespaces":["shop"],"clusterResources":"none","volumes":"snapshot"})");
}

TEST_CASE("each wrong flag is named", "[scope]") {
    ScopeFlags flags;
    std::string expected;
    SECTION("namespace") {
        flags.namespaces = {"Shop"};
        expected = "--namespace: 'Shop'";
    }
    SECTION("empty namespace") {
        flags.namespaces = {"shop,"};
        expected = "--namespace has an empty value";
    }
    SECTION("both") {
        flags.namespaces = {"shop"};
        flags.all_namespaces = true;
        expected = "exclude each other";
    }
    SECTION("selector") {
        flags.selectors = {"a in b"};
        expected = "--selector: label selector 'a in b'";
    }
    SECTION("empty selector") {
        flags.namespace_selectors = {" "};
        expected = "--namespace-selector has an empty value";
    }
    SECTION("annotation") {
        flags.annotations = {"=x"};
        expected = "--annotation: ";
    }
    SECTION("cluster resources") {
        flags.cluster_resources = "some";
        expected = "--cluster-resources: unknown value 'some'";
    }
    SECTION("volumes") {
        flags.volumes = "fast";
        expected = "--volumes: unknown value 'fast'";
    }
    const auto error = error_of([&] { return make_scope(flags, "default"); });
    CHECK_THAT(std::string(error.what()), contains(expected));
    CHECK(error.exit_code() == 2);
}
