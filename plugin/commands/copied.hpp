// SPDX-License-Identifier: Apache-2.0
// What `cp` and `restore` say about files that were written.
#pragma once

#include "core/volume/tree_sink.hpp"

#include <string_view>

namespace backup::plugin {

class Context;

/// Prints "<what> copied: 3 files ..." on standard error, or a record; problems as warnings. The
/// exit code: 0, or 3 when there were problems.
int report_copied(Context& context, const volume::SinkResult& result, std::string_view target);

}  // namespace backup::plugin
