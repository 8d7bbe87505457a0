// SPDX-License-Identifier: Apache-2.0
// What a mover is told that writes a tree. Plain data; protocol.hpp brings it over.
#pragma once

#include "core/volume/tree_sink.hpp"

#include <string>

namespace backup::volume {

/// All a mover must know to write a tree. With an empty `name` the root of the tree becomes the
/// directory `below`, which is made when it is missing. Otherwise the root of the tree holds one
/// entry and stands for no directory itself: when `below` is a directory the entry goes into it and
/// is called `name`; when not, the entry is called what the last part of `below` says.
struct WriteTask {
    std::string path;   // a directory that is trusted: links on the way to it are followed
    std::string below;  // path inside it, which may not pass a link; empty: itself
    std::string name;
    SinkOptions options;
};

}  // namespace backup::volume
