// SPDX-License-Identifier: Apache-2.0
#include "fuse/mounted_view.hpp"

#include "core/base/text.hpp"
#include "core/view/inode_numbers.hpp"
#include "core/view/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/view/made_repository.hpp"

#include <set>

namespace backup::testing {
namespace {

struct World {
    MadeRepository made;
    FakeClock clock;
    Log log{[](std::string_view) {}};
    fuse::ErrorJournal journal{clock, log};
    view::RepositoryView view;

    explicit World(view::ViewOptions options = {})
        : view(made.repository(), made.chunks(), std::move(options), {{"errors", [this] {
                                                                           return journal.text();
                                                                       }}}) {
        first = made.commit("first", make_shop({make_directory("data", {make_file("file")})}));
        made.tick();
        view.refresh();
    }

    std::uint64_t inode(std::string_view path) {
        return view::get_path(view.root(), path)->inode();
    }

    void remove(const repository::PointRecord& point) {
        std::vector<std::string> names;
        made.backend().list("points", [&](const auto& blob) { names.push_back(blob.name); });
        for (const auto& name : names) {
            if (name.find(point.point.id) != std::string::npos) {
                made.backend().remove(name);
            }
        }
    }

    repository::PointRecord first;
};

/// "directory/name" of each, with the paths that the numbers meant; directories as "directory/".
std::set<std::string> names_of(const std::vector<fuse::MountedView::Stale>& stale,
                               const std::map<std::uint64_t, std::string>& directories) {
    std::set<std::string> names;
    for (const auto& item : stale) {
        const auto known = directories.find(item.inode);
        names.insert(concat(known == directories.end() ? "?" : known->second, "/", item.name));
    }
    CHECK(names.size() == stale.size());
    return names;
}

std::map<std::uint64_t, std::string> directories_of(World& world) {
    std::map<std::uint64_t, std::string> directories = {{view::kRootInode, ""}};
    for (const auto* path : {"by-time", "by-name", "by-namespace", "by-namespace/shop"}) {
        directories[world.inode(path)] = path;
    }
    return directories;
}

TEST_CASE("without a new point nothing is stale") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    CHECK(mounted.refresh().empty());
    CHECK_FALSE(mounted.checks_permissions());
    CHECK(mounted.nodes().get(view::kRootInode)->is_directory());
}

TEST_CASE("a new point makes stale exactly what it changes, also what was missing") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto directories = directories_of(world);
    world.made.commit("second", make_shop());
    CHECK(names_of(mounted.refresh(), directories) ==
          std::set<std::string>{"/",
                                "/latest",
                                "by-time/",
                                "by-time/20261120T100100Z-second",
                                "by-name/",
                                "by-name/second",
                                "by-namespace/shop/",
                                "by-namespace/shop/20261120T100100Z-second",
                                "by-namespace/shop/latest"});
    CHECK(mounted.refresh().empty());
}

TEST_CASE("a name that leads to another point is stale") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto directories = directories_of(world);
    world.made.commit("first", make_shop());
    const auto names = names_of(mounted.refresh(), directories);
    CHECK(names.contains("by-name/first"));
    CHECK_FALSE(names.contains("by-time/20261120T100000Z-first"));
}

TEST_CASE("a point that is gone is stale too") {
    World world;
    world.made.commit("second", make_shop(), {"other"});
    world.view.refresh();
    fuse::MountedView mounted(world.view, world.journal);
    auto directories = directories_of(world);
    directories[world.inode("by-namespace/other")] = "by-namespace/other";
    world.remove(world.first);
    CHECK(names_of(mounted.refresh(), directories) ==
          std::set<std::string>{"by-time/",
                                "by-time/20261120T100000Z-first",
                                "by-name/",
                                "by-name/first",
                                "by-namespace/",
                                "by-namespace/shop",
                                "by-namespace/shop/",
                                "by-namespace/shop/20261120T100000Z-first",
                                "by-namespace/shop/latest"});
}

TEST_CASE("a list that the kernel holds shows what there is now") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto by_time = view::get_path(world.view.root(), "by-time");
    const auto shop = view::get_path(world.view.root(), "by-namespace/shop");
    mounted.nodes().remember(by_time);
    world.made.commit("second", make_shop());
    mounted.refresh();
    const auto held = mounted.nodes().get(by_time->inode());
    CHECK(held->find("20261120T100100Z-second") != nullptr);
    CHECK(shop->find("20261120T100100Z-second") != nullptr);
    world.remove(world.first);
    mounted.refresh();
    CHECK(held->find("20261120T100000Z-first") == nullptr);
    CHECK(held->info().attributes.link_count == 3);
}

TEST_CASE("a damaged point is told and does not stop the others") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto name = "points/20261120T100200Z-" + std::string(64, 'a');
    world.made.backend().put(name, as_bytes("no point"));
    CHECK(mounted.refresh().empty());
    CHECK_THAT(world.journal.text(), contains(name));
    world.made.commit("second", make_shop());
    CHECK_FALSE(mounted.refresh().empty());
}

TEST_CASE("a file of the mount itself is another one when its text changes") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto before = view::get_path(world.view.root(), ".backup/errors");
    CHECK(world.inode(".backup/errors") == before->inode());
    world.journal.add(Error(ErrorCode::Io, "x"));
    const auto after = view::get_path(world.view.root(), ".backup/errors");
    CHECK(after->inode() != before->inode());
    CHECK(view::read_text(*before).empty());
    CHECK_THAT(view::read_text(*after), contains("Io: x"));
    CHECK(after->info().attributes.size == view::read_text(*after).size());
}

TEST_CASE("entries of volumes are found by their numbers alone") {
    World world;
    fuse::MountedView mounted(world.view, world.journal);
    const auto file = view::get_path(
        world.view.root(), "by-time/20261120T100000Z-first/namespaces/shop/volumes/data/file");
    mounted.nodes().remember(file);
    CHECK(mounted.nodes().size() == 0);
    CHECK(read_at(*mounted.nodes().get(file->inode()), 0, 10) == "file");
    CHECK(error_code_of([&] { return mounted.nodes().get(12345); }) == ErrorCode::PathNotFound);
}

TEST_CASE("the size of the file system is that of the newest point") {
    World world;
    fuse::MountedView mounted(world.view, world.journal, true);
    CHECK(mounted.checks_permissions());
    CHECK(mounted.totals().bytes == world.view.points()->back().point.statistics.bytes);
    world.remove(world.first);
    mounted.refresh();
    CHECK(mounted.totals().files == 0);
}

}  // namespace
}  // namespace backup::testing
