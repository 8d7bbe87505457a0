// SPDX-License-Identifier: Apache-2.0
// libfuse's low-level callbacks: each translates one request to MountedView and its answer back.
// Decides nothing: what there is and what it looks like is decided in core/view.
#pragma once

#include "fuse/mounted_view.hpp"

struct fuse_lowlevel_ops;

namespace backup::fuse {

/// For fuse_session_new, whose user data is the MountedView. Any thread may call them.
const fuse_lowlevel_ops& operations();

}  // namespace backup::fuse
