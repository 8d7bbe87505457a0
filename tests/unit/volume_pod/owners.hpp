// SPDX-License-Identifier: Apache-2.0
// Whom leftovers in a cluster may belong to: this run, one that died here, one of another machine.
#pragma once

#include "core/base/random.hpp"
#include "core/volume/mover_owner.hpp"

namespace backup::volume {

inline MoverOwner self() {
    SystemRandom random;
    return make_mover_owner(random);
}

inline MoverOwner dead() {
    auto owner = self();
    owner.start_time += 1;
    return owner;
}

inline MoverOwner foreign() {
    auto owner = self();
    owner.host = "elsewhere";
    return owner;
}

}  // namespace backup::volume
