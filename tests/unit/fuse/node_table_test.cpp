// SPDX-License-Identifier: Apache-2.0
#include "fuse/node_table.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

namespace backup::testing {
namespace {

class PlainNode : public view::Node {
  public:
    PlainNode(std::uint64_t inode, bool is_found) : inode_(inode), is_found_(is_found) {}

    model::FileType type() const override { return model::FileType::Regular; }

    std::uint64_t inode() const override { return inode_; }

    view::NodeInfo info() override { return {}; }

    bool is_found_by_inode() const override { return is_found_; }

  private:
    std::uint64_t inode_;
    bool is_found_;
};

view::NodePointer make_node(std::uint64_t inode, bool is_found = false) {
    return std::make_shared<PlainNode>(inode, is_found);
}

struct World {
    view::NodePointer root = make_node(1);
    std::vector<std::uint64_t> asked;
    fuse::NodeTable table{root, [this](std::uint64_t inode) {
                              asked.push_back(inode);
                              return inode == 7 ? make_node(7, true) : nullptr;
                          }};
};

TEST_CASE("the root is always there") {
    World world;
    CHECK(world.table.get(1) == world.root);
    world.table.remember(world.root);
    world.table.forget(1, 5);
    CHECK(world.table.get(1) == world.root);
    CHECK(world.table.size() == 0);
    CHECK(world.asked.empty());
}

TEST_CASE("a node is kept until the kernel has taken back every lookup") {
    World world;
    const auto node = make_node(5);
    world.table.remember(node);
    world.table.remember(node);
    world.table.remember(node);
    CHECK(world.table.size() == 1);
    world.table.forget(5, 2);
    CHECK(world.table.get(5) == node);
    world.table.forget(5, 1);
    CHECK(world.table.size() == 0);
    CHECK(node.use_count() == 1);
    CHECK(error_code_of([&] { return world.table.get(5); }) == ErrorCode::PathNotFound);
}

TEST_CASE("the kernel cannot take back more than it was given") {
    World world;
    world.table.remember(make_node(5));
    world.table.forget(5, 100);
    CHECK(world.table.size() == 0);
    world.table.forget(5, 1);
    world.table.forget(6, 1);
    world.table.remember(make_node(5));
    CHECK(world.table.get(5)->inode() == 5);
}

TEST_CASE("entries of volumes are not kept but found") {
    World world;
    world.table.remember(make_node(7, true));
    CHECK(world.table.size() == 0);
    CHECK(world.table.get(7)->inode() == 7);
    CHECK(world.asked == std::vector<std::uint64_t>{7});
    world.table.forget(7, 1);
}

TEST_CASE("the newest node of a number counts") {
    World world;
    world.table.remember(make_node(5));
    const auto newer = make_node(5);
    world.table.remember(newer);
    CHECK(world.table.get(5) == newer);
    world.table.forget(5, 1);
    CHECK(world.table.get(5) == newer);
}

TEST_CASE("lookups of many threads are all counted") {
    World world;
    TaskGroup threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.start([&world](const std::stop_token&) {
            for (std::uint64_t i = 0; i < 1000; ++i) {
                world.table.remember(make_node(10 + i % 10));
            }
        });
    }
    threads.wait();
    CHECK(world.table.size() == 10);
    for (std::uint64_t inode = 10; inode < 20; ++inode) {
        world.table.forget(inode, 399);
    }
    CHECK(world.table.size() == 10);
    for (std::uint64_t inode = 10; inode < 20; ++inode) {
        world.table.forget(inode, 1);
    }
    CHECK(world.table.size() == 0);
}

}  // namespace
}  // namespace backup::testing
