// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/command.hpp"

#include "plugin/cli/global_flags.hpp"

#include <algorithm>

namespace backup::plugin {

std::string arguments_usage(const Command& command) {
    std::string usage;
    for (const auto& argument : command.arguments) {
        std::string word(argument.name);
        if (argument.is_repeated) {
            word += "...";
        }
        usage += argument.is_required ? word : "[" + word + "]";
        usage += ' ';
    }
    return usage + "[flags]";
}

const Command* find_command(std::span<const Command> commands, std::string_view name) {
    const auto found = std::ranges::find_if(commands, [name](const Command& command) {
        return command.name == name || std::ranges::count(command.aliases, name) > 0;
    });
    return found == commands.end() ? nullptr : &*found;
}

std::vector<Flag> flags_of(const Command& command) {
    std::vector<Flag> flags = command.flags;
    for (const auto& global : global_flags()) {
        const auto is_same = [&global](const Flag& own) { return own.name == global.name; };
        if (std::ranges::none_of(command.flags, is_same)) {
            flags.push_back(global);
        }
    }
    return flags;
}

std::vector<std::string> visible_names(std::span<const Command> commands) {
    std::vector<std::string> names;
    for (const auto& command : commands) {
        if (command.is_hidden) {
            continue;
        }
        names.emplace_back(command.name);
        names.insert(names.end(), command.aliases.begin(), command.aliases.end());
    }
    return names;
}

}  // namespace backup::plugin
