// SPDX-License-Identifier: Apache-2.0
// Files of a point as the verbs show them.
#pragma once

#include "core/base/json.hpp"
#include "core/view/node.hpp"

#include <string>
#include <string_view>

namespace backup::plugin {

/// "drwxr-x--T" as ls(1) writes it.
std::string mode_text(model::FileType type, std::uint32_t mode);

/// "Regular", "Directory", ...: in JSON.
std::string_view type_text(model::FileType type);

/// One file as a record: path, type, mode, uid, gid, size, modified, target.
Json file_record(std::string_view path, view::Node& node);

}  // namespace backup::plugin
