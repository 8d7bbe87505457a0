// SPDX-License-Identifier: Apache-2.0
// The content of one file of a view into a sink. Knows nothing of trees.
#pragma once

#include "core/base/error.hpp"
#include "core/model/file_entry.hpp"
#include "core/view/read_content.hpp"
#include "core/volume/tree_sink.hpp"

#include <optional>
#include <stop_token>
#include <string>

namespace backup::restore {

/// The stored attributes of a file of a volume, otherwise what the node shows.
model::FileEntry attributes_of(view::Node& node);

/// The repository lost or damaged one file or directory: others can still be had.
bool concerns_one_file(const Error& error);

/// Copies all of it, holes as holes. Returns the reason when the content cannot be had: the sink
/// has a part of it then. Throws what the sink throws, Interrupted, and what concerns more than
/// this one file.
std::optional<std::string> copy_content(view::Node& node,
                                        const model::FileEntry& entry,
                                        volume::ContentSink& sink,
                                        view::ContentReading& reading,
                                        const std::stop_token& stop);

}  // namespace backup::restore
