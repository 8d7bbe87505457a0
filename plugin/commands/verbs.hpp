// SPDX-License-Identifier: Apache-2.0
// One function a verb, each in the file named after it; called once, by commands/all.cpp.
#pragma once

#include "plugin/cli/command.hpp"

namespace backup::plugin {

Command init_command();
Command create_command();
Command import_directory_command();
Command list_command();
Command describe_command();
Command ls_command();
Command explain_command();
Command find_files_command();
Command cat_command();
Command cp_command();
Command mount_command();
Command umount_command();
Command restore_command();
Command verify_command();
Command forget_command();
Command delete_command();
Command hold_command();
Command prune_command();
Command repo_info_command();
Command repo_repair_command();
Command repo_parity_command();
Command repo_key_command();
Command cleanup_command();
Command completion_command();
Command version_command();
Command help_command();
Command complete_command();
Command generate_docs_command();

/// Headings in the list of verbs.
inline constexpr std::string_view kMakeGroup = "Make recovery points";
inline constexpr std::string_view kLookGroup = "Look into them";
inline constexpr std::string_view kBackGroup = "Get data back";
inline constexpr std::string_view kCareGroup = "Take care";
inline constexpr std::string_view kOtherGroup = "Other";

}  // namespace backup::plugin
