// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/point_argument.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::plugin;
using backup::testing::error_code_of;

TEST_CASE("a path of the tree stays as it is, without slashes at its ends") {
    const auto path = parse_path("shop-1:namespaces/shop/manifests.yaml");
    CHECK(path.point == "shop-1");
    CHECK(path.path == "namespaces/shop/manifests.yaml");
    CHECK(parse_path("shop-1:/namespaces//shop/./volumes/").path == "namespaces/shop/volumes");
    CHECK(parse_path("shop-1:point.yaml").path == "point.yaml");
    CHECK(parse_path("shop-1").path.empty());
    CHECK(parse_path("shop-1:").path.empty());
    CHECK(parse_path("shop-1:/").path.empty());
}

TEST_CASE("the short form of a volume's path is written out") {
    CHECK(parse_path("shop-1:shop/data-0/etc/my.cnf").path ==
          "namespaces/shop/volumes/data-0/etc/my.cnf");
    CHECK(parse_path("shop-1:shop/data-0").path == "namespaces/shop/volumes/data-0");
    CHECK(parse_path("shop-1:shop").path == "namespaces/shop");
    CHECK(parse_path("shop-1:shop/data-0/a:b").path == "namespaces/shop/volumes/data-0/a:b");
}

TEST_CASE("the parts of a namespace can be named without the long beginning") {
    CHECK(parse_path("p:shop/manifests.yaml").path == "namespaces/shop/manifests.yaml");
    CHECK(parse_path("p:shop/manifests/pods/x.yaml").path ==
          "namespaces/shop/manifests/pods/x.yaml");
    CHECK(parse_path("p:shop/volumes/data-0").path == "namespaces/shop/volumes/data-0");
}

TEST_CASE("latest with a namespace and latest with a path") {
    CHECK(parse_path("latest:shop") == PathArgument{"latest:shop", "namespaces/shop"});
    CHECK(parse_path("latest:shop:shop/data-0/x") ==
          PathArgument{"latest:shop", "namespaces/shop/volumes/data-0/x"});
    CHECK(parse_path("latest:shop:") == PathArgument{"latest:shop", ""});
    CHECK(parse_path("latest:shop/data-0/x") ==
          PathArgument{"latest", "namespaces/shop/volumes/data-0/x"});
    CHECK(parse_path("latest:namespaces") == PathArgument{"latest", "namespaces"});
    CHECK(parse_path("latest:point.yaml") == PathArgument{"latest", "point.yaml"});
    CHECK(parse_path("latest~2:cluster/manifests") ==
          PathArgument{"latest~2", "cluster/manifests"});
    CHECK(parse_path("latest:shop~1") == PathArgument{"latest:shop~1", "namespaces/shop"});
    CHECK(parse_path("latest") == PathArgument{"latest", ""});
}

TEST_CASE("a time has colons of its own") {
    CHECK(parse_path("@2026-11-20T10:00Z:shop/data-0/x:y") ==
          PathArgument{"@2026-11-20T10:00Z", "namespaces/shop/volumes/data-0/x:y"});
    CHECK(parse_path("@2026-11-20T10:00:30Z") == PathArgument{"@2026-11-20T10:00:30Z", ""});
    CHECK(parse_path("@2026-11-20T10:00:30+01:00:shop").path == "namespaces/shop");
    CHECK(parse_path("@2026-11-20T10:00:30.25Z:shop").point == "@2026-11-20T10:00:30.25Z");
    CHECK(parse_path("@2026-11-20:shop").path == "namespaces/shop");
    CHECK(parse_path("@2h:shop/data-0") == PathArgument{"@2h", "namespaces/shop/volumes/data-0"});
}

TEST_CASE("a path needs a point") {
    for (const auto* text : {"", ":shop", "@", "@:shop"}) {
        INFO(text);
        CHECK(error_code_of([text] { return parse_path(text); }) == ErrorCode::Usage);
    }
    CHECK(has_path("latest:"));
    CHECK_FALSE(has_path("latest"));
    CHECK_FALSE(has_path("@2026-11-20T10:00Z"));
}

TEST_CASE("a path never leaves the tree") {
    CHECK(error_code_of([] { return parse_path("p:shop/../x"); }) == ErrorCode::Usage);
    CHECK(error_code_of([] { return parse_path("p:.."); }) == ErrorCode::Usage);
    CHECK(parse_path("p:shop/data/..x").path == "namespaces/shop/volumes/data/..x");
}

TEST_CASE("a place in a pod") {
    const auto pod = parse_pod_path("shop/web-0:/srv/data");
    REQUIRE(pod.has_value());
    CHECK(*pod == PodPathArgument{"shop", "web-0", "", "/srv/data"});
    CHECK(parse_pod_path("shop/web-0/app:/x")->container == "app");
    CHECK(parse_pod_path("web-0:/x")->name_space.empty());
    CHECK(parse_pod_path("shop/web-0:/a:b")->path == "/a:b");
}

TEST_CASE("a local path is no place in a pod") {
    for (const auto* text : {".", "file", "dir/file", "/abs:x", "./a:b", "../a:b"}) {
        INFO(text);
        CHECK_FALSE(parse_pod_path(text).has_value());
    }
}

TEST_CASE("a bad place in a pod is refused") {
    for (const auto* text : {"shop/web-0:rel", "shop/:/x", ":/x", "a/b/c/d:/x", "shop/web:"}) {
        INFO(text);
        CHECK(error_code_of([text] { return parse_pod_path(text).has_value(); }) ==
              ErrorCode::Usage);
    }
}
