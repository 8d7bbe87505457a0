// SPDX-License-Identifier: Apache-2.0
// Notices who reads the frames of a pack in their order, and says which to decode before they are
// asked for. Knows numbers only. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace backup::repository {

struct FrameRange {
    std::uint32_t pack = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;

    bool operator==(const FrameRange&) const = default;
};

class ReadAhead {
  public:
    /// At most `window` frames are decoded ahead of a reader.
    explicit ReadAhead(std::uint32_t window) : window_(window) {}

    /// Frames first..last of a pack of `frames` are read now; what should be read ahead, once.
    std::optional<FrameRange> note(std::uint32_t pack,
                                   std::uint32_t first,
                                   std::uint32_t last,
                                   std::uint32_t frames);

  private:
    struct Stream {
        std::uint32_t pack = 0;
        std::uint32_t next = 0;   // behind what was read
        std::uint32_t ahead = 0;  // behind what was handed out
        std::uint32_t steps = 0;  // how often it went on; 0: not in use
        std::uint64_t used = 0;
    };

    Stream& find(std::uint32_t pack, std::uint32_t first, std::uint32_t last);

    std::uint32_t window_;
    std::uint64_t time_ = 0;
    std::array<Stream, 16> streams_{};
};

}  // namespace backup::repository
