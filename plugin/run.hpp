// SPDX-License-Identifier: Apache-2.0
// The whole program as a function: words in, exit code out, nothing ends the process.
#pragma once

#include "plugin/app.hpp"

#include <span>
#include <string>

namespace backup::plugin {

/// `words`: the command line without the program's name. Errors are printed on app.err.
int run_cli(std::span<const std::string> words, App& app);

}  // namespace backup::plugin
