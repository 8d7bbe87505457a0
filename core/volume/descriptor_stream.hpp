// SPDX-License-Identifier: Apache-2.0
// Byte streams over pipes and sockets that can be interrupted from another thread.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/base/stream.hpp"

#include <chrono>
#include <optional>

namespace backup::volume {

/// Wakes all who wait in the streams made with it, for good.
class Interrupter {
  public:
    Interrupter();
    void interrupt() noexcept;

    int descriptor() const { return event_.get(); }

  private:
    FileDescriptor event_;
};

/// Reads and writes a descriptor it does not own. Throws Interrupted when interrupted, TimedOut
/// when nothing moves for `patience`.
class DescriptorStream : public ByteSource, public ByteSink {
  public:
    DescriptorStream(int descriptor,
                     const Interrupter& interrupter,
                     std::optional<std::chrono::milliseconds> patience = {});

    std::size_t read(std::span<std::byte> buffer) override;
    void write(ByteView bytes) override;

  private:
    void wait_for(short events);

    int descriptor_;
    const Interrupter& interrupter_;
    int timeout_ms_;
};

}  // namespace backup::volume
