// SPDX-License-Identifier: Apache-2.0
// Bytes that flow: read from a source, written to a sink, never whole in memory.
#pragma once

#include "core/base/bytes.hpp"

#include <cstddef>
#include <span>

namespace backup {

class ByteSource {
  public:
    virtual ~ByteSource() = default;
    /// Fills at most `buffer`; 0 only at the end. Throws on failure.
    virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

class ByteSink {
  public:
    virtual ~ByteSink() = default;
    /// Takes all of `bytes`. Throws on failure.
    virtual void write(ByteView bytes) = 0;
};

}  // namespace backup
