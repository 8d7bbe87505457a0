// SPDX-License-Identifier: Apache-2.0
#include "core/view/repository_view.hpp"

#include "core/view/inode_numbers.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/view/made_repository.hpp"

namespace backup::testing {
namespace {

std::vector<std::string> names_in(const view::NodePointer& directory) {
    std::vector<std::string> names;
    directory->list(0, [&](std::string_view name, const view::NodePointer& node) {
        const auto target = node->info().attributes.link_target;
        names.push_back(std::string(name) + (target.empty() ? "" : " -> " + target));
        return true;
    });
    return names;
}

std::vector<std::string> names_at(view::RepositoryView& view, std::string_view path) {
    return names_in(view::get_path(view.root(), path));
}

TEST_CASE("all points are shown by time, name and namespace") {
    MadeRepository made;
    made.commit("first", make_shop());
    made.tick();
    made.commit("second", make_shop(), {"shop", "other"});
    view::RepositoryView view(made.repository(), made.chunks(), {});
    CHECK(names_at(view, "") == std::vector<std::string>{"by-name", "by-namespace", "by-time"});
    REQUIRE(view.refresh());
    CHECK(names_at(view, "") ==
          std::vector<std::string>{
              "by-name", "by-namespace", "by-time", "latest -> by-time/20261120T100100Z-second"});
    CHECK(names_at(view, "by-time") ==
          std::vector<std::string>{"20261120T100000Z-first", "20261120T100100Z-second"});
    CHECK(names_at(view, "by-name") ==
          std::vector<std::string>{"first -> ../by-time/20261120T100000Z-first",
                                   "second -> ../by-time/20261120T100100Z-second"});
    CHECK(names_at(view, "by-namespace") == std::vector<std::string>{"other", "shop"});
    CHECK(
        names_at(view, "by-namespace/other") ==
        std::vector<std::string>{"20261120T100100Z-second -> ../../by-time/20261120T100100Z-second",
                                 "latest -> ../../by-time/20261120T100100Z-second"});
    CHECK(view::find_path(view.root(), "by-time/20261120T100000Z-first/point.yaml") != nullptr);
}

TEST_CASE("a refresh finds points that came and went, and keeps what is open") {
    MadeRepository made;
    const auto first = made.commit("first", make_shop());
    view::RepositoryView view(made.repository(), made.chunks(), {});
    view.refresh();
    CHECK_FALSE(view.refresh());
    const auto link = view.root()->find("latest")->inode();
    const auto open = view::get_path(view.root(), "by-time/20261120T100000Z-first/point.yaml");
    made.tick();
    made.commit("second", make_shop({make_directory("data", {make_file("f")})}));
    CHECK(view.refresh());
    CHECK(names_at(view, "by-time").size() == 2);
    CHECK(view.root()->find("latest")->inode() != link);
    CHECK(view::find_path(view.root(),
                          "by-time/20261120T100100Z-second/namespaces/shop/volumes/data/f"));
    std::vector<std::string> blobs;
    made.backend().list("points", [&](const auto& blob) { blobs.push_back(blob.name); });
    for (const auto& blob : blobs) {
        if (blob.find(first.point.id) != std::string::npos) {
            made.backend().remove(blob);
        }
    }
    CHECK(view.refresh());
    CHECK(names_at(view, "by-time") == std::vector<std::string>{"20261120T100100Z-second"});
    CHECK_THAT(view::read_text(*open), contains("first"));
}

TEST_CASE("two points of one second have two names") {
    MadeRepository made;
    made.commit("same", make_shop());
    made.commit("same", make_shop({make_directory("data")}));
    view::RepositoryView view(made.repository(), made.chunks(), {});
    view.refresh();
    const auto names = names_at(view, "by-time");
    REQUIRE(names.size() == 2);
    CHECK(names[0] == "20261120T100000Z-same");
    CHECK_THAT(names[1], starts_with("20261120T100000Z-same-"));
    CHECK(names_at(view, "by-name") == std::vector<std::string>{"same -> ../by-time/" + names[1]});
}

TEST_CASE("a view can be narrowed to namespaces and points") {
    MadeRepository made;
    made.commit("first", make_shop(), {"shop"});
    made.tick();
    const auto second = made.commit("second", make_shop(), {"other"});
    view::RepositoryView by_namespace(made.repository(), made.chunks(), {.namespaces = {"shop"}});
    by_namespace.refresh();
    CHECK(names_at(by_namespace, "by-time") == std::vector<std::string>{"20261120T100000Z-first"});
    view::RepositoryView by_point(made.repository(), made.chunks(), {.points = {second.point.id}});
    by_point.refresh();
    CHECK(names_at(by_point, "by-time") == std::vector<std::string>{"20261120T100100Z-second"});
}

TEST_CASE("inode numbers are unique, lead back, and are the same in every mount") {
    MadeRepository made;
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    auto volume = make_random_tree(random, {.entries = 500});
    volume.entry.name = "data";
    made.commit("first", make_shop({volume}));
    made.tick();
    made.commit("second", make_shop({volume}));
    view::RepositoryView one(made.repository(), made.chunks(), {});
    view::RepositoryView two(made.repository(), made.chunks(), {});
    one.refresh();
    two.refresh();
    CHECK(one.root()->inode() == view::kRootInode);
    std::map<std::uint64_t, std::string> seen;
    view::walk(one.root(), [&](const std::string& path, const view::NodePointer& node) {
        const auto other = view::find_path(two.root(), path);
        REQUIRE(other != nullptr);
        REQUIRE(other->inode() == node->inode());
        const auto info = node->info();
        if (node->is_found_by_inode()) {
            const auto again = one.find_by_inode(node->inode());
            REQUIRE(again != nullptr);
            REQUIRE(again->info().attributes == info.attributes);
        }
        const auto [at, is_new] = seen.emplace(node->inode(), path);
        INFO(path << " and " << at->second);
        REQUIRE((is_new || info.attributes.has_link_group));
        return view::Walk::Into;
    });
    CHECK(one.find_by_inode(view::kRootInode) == nullptr);
    CHECK(one.find_by_inode(view::make_tree_inode(3, 0)) == nullptr);
}

TEST_CASE("files of the mount itself are asked each time") {
    MadeRepository made;
    int count = 0;
    view::RepositoryView view(made.repository(),
                              made.chunks(),
                              {},
                              {{"status", [&] { return std::to_string(++count); }}});
    view.refresh();
    const auto file = view::get_path(view.root(), ".backup/status");
    CHECK(file->freshness() == view::Freshness::Now);
    const auto text = view::read_text(*file);
    CHECK(view::read_text(*file) == text);
    const auto next = view::get_path(view.root(), ".backup/status");
    CHECK(view::read_text(*next) != text);
    CHECK(next->inode() != file->inode());
}

TEST_CASE("a damaged point is left out and told") {
    MadeRepository made;
    made.commit("first", make_shop());
    made.tick();
    made.commit("second", make_shop());
    std::string victim;
    made.backend().list("points", [&](const auto& blob) { victim = std::max(victim, blob.name); });
    auto bytes = made.backend().get(victim);
    bytes[bytes.size() / 2] ^= std::byte{1};
    made.backend().remove(victim);
    made.backend().put(victim, bytes);
    view::RepositoryView view(made.repository(), made.chunks(), {});
    std::vector<Problem> problems;
    view.refresh(&problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].subject == victim);
    CHECK(names_at(view, "by-time") == std::vector<std::string>{"20261120T100000Z-first"});
}

}  // namespace
}  // namespace backup::testing
