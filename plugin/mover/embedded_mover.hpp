// SPDX-License-Identifier: Apache-2.0
// The mover and its loader, as the build has put them into this program.
#pragma once

#include "core/volume/mover_program.hpp"

namespace backup::plugin {

/// Valid as long as the process lives.
volume::MoverProgram embedded_mover();

}  // namespace backup::plugin
