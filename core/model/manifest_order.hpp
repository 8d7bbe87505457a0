// SPDX-License-Identifier: Apache-2.0
// In which order kinds are made again, so that each finds what it needs: docs/tree.md.
#pragma once

#include <string_view>

namespace backup::model {

/// `resource` is ApiResource::name() ("deployments.apps"). Lower comes first; equal ranks have no
/// order among themselves but the alphabetical one.
int restore_rank(std::string_view resource);

}  // namespace backup::model
