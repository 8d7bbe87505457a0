// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/all.hpp"

#include "plugin/commands/verbs.hpp"

#include <vector>

namespace backup::plugin {

std::span<const Command> all_commands() {
    static const std::vector<Command> commands = {
        init_command(),
        create_command(),
        import_directory_command(),
        list_command(),
        describe_command(),
        explain_command(),
        ls_command(),
        find_files_command(),
        cat_command(),
        mount_command(),
        umount_command(),
        cp_command(),
        restore_command(),
        verify_command(),
        forget_command(),
        delete_command(),
        hold_command(),
        prune_command(),
        repo_info_command(),
        repo_repair_command(),
        repo_parity_command(),
        repo_key_command(),
        cleanup_command(),
        completion_command(),
        version_command(),
        help_command(),
        complete_command(),
        generate_docs_command(),
    };
    return commands;
}

}  // namespace backup::plugin
