// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/files.hpp"

#include "plugin/commands/points.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/view/chunked_node.hpp"

#include <sstream>

using namespace backup;
using namespace backup::plugin;
using model::FileType;

TEST_CASE("modes are written as ls writes them") {
    CHECK(mode_text(FileType::Regular, 0644) == "-rw-r--r--");
    CHECK(mode_text(FileType::Directory, 0755) == "drwxr-xr-x");
    CHECK(mode_text(FileType::Directory, 01777) == "drwxrwxrwt");
    CHECK(mode_text(FileType::Directory, 01776) == "drwxrwxrwT");
    CHECK(mode_text(FileType::Regular, 04755) == "-rwsr-xr-x");
    CHECK(mode_text(FileType::Regular, 02644) == "-rw-r-Sr--");
    CHECK(mode_text(FileType::Regular, 06770) == "-rwsrws---");
    CHECK(mode_text(FileType::Symlink, 0777) == "lrwxrwxrwx");
    CHECK(mode_text(FileType::Fifo, 0) == "p---------");
}

TEST_CASE("a printed file is read by its chunks, to its end") {
    const auto node = testing::make_chunked_node((9U << 20U) + 7);
    std::ostringstream out;
    print_content(*node, out, {});
    CHECK(node->was_read_by_chunks());
    CHECK(out.view().size() == node->info().attributes.size);
}

TEST_CASE("many names are cut short") {
    CHECK(some_names({}, 3).empty());
    CHECK(some_names({"a", "b", "c"}, 3) == "a,b,c");
    CHECK(some_names({"a", "b", "c", "d", "e"}, 3) == "a,b,c,+2");
}

TEST_CASE("the record of a point begins with its id") {
    model::RecoveryPoint point;
    point.id = "abc";
    point.name = "one";
    const auto record = point_record(point);
    CHECK(record.members().front().first == "id");
    CHECK(record.text_at({"name"}) == "one");
}
