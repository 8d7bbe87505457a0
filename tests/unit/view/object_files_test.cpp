// SPDX-License-Identifier: Apache-2.0
#include "core/view/object_files.hpp"

#include "core/base/yaml.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/view/made_repository.hpp"

namespace backup::testing {
namespace {

std::string text_at(const view::NodePointer& root, std::string_view path) {
    return view::read_text(*view::get_path(root, path));
}

// A tree with one more object in shop.
TestNode with_object(const std::string& resource,
                     const std::string& name,
                     const std::string& json) {
    auto tree = make_shop();
    auto& shop = tree.children[1].children[1].children[0];
    shop.children.push_back(make_directory(resource, {make_text(name, json)}));
    return tree;
}

TEST_CASE("raw files are the bytes that were stored") {
    MadeRepository made;
    const std::string odd = R"( {"b" : 1.50, "a":[ ]}  )";
    const auto root =
        view::open_point(made.chunks(), made.commit("p", with_object("odds", "o", odd)));
    CHECK(text_at(root, "namespaces/shop/raw/odds/o.json") == odd);
}

TEST_CASE("manifests carry kind and version, and lack what the server sets") {
    MadeRepository made;
    const auto root = view::open_point(made.chunks(), made.commit("p", make_shop()));
    const auto yaml = text_at(root, "namespaces/shop/manifests/deployments.apps/web.yaml");
    CHECK(parse_yaml(yaml) == parse_json(R"({"apiVersion":"apps/v1","kind":"Deployment",
        "metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":2}})"));
    const auto config = text_at(root, "namespaces/shop/manifests/configmaps/settings.yaml");
    CHECK(parse_yaml(config).text_at({"data", "answer"}) == "yes");
    CHECK(parse_yaml(config).text_at({"data", "version"}) == "1e3");
}

TEST_CASE("a manifest has the object's creation time") {
    MadeRepository made;
    const auto root = view::open_point(made.chunks(), made.commit("p", make_shop()));
    const auto file = view::get_path(root, "namespaces/shop/manifests/deployments.apps/web.yaml");
    CHECK(file->info().attributes.mtime_ns == 1'700'000'000'000'000'000);
    CHECK(file->info().attributes.mode == 0400);
}

TEST_CASE("manifests.yaml has everything in restore order but what controllers make") {
    MadeRepository made;
    const auto root = view::open_point(made.chunks(), made.commit("p", make_shop()));
    const auto list = view::get_path(root, "namespaces/shop/manifests.yaml");
    const auto all = view::read_text(*list);
    const auto space = all.find("kind: Namespace");
    const auto config = all.find("kind: ConfigMap");
    const auto deployment = all.find("kind: Deployment");
    REQUIRE(deployment != std::string::npos);
    CHECK(space < config);
    CHECK(config < deployment);
    CHECK(all.find("kind: Pod") == std::string::npos);
    CHECK_THAT(all, starts_with("# Namespace shop: 3 objects"));
    CHECK_THAT(all, contains("Left out: 1 "));
    CHECK(all.find(text_at(root, "namespaces/shop/manifests/configmaps/settings.yaml")) !=
          std::string::npos);
    for (std::size_t offset = 0; offset <= all.size() + 1; ++offset) {
        REQUIRE(read_at(*list, offset, 40) == (offset < all.size() ? all.substr(offset, 40) : ""));
    }
}

TEST_CASE("manifests.yaml of a large namespace is read in pieces") {
    MadeRepository made;
    auto tree = make_shop();
    std::vector<TestNode> many;
    for (int i = 0; i < 2000; ++i) {
        const auto name = "c" + std::to_string(i);
        many.push_back(
            make_text(name, R"({"metadata":{"name":")" + name + R"("},"data":{"k":"v"}})"));
    }
    tree.children[1].children[1].children[0].children[0].children = many;
    const auto root = view::open_point(made.chunks(), made.commit("p", tree));
    const auto list = view::get_path(root, "namespaces/shop/manifests.yaml");
    std::string all;
    for (std::string piece; !(piece = read_at(*list, all.size(), 4096)).empty();) {
        all += piece;
    }
    CHECK(all.size() == list->info().attributes.size);
    CHECK(all == view::read_text(*list));
}

TEST_CASE("an object that is no JSON spoils only its own manifest") {
    MadeRepository made;
    const auto root =
        view::open_point(made.chunks(), made.commit("p", with_object("odds", "o", "{\"a\":")));
    const auto bad = view::get_path(root, "namespaces/shop/manifests/odds/o.yaml");
    const auto error = error_of([&] { return bad->info(); });
    CHECK_THAT(error.what(), contains("o"));
    CHECK(text_at(root, "namespaces/shop/raw/odds/o.json") == "{\"a\":");
    CHECK_FALSE(text_at(root, "namespaces/shop/manifests/deployments.apps/web.yaml").empty());
}

TEST_CASE("an unknown kind is shown as it is") {
    MadeRepository made;
    const auto root = view::open_point(
        made.chunks(),
        made.commit("p",
                    with_object("widgets.example.com",
                                "w",
                                R"({"apiVersion":"example.com/v1","kind":"Widget","x":1})")));
    const auto yaml =
        parse_yaml(text_at(root, "namespaces/shop/manifests/widgets.example.com/w.yaml"));
    CHECK(yaml.text_at({"kind"}) == "Widget");
}

TEST_CASE("names with another ending are not found") {
    MadeRepository made;
    const auto root = view::open_point(made.chunks(), made.commit("p", make_shop()));
    for (const auto* path : {"namespaces/shop/manifests/pods/web-1",
                             "namespaces/shop/manifests/pods/web-1.json",
                             "namespaces/shop/raw/pods/web-1.yaml",
                             "namespaces/shop/manifests/pods.yaml"}) {
        CHECK(view::find_path(root, path) == nullptr);
    }
}

}  // namespace
}  // namespace backup::testing
