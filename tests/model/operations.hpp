// SPDX-License-Identifier: Apache-2.0
// What one client does as one process, from opening the repository to its end.
#pragma once

#include "tests/model/world.hpp"

namespace backup::model_test {

struct Process {
    World& world;
    std::size_t client;
    testing::SeededRandom random;  // decides
    ClientRandom bytes;            // salts, ids

    Process(World& used, std::size_t number, std::uint64_t seed)
        : world(used),
          client(number),
          random(seed),
          bytes(seed + 1) {}
};

void back_up(Process& process);
void forget_some(Process& process);
void prune(Process& process);
void verify(Process& process);
void restore(Process& process);
void hold_one(Process& process);

}  // namespace backup::model_test
