// SPDX-License-Identifier: Apache-2.0
// Runs another program (exec credential plugins, passphrase commands, fusermount3), and what there
// is to know and decide about this process.
#pragma once

#include "core/base/bytes.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace backup {

struct ProcessOptions {
    std::vector<std::string> command;                // command[0] is looked up in PATH
    std::map<std::string, std::string> environment;  // added to our own
    Bytes input;                                     // fed to stdin unless stdin is inherited
    bool inherit_stdin = false;
    std::size_t output_limit_bytes = 1U << 20U;  // more is an error: the program is foreign
    std::chrono::milliseconds timeout{60'000};
};

struct ProcessResult {
    int exit_code = 0;  // 128 + signal when killed
    std::string output;
};

/// stderr goes to ours. Throws NotFound when the program is missing, TimedOut when it takes longer
/// (it is killed then), Io on other failures; a non-zero exit is a result, not an error.
ProcessResult run_process(const ProcessOptions& options);

/// Goes on as another program: words[0] is its path, the others its arguments. Returns only by
/// throwing NotFound or Io.
[[noreturn]] void replace_process(const std::vector<std::string>& words);

/// Of this machine or container; empty when it has none.
std::string host_name();

/// Keys and Secrets are in the memory of our programs: they must not end in a core file.
void forbid_core_files();

}  // namespace backup
