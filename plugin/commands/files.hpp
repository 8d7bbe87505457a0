// SPDX-License-Identifier: Apache-2.0
// Files of a point as the verbs show them.
#pragma once

#include "core/base/json.hpp"
#include "core/view/node.hpp"

#include <iosfwd>
#include <stop_token>
#include <string>
#include <string_view>

namespace backup::plugin {

/// "drwxr-x--T" as ls(1) writes it.
std::string mode_text(model::FileType type, std::uint32_t mode);

/// "Regular", "Directory", ...: in JSON.
std::string_view type_text(model::FileType type);

/// One file as a record: path, type, mode, uid, gid, size, modified, target.
Json file_record(std::string_view path, view::Node& node);

/// All of a regular file, which is read ahead. Throws Io when `out` takes no more, Interrupted, and
/// as view::Node::collect.
void print_content(view::Node& node, std::ostream& out, const std::stop_token& stop);

}  // namespace backup::plugin
