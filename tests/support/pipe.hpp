// SPDX-License-Identifier: Apache-2.0
// Both ends of a pipe, closed with it.
#pragma once

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"

#include <array>
#include <cerrno>
#include <unistd.h>

namespace backup::testing {

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) {
            throw system_error(errno, "pipe");
        }
        read = FileDescriptor(ends[0]);
        write = FileDescriptor(ends[1]);
    }

    FileDescriptor read;
    FileDescriptor write;
};

}  // namespace backup::testing
