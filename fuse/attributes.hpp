// SPDX-License-Identifier: Apache-2.0
// What stat(2) tells of a node. Knows nothing of the kernel's protocol.
#pragma once

#include "core/view/node.hpp"

#include <sys/stat.h>

namespace backup::fuse {

mode_t file_type_bits(model::FileType type);

struct stat to_stat(const view::Node& node, const view::NodeInfo& info);

}  // namespace backup::fuse
