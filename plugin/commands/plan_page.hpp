// SPDX-License-Identifier: Apache-2.0
// The plan of `create --dry-run` as people read it.
#pragma once

#include "core/capture/plan.hpp"
#include "plugin/output/records.hpp"

namespace backup::plugin {

/// Objects by kind, volumes with method and size, what is left out with the reasons, problems and
/// warnings. With the format Wide every reason of every namespace and the names.
void print_plan(const Output& output, const capture::Plan& plan);

}  // namespace backup::plugin
