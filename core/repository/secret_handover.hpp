// SPDX-License-Identifier: Apache-2.0
// A secret handed from one program of ours to the next through a pipe: never an argument, never an
// environment variable, never a file.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/repository/repository.hpp"

namespace backup::repository {

/// The reading end of a pipe that holds the secret; it survives exec. Throws Io.
FileDescriptor hand_over_secret(const Secret& secret);

/// Reads what hand_over_secret wrote and closes the pipe. Throws WrongKey when it is not that.
Secret take_secret(FileDescriptor pipe);

}  // namespace backup::repository
