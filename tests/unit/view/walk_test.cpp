// SPDX-License-Identifier: Apache-2.0
#include "core/view/walk.hpp"

#include "core/view/synthetic_nodes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <algorithm>

namespace backup::view {
namespace {

using testing::contains;
using testing::error_of;

NodePointer directory(Children children) {
    std::sort(children.begin(), children.end(), [](const auto& a, const auto& b) {
        return a.first < b.first;
    });
    return std::make_shared<SyntheticDirectory>(NodeFrame{}, std::move(children));
}

NodePointer file() {
    return std::make_shared<LinkNode>(NodeFrame{}, "target");
}

NodePointer example() {
    return directory({{"a", directory({{"x", file()}, {"y", directory({})}})}, {"b", file()}});
}

std::vector<std::string> visited(const NodePointer& root,
                                 const std::function<Walk(const std::string&)>& rule) {
    std::vector<std::string> paths;
    walk(root, [&](const std::string& path, const NodePointer&) {
        paths.push_back(path);
        return rule(path);
    });
    return paths;
}

TEST_CASE("a walk goes through everything, a directory first") {
    CHECK(visited(example(), [](const auto&) { return Walk::Into; }) ==
          std::vector<std::string>{"a", "a/x", "a/y", "b"});
}

TEST_CASE("a walk passes by and stops as it is told") {
    CHECK(visited(example(), [](const auto& path) {
              return path == "a" ? Walk::Past : Walk::Into;
          }) == std::vector<std::string>{"a", "b"});
    CHECK(visited(example(), [](const auto& path) {
              return path == "a/x" ? Walk::Stop : Walk::Into;
          }) == std::vector<std::string>{"a", "a/x"});
}

TEST_CASE("a walk takes large directories in pieces and any depth") {
    Children many;
    for (int i = 0; i < 5000; ++i) {
        many.emplace_back("f" + std::to_string(i), file());
    }
    CHECK(visited(directory(many), [](const auto&) { return Walk::Into; }).size() == 5000);
    auto deep = directory({});
    for (int i = 0; i < 3000; ++i) {
        deep = directory({{"d", deep}});
    }
    CHECK(visited(deep, [](const auto&) { return Walk::Into; }).size() == 3000);
}

TEST_CASE("paths are found, with slashes too many") {
    const auto root = example();
    CHECK(find_path(root, "") == root);
    CHECK(find_path(root, "/a//x/") != nullptr);
    CHECK(find_path(root, "./a/./y") != nullptr);
    CHECK(find_path(root, "a/z") == nullptr);
    CHECK(find_path(root, "b/x") == nullptr);
    CHECK(find_path(root, "..") == nullptr);
}

TEST_CASE("a missing part is named, with a guess") {
    const auto root = directory({{"namespaces", directory({{"shop", file()}})}});
    const auto error = error_of([&] { return get_path(root, "namespaces/shpo/x"); });
    CHECK(error.code() == ErrorCode::PathNotFound);
    CHECK_THAT(error.what(), contains("'shpo' in namespaces"));
    CHECK_THAT(std::string(error.hint()), contains("shop"));
    CHECK_THAT(error_of([&] { return get_path(root, "namespaces/shop/x"); }).what(),
               contains("namespaces/shop is not a directory"));
}

}  // namespace
}  // namespace backup::view
