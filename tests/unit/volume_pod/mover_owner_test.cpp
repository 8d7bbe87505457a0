// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_owner.hpp"

#include "tests/support/catch.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;

namespace {

MoverOwner self() {
    SystemRandom random;
    return make_mover_owner(random);
}

/// The number of a process that has just ended.
pid_t ended_process() {
    const auto child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    return child;
}

}  // namespace

TEST_CASE("this process is alive, also as another run") {
    const auto owner = self();
    CHECK(owner.pid == ::getpid());
    CHECK(owner.start_time > 0);
    CHECK(owner.run_id.size() == 16);
    CHECK(owner.run_id != self().run_id);
    CHECK(state_of(owner, self()) == OwnerState::Alive);
}

TEST_CASE("a process that is gone, or whose number another one has, is dead") {
    auto owner = self();
    owner.start_time += 1;
    CHECK(state_of(owner, self()) == OwnerState::Dead);
    owner = self();
    owner.pid = ended_process();
    CHECK(state_of(owner, self()) == OwnerState::Dead);
}

TEST_CASE("nothing is said about processes elsewhere") {
    const auto change = GENERATE(0, 1, 2, 3, 4, 5);
    auto owner = self();
    owner.pid = ended_process();
    owner.host += change == 0 ? "x" : "";
    owner.boot_id += change == 1 ? "x" : "";
    owner.pid_namespace += change == 2 ? "x" : "";
    owner.pid = change == 3 ? 0 : change == 4 ? -1 : owner.pid;
    if (change == 5) {
        owner = parse_owner("run", "");
    }
    CHECK(state_of(owner, self()) == OwnerState::Unknown);
}

TEST_CASE("an owner survives its annotation; a damaged one proves nothing") {
    const auto owner = self();
    CHECK(parse_owner(owner.run_id, format_owner(owner)) == owner);
    for (const std::string text : {"", "[]", "{", "null", R"({"pid":"x","boot":7})"}) {
        const auto damaged = parse_owner("run", text);
        CHECK(damaged.run_id == "run");
        CHECK(damaged.pid == 0);
        CHECK(damaged.boot_id.empty());
    }
    CHECK(parse_owner("run", std::string(1U << 20U, 'x')).host.empty());
}
