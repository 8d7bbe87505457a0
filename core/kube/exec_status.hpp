// SPDX-License-Identifier: Apache-2.0
// How a command in a container ended: the Status on channel 3 of an exec stream.
#pragma once

#include <string>
#include <string_view>

namespace backup::kube {

struct ExecStatus {
    bool has_exit_code = false;  // otherwise the command could not be run
    int exit_code = 0;
    std::string message;
};

/// Never throws: a text that is no Status is a failure with that text as message.
ExecStatus read_exec_status(std::string_view text);

}  // namespace backup::kube
