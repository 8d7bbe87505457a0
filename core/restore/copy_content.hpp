// SPDX-License-Identifier: Apache-2.0
// The content of one file of a view into a sink. Knows nothing of trees.
#pragma once

#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/model/file_entry.hpp"
#include "core/view/node.hpp"
#include "core/volume/tree_sink.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace backup::restore {

/// The stored attributes of a file of a volume, otherwise what the node shows.
model::FileEntry attributes_of(view::Node& node);

/// The repository lost or damaged one file or directory: others can still be had.
bool concerns_one_file(const Error& error);

/// How one thread reads the content of files.
struct ContentReading {
    /// Other threads decode what comes next (view::Node::collect).
    bool is_ahead = false;
    Bytes buffer = {};
};

/// Long enough to be read ahead: what is decoded for nothing behind its end is little beside it.
bool is_long(const model::FileEntry& entry);

/// Copies all of it, holes as holes. Returns the reason when the content cannot be had: the sink
/// has a part of it then. Throws what the sink throws, Interrupted, and what concerns more than
/// this one file.
std::optional<std::string> copy_content(view::Node& node,
                                        const model::FileEntry& entry,
                                        volume::ContentSink& sink,
                                        ContentReading& reading,
                                        const std::stop_token& stop);

}  // namespace backup::restore
