// SPDX-License-Identifier: Apache-2.0
#include "core/view/point_files.hpp"

#include "core/base/yaml.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/view/made_repository.hpp"

#include <set>

namespace backup::testing {
namespace {

TestNode make_image(std::string name) {
    return make_text(std::move(name), "block");
}

TEST_CASE("a point looks as docs/tree.md says") {
    MadeRepository made;
    const auto record = made.commit(
        "first", make_shop({make_directory("data", {make_file("a.txt")}), make_image("disk")}));
    const auto root = view::open_point(made.chunks(), record);
    CHECK(list_all(root) == std::vector<std::string>{
                                "cluster/",
                                "cluster/manifests/",
                                "cluster/manifests/namespaces/",
                                "cluster/manifests/namespaces/shop.yaml",
                                "cluster/raw/",
                                "cluster/raw/namespaces/",
                                "cluster/raw/namespaces/shop.json",
                                "namespaces/",
                                "namespaces/shop/",
                                "namespaces/shop/manifests/",
                                "namespaces/shop/manifests/configmaps/",
                                "namespaces/shop/manifests/configmaps/settings.yaml",
                                "namespaces/shop/manifests/deployments.apps/",
                                "namespaces/shop/manifests/deployments.apps/web.yaml",
                                "namespaces/shop/manifests/pods/",
                                "namespaces/shop/manifests/pods/web-1.yaml",
                                "namespaces/shop/manifests.yaml",
                                "namespaces/shop/raw/",
                                "namespaces/shop/raw/configmaps/",
                                "namespaces/shop/raw/configmaps/settings.json",
                                "namespaces/shop/raw/deployments.apps/",
                                "namespaces/shop/raw/deployments.apps/web.json",
                                "namespaces/shop/raw/pods/",
                                "namespaces/shop/raw/pods/web-1.json",
                                "namespaces/shop/volumes/",
                                "namespaces/shop/volumes/data/",
                                "namespaces/shop/volumes/data/a.txt",
                                "namespaces/shop/volumes/disk.img",
                                "point.yaml",
                            });
}

TEST_CASE("every file is as long as stat says, every directory counts its subdirectories") {
    MadeRepository made;
    const auto record = made.commit("first", make_shop({make_directory("data", {make_file("a")})}));
    const auto root = view::open_point(made.chunks(), record, {.uid = 12, .gid = 34});
    std::set<std::uint64_t> inodes;
    view::walk(root, [&](const std::string& path, const view::NodePointer& node) {
        INFO(path);
        const auto info = node->info();
        CHECK(inodes.insert(node->inode()).second);
        CHECK(info.attributes.inode == node->inode());
        if (!path.starts_with("namespaces/shop/volumes/data")) {
            CHECK(info.attributes.uid == 12);
            CHECK(info.attributes.gid == 34);
        }
        if (!node->is_directory()) {
            CHECK(read_at(*node, 0, info.attributes.size + 100).size() == info.attributes.size);
            return view::Walk::Into;
        }
        std::uint32_t directories = 0;
        node->list(0, [&](std::string_view name, const view::NodePointer& child) {
            directories += child->is_directory() ? 1U : 0U;
            const auto found = node->find(name);
            REQUIRE(found != nullptr);
            CHECK(found->inode() == child->inode());
            return true;
        });
        CHECK(info.attributes.link_count == 2 + directories);
        CHECK(node->find("no such name") == nullptr);
        return view::Walk::Into;
    });
}

TEST_CASE("an import has volumes and no objects") {
    MadeRepository made;
    const auto tree = make_directory(
        "", {make_directory("volumes", {make_directory("home", {make_directory("disk")})})});
    const auto root = view::open_point(made.chunks(), made.commit("import", tree, {"home"}));
    CHECK(list_all(root) == std::vector<std::string>{"namespaces/",
                                                     "namespaces/home/",
                                                     "namespaces/home/volumes/",
                                                     "namespaces/home/volumes/disk/",
                                                     "point.yaml"});
}

TEST_CASE("a claim called like an image keeps out of its way") {
    MadeRepository made;
    const auto record = made.commit(
        "first", make_shop({make_image("a"), make_directory("a.img", {make_file("f")})}));
    const auto volumes =
        view::get_path(view::open_point(made.chunks(), record), "namespaces/shop/volumes");
    CHECK(list_all(volumes) == std::vector<std::string>{"a%2Eimg/", "a%2Eimg/f", "a.img"});
    CHECK(read_at(*volumes->find("a.img"), 0, 100) == "block");
}

TEST_CASE("only the namespaces that were asked for are shown") {
    MadeRepository made;
    auto tree = make_shop();
    tree.children.push_back(make_directory("z"));
    const auto record = made.commit("first", tree);
    const auto root = view::open_point(made.chunks(), record, {.namespaces = {"other"}});
    CHECK(view::find_path(root, "namespaces/shop") == nullptr);
    CHECK(view::find_path(root, "namespaces") != nullptr);
}

TEST_CASE("point.yaml tells what is known of the point, with the ledger") {
    MadeRepository made;
    const auto record = made.commit("first", make_shop());
    const auto root = view::open_point(made.chunks(), record);
    const auto yaml = parse_yaml(view::read_text(*root->find("point.yaml")));
    CHECK(yaml.text_at({"kind"}) == "RecoveryPoint");
    CHECK(yaml.text_at({"name"}) == "first");
    CHECK(yaml.text_at({"id"}) == record.point.id);
    CHECK(yaml.find("ledger") != nullptr);
}

}  // namespace
}  // namespace backup::testing
