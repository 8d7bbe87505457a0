// SPDX-License-Identifier: Apache-2.0
// What clean_manifest does to single kinds: the table of docs/tree.md.
#pragma once

#include "core/base/json.hpp"

#include <string_view>

namespace backup::model {

/// The object still has its annotations and managedFields; `group` is "" for the core group.
void clean_kind(Json& object, std::string_view group, std::string_view kind);

}  // namespace backup::model
