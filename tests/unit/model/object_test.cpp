// SPDX-License-Identifier: Apache-2.0
#include "core/model/object.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::model;
using testing::error_code_of;

namespace {

ApiResource deployments() {
    ApiResource resource;
    resource.group = "apps";
    resource.version = "v1";
    resource.kind = "Deployment";
    resource.plural = "deployments";
    resource.verbs = {"get", "list"};
    resource.namespaced = true;
    return resource;
}

}  // namespace

TEST_CASE("a resource is called plural.group") {
    auto resource = deployments();
    CHECK(resource.name() == "deployments.apps");
    CHECK(resource.api_version() == "apps/v1");
    CHECK(resource.can("list"));
    CHECK_FALSE(resource.can("delete"));
    resource.group.clear();
    CHECK(resource.name() == "deployments");
    CHECK(resource.api_version() == "v1");
}

TEST_CASE("an object keeps its bytes and knows its key") {
    const std::string bytes =
        R"({"metadata":{"uid":"u1","name":"web","namespace":"shop","resourceVersion":"42"},"x":1.0})";
    const Object object(deployments(), bytes);
    CHECK(object.bytes() == bytes);
    CHECK(object.key() == ObjectKey{"deployments.apps", "shop", "web"});
    CHECK(format_object_key(object.key()) == "deployments.apps/shop/web");
    CHECK(object.uid() == "u1");
    CHECK(object.resource_version() == "42");
    CHECK_FALSE(object.is_terminating());
    CHECK(object.json().find("x")->number_text() == "1.0");
}

TEST_CASE("a deletionTimestamp makes an object terminating") {
    CHECK(Object(deployments(), R"({"metadata":{"name":"a","deletionTimestamp":"2026-01-01"}})")
              .is_terminating());
    CHECK_FALSE(Object(deployments(), R"({"metadata":{"name":"a","deletionTimestamp":null}})")
                    .is_terminating());
}

TEST_CASE("what has no name is no object") {
    const auto text = GENERATE(as<std::string>{},
                               "{}",
                               "[]",
                               R"({"metadata":null})",
                               R"({"metadata":{"name":7}})",
                               R"({"metadata":[]})");
    CAPTURE(text);
    CHECK(error_code_of([&] { return Object(deployments(), text).uid(); }) ==
          ErrorCode::InvalidArgument);
}
