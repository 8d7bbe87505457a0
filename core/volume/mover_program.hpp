// SPDX-License-Identifier: Apache-2.0
// The programs that run beside a volume, as bytes in this process. plugin/mover builds and embeds
// them and hands them in, so that this layer needs no build of its own.
#pragma once

#include "core/base/bytes.hpp"

#include <string>
#include <string_view>

namespace backup::volume {

/// The views must live as long as the program is used (they point into the executable).
struct MoverProgram {
    std::string_view architecture;  // of cluster nodes, as kubernetes.io/arch says it: "amd64"
    ByteView loader;                // a static executable; joins and starts the mover
    ByteView packed_mover;          // the static mover, one zstd frame
};

/// The first 12 hexadecimal digits of the SHA-256 of both: names what was put into a cluster.
std::string short_digest(const MoverProgram& program);

}  // namespace backup::volume
