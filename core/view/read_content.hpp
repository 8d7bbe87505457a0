// SPDX-License-Identifier: Apache-2.0
// All content of one file, from its beginning to its end and by its chunks, so that the name of
// each is proved.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/view/node.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

namespace backup::view {

/// A part of the content: a hole, or data.
struct ContentRun {
    std::uint64_t hole_bytes = 0;
    ByteChain data;
};

/// How one thread reads the content of files.
struct ContentReading {
    /// Other threads decode what comes next (Node::collect), and of long files prove it too.
    bool is_ahead = false;
    /// Holes come as zeros: nobody has to look for them, which takes the extents of all of the
    /// file.
    bool fills_holes = false;
    Bytes buffer = {};
};

/// Long enough to be read ahead: what is decoded for nothing behind its end is little beside it.
bool is_long(std::uint64_t size);

/// Gives `use` the `size` bytes of a regular file in their order; what a run refers to is valid
/// during the call, which is on this thread. Returns why the rest cannot be had: what Node throws,
/// CorruptData where it is shorter, Interrupted. Throws what `use` throws.
std::optional<Error> read_content(Node& node,
                                  std::uint64_t size,
                                  ContentReading& reading,
                                  const std::stop_token& stop,
                                  const std::function<void(const ContentRun& run)>& use);

}  // namespace backup::view
