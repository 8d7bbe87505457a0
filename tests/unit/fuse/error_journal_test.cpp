// SPDX-License-Identifier: Apache-2.0
#include "fuse/error_journal.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"

#include <algorithm>

namespace backup::testing {
namespace {

struct World {
    FakeClock clock;
    Synchronized<std::string> logged;
    Log log{[this](std::string_view line) { *logged.lock() += concat(line, "\n"); }};
    fuse::ErrorJournal journal{clock, log};
};

TEST_CASE("an error is a line with its time and code, and is logged") {
    World world;
    CHECK(world.journal.text().empty());
    CHECK(world.journal.count() == 0);
    world.log.configure("fuse=warn");
    world.journal.add(Error(ErrorCode::CorruptData, "packs/ab is damaged"));
    CHECK(world.journal.text() == "2026-11-20T10:00:00Z CorruptData: packs/ab is damaged\n");
    CHECK(world.journal.count() == 1);
    CHECK_THAT(*world.logged.lock(), contains("packs/ab is damaged"));
}

TEST_CASE("the same again and again is one line with a count") {
    World world;
    const Error damage(ErrorCode::CorruptData, "a");
    world.journal.add(damage);
    world.clock.advance(std::chrono::minutes(1));
    world.journal.add(damage);
    world.journal.add(damage);
    CHECK(world.journal.text() == "2026-11-20T10:00:00Z CorruptData: a (3 times)\n");
    CHECK(world.journal.count() == 3);
    world.journal.add(Error(ErrorCode::Io, "a"));
    world.journal.add(damage);
    CHECK(world.journal.text() ==
          "2026-11-20T10:00:00Z CorruptData: a (3 times)\n"
          "2026-11-20T10:01:00Z Io: a\n"
          "2026-11-20T10:01:00Z CorruptData: a\n");
}

TEST_CASE("a name cannot make lines of its own") {
    World world;
    world.journal.add(Error(ErrorCode::Io, "read a\nb\x1b[0m"));
    const auto text = world.journal.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("the oldest lines go, the count stays") {
    World world;
    for (int i = 0; i < 1500; ++i) {
        world.journal.add(Error(ErrorCode::Io, concat("error ", i)));
    }
    const auto text = world.journal.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 1000);
    CHECK_THAT(text, starts_with("2026-11-20T10:00:00Z Io: error 500\n"));
    CHECK_THAT(text, contains("error 1499\n"));
    CHECK(world.journal.count() == 1500);
}

TEST_CASE("many threads can add and read") {
    World world;
    TaskGroup threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.start([&world, thread](const std::stop_token&) {
            for (int i = 0; i < 200; ++i) {
                world.journal.add(Error(ErrorCode::Io, concat("thread ", thread)));
                static_cast<void>(world.journal.text());
            }
        });
    }
    threads.wait();
    CHECK(world.journal.count() == 800);
}

}  // namespace
}  // namespace backup::testing
