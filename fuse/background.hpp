// SPDX-License-Identifier: Apache-2.0
// Going into the background only after the mount succeeded: the program that the shell waits for
// lives until the daemon reports that it is ready, or why it is not.
#pragma once

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"

#include <optional>

namespace backup::fuse {

class Background {
  public:
    /// Forks. In the daemon it returns; in the program the shell waits for it never returns: it
    /// ends with the code the daemon reported, or 1 when the daemon died without a word. Must be
    /// called before any thread exists.
    static Background start();

    /// Does nothing on report_ready: for the foreground.
    static Background none() { return Background(FileDescriptor()); }

    /// Lets the shell go on, and lets go of the terminal, the working directory and the session.
    void report_ready();

    /// Ends the waiting program with `exit_code`; what is to be printed was printed by the daemon,
    /// which still has the terminal.
    void report_failure(int exit_code);

  private:
    explicit Background(FileDescriptor status) : status_(std::move(status)) {}

    FileDescriptor status_;
};

}  // namespace backup::fuse
